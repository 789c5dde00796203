"""The interface of a language's rules, which the core of the merge asks: orders, and what says
nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from skills_engine.judge import doubt

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from skills_engine.merge.core.tree import Node, Seq

__all__ = ["Rules"]


class Rules:
    """The neutral answers; a language overrides what it knows better."""

    path = ""
    """A name by which the judge knows what kind of text it is."""

    def __init__(self, path: str = "") -> None:
        self.path = path

    def doubt(self, base: str, ours: str, theirs: str, result: str) -> str:
        """Why the judge does not believe a result without conflicts, or ''."""
        return doubt(self.path, base, ours, theirs, result)

    def name_order(self, ours: str, theirs: str) -> Callable[[str], tuple[str, ...]] | None:
        """The order in which two texts keep imported names, if there is one."""
        return None

    def nests(self, node: Node) -> bool:
        """Whether a node can stand inside another one of its kind: an expression."""
        return False

    def head(self, node: Node) -> Hashable:
        """What a node is a call of; None for what is no call."""
        return None

    def row(self, node: Node) -> Seq | None:
        """A call's arguments."""
        return None

    def ordered(self, node: Node) -> Seq | None:
        """The elements of a display in brackets that keeps their order."""
        return None

    def value(self, node: Node) -> Node | None:
        """The expression that a statement returns, assigns or evaluates."""
        return None

    def enclosed(self, text: str, node: Node, holder: Node) -> str:
        """A node's text as it can stand where another node stood in `holder`."""
        return text
