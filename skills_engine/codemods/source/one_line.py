"""A body that stands on the line of its header, and what it looks like as a block."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from skills_engine.errors import CannotEnsure
from skills_engine.types import Outcome

if TYPE_CHECKING:
    from skills_engine.codemods.source.source import Source

__all__ = ["OneLine", "unfolded"]


class OneLine(CannotEnsure):
    """A definition's body is no block, so that nothing can stand beside what is in it."""

    def __init__(self, source: Source, qualname: str, node: cst.ClassDef | cst.FunctionDef) -> None:
        super().__init__(
            Outcome.DRIFTED,
            f"{qualname} has no block of its own",
            candidates=(source.place(node),),
        )
        self.node = node


def unfolded(source: Source, node: cst.ClassDef | cst.FunctionDef) -> Source:
    """The file in which that body begins on a line of its own: `def f(): return 1`."""
    from skills_engine.codemods.source.source import Source, Splice  # noqa: PLC0415  (it imports this module)

    assert isinstance(node.body, cst.SimpleStatementSuite)  # noqa: S101 - what OneLine is raised for
    start = source.span(node.body.leading_whitespace).start
    end = source.span(node.body.body[0]).start
    indent = source.indent_at(source.span(node).start) + source.indent_unit
    made = source.splice([Splice(start, end, f"\n{indent}")])
    Source.check(source.path, source.original, made, "give the body a block")
    return Source.parse(source.path, made)
