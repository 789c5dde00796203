"""What a language knows that the core of the merge does not: orders, and what says nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from skills_engine.merge.core.order import Entry
    from skills_engine.merge.core.tree import Node, Seq, Unit

    Units = Callable[[Entry], tuple[Unit | None, Unit | None, Unit | None]]

__all__ = ["Rules"]


class Rules:
    """The neutral answers; a language overrides what it knows better."""

    def name_order(self, ours: str, theirs: str) -> Callable[[str], tuple[str, ...]] | None:
        """The order in which two texts keep imported names, if there is one."""
        return None

    def place_imports(
        self, entries: list[Entry], units: Units, theirs: Sequence[Unit]
    ) -> list[Entry]:
        """Entries in their order, with the imports that only theirs has where they belong."""
        return entries

    def is_no_edit(
        self, base: str, side: str, said_base: Sequence[str], said_side: Sequence[str]
    ) -> bool:
        """Whether a statement says the same in both texts (without indentation)."""
        return base == side

    def nests(self, node: Node) -> bool:
        """Whether a node can stand inside another one of its kind: an expression."""
        return False

    def head(self, node: Node) -> Hashable:
        """What a node is a call of; None for what is no call."""
        return None

    def row(self, node: Node) -> Seq | None:
        """A call's arguments."""
        return None

    def value(self, node: Node) -> Node | None:
        """The expression that a statement returns, assigns or evaluates."""
        return None

    def enclosed(self, text: str, node: Node, holder: Node) -> str:
        """A node's text as it can stand where another node stood in `holder`."""
        return text
