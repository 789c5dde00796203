"""What the core of the merge asks of Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skills_engine.merge.core.rules import Rules
from skills_engine.merge.python.annotations import head_of, lost_annotations, opened
from skills_engine.merge.python.import_order import name_order, settled
from skills_engine.merge.python.silent import silent

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from skills_engine.merge.core.order import Entry
    from skills_engine.merge.core.rules import Units
    from skills_engine.merge.core.tree import Unit

__all__ = ["PythonRules"]


class PythonRules(Rules):
    """Python's answers."""

    def name_order(self, ours: str, theirs: str) -> Callable[[str], tuple[str, ...]] | None:
        return name_order(ours, theirs)

    def place_imports(
        self, entries: list[Entry], units: Units, theirs: Sequence[Unit]
    ) -> list[Entry]:
        return settled(entries, units, theirs)

    def is_no_edit(
        self, base: str, side: str, said_base: Sequence[str], said_side: Sequence[str]
    ) -> bool:
        return silent(base, side, said_base, said_side)

    def header(self, unit: Unit) -> tuple[int, int] | None:
        return head_of(unit)

    def opened(self, base: Unit, side: Unit) -> bool:
        return opened(base, side)

    def lost_annotations(self, base: Unit, side: Unit) -> bool:
        return lost_annotations(base, side)
