"""Positions where Python reads an expression in another way: a `case`, a type in quotes."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

import libcst as cst

from skills_engine.codemods.source.snippets import parse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skills_engine.codemods.match.pattern import Match
    from skills_engine.codemods.match.template import Template
    from skills_engine.codemods.source.source import Source, Splice

__all__ = ["check_positions"]

_VALUES = (
    cst.Attribute, cst.SimpleString, cst.ConcatenatedString, cst.BaseNumber, cst.UnaryOperation,
)  # fmt: skip
"""What a `case` compares with."""
_POSTPONED = re.compile(rb"^from __future__ import [^\n]*\bannotations\b", re.MULTILINE)


def check_positions(
    source: Source,
    found: Sequence[Match],
    template: Template,
    splices: Sequence[Splice],
    doing: str,
) -> None:
    """Raises where an expression means something else at its place."""
    for match in found:
        if _is_pattern(source, match) and not isinstance(template.pattern.nodes[0], _VALUES):
            what = "it stands in a `case`, where that would be another kind of pattern"
            raise source.drifted(doing, what, match.nodes[0])
    for splice in splices:
        match = next(m for m in found if source.span(m.nodes[0]).start == splice.start)
        if _joins_a_string(splice.new) and not _is_unread(source, match.nodes[0]):
            what = "a type in quotes beside | fails when Python evaluates it"
            hint = "take the type out of its quotes, or put all of it into them, first"
            raise source.drifted(doing, what, match.nodes[0], hint=hint)


def _is_pattern(source: Source, match: Match) -> bool:
    return isinstance(source.parents.get(match.nodes[0]), cst.MatchValue)


def _joins_a_string(text: str) -> bool:
    """Whether code has `"A" | None`, which only a type checker understands."""
    try:
        tree = parse(f"({text})")
    except (SyntaxError, ValueError):
        return False
    return any(
        isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.BitOr)
        and all(isinstance(side, ast.Constant) for side in (node.left, node.right))
        and any(isinstance(side.value, str) for side in (node.left, node.right))  # type: ignore[attr-defined]
        for node in ast.walk(tree)
    )


def _is_unread(source: Source, node: cst.CSTNode) -> bool:
    """Whether a node is in an annotation that Python does not evaluate."""
    around: cst.CSTNode | None = node
    while around is not None and not isinstance(around, cst.Annotation):
        around = source.parents.get(around)
    return around is not None and _POSTPONED.search(source.data) is not None
