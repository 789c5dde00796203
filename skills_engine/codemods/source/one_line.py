"""A body that stands on the line of its header."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skills_engine.errors import CannotEnsure
from skills_engine.types import Outcome

if TYPE_CHECKING:
    import libcst as cst

    from skills_engine.types import Place

__all__ = ["OneLine"]


class OneLine(CannotEnsure):
    """A definition's body is no block, so that nothing can stand beside what is in it."""

    def __init__(self, qualname: str, node: cst.ClassDef | cst.FunctionDef, place: Place) -> None:
        what = f"{qualname} has no block of its own"
        super().__init__(Outcome.DRIFTED, what, candidates=(place,))
        self.node = node
