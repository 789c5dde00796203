"""The alignment of two bodies: equal statements in order, then those that are most alike."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

import libcst as cst

from skills_engine.codemods.source.blocks import extent
from skills_engine.codemods.source.syntax import extract
from skills_engine.lines import bare_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skills_engine.codemods.source.definitions import Body
    from skills_engine.codemods.source.source import Source
    from skills_engine.types import Span

__all__ = ["BodyStatement", "Pair", "items", "pairs", "variable"]

_ALIKE = 0.5
"""The similarity (difflib's ratio of lines or words) from which one statement is taken for
another's successor.
"""
_LARGEST = 4_000
"""Pairs of statements above which only names are compared."""


@dataclass(frozen=True)
class BodyStatement:
    """A statement of a body: `whole` are its lines with its comments, `span` its code, decorators
    included.
    """

    node: cst.BaseStatement
    whole: Span
    span: Span
    code: str

    @property
    def name(self) -> str | None:
        """What a definition is called."""
        return (
            self.node.name.value if isinstance(self.node, cst.FunctionDef | cst.ClassDef) else None
        )


Pair = tuple[BodyStatement | None, BodyStatement | None]


def items(source: Source, body: Body) -> list[BodyStatement]:
    found = []
    for index, node in enumerate(body.body):
        span = extract(source, [node])
        found.append(BodyStatement(node, extent(source, body, index), span, source.text(span)))
    return found


def pairs(before: Sequence[BodyStatement], after: Sequence[BodyStatement]) -> list[Pair]:
    """Both bodies in one row, in the order of both; what has no counterpart stands alone."""
    found: list[Pair] = []
    matcher = SequenceMatcher(
        None, [i.code for i in before], [i.code for i in after], autojunk=False
    )
    for tag, a1, a2, b1, b2 in matcher.get_opcodes():
        if tag == "equal":
            found += zip(before[a1:a2], after[b1:b2], strict=True)
        else:
            found += _alike(before[a1:a2], after[b1:b2])
    return found


def _alike(before: Sequence[BodyStatement], after: Sequence[BodyStatement]) -> list[Pair]:
    """The alignment with the highest sum of similarities (Needleman and Wunsch, without a price for
    gaps).
    """
    size = (len(before) + 1, len(after) + 1)
    names_only = len(before) * len(after) > _LARGEST
    score = [[0.0] * size[1] for _ in range(size[0])]
    each = [[_likeness(a, b, names_only=names_only) for b in after] for a in before]
    for i in range(len(before) - 1, -1, -1):
        for j in range(len(after) - 1, -1, -1):
            both = each[i][j] + score[i + 1][j + 1] if each[i][j] else 0.0
            score[i][j] = max(score[i + 1][j], score[i][j + 1], both)
    found: list[Pair] = []
    i = j = 0
    while i < len(before) and j < len(after):
        if each[i][j] and score[i][j] == each[i][j] + score[i + 1][j + 1]:
            found.append((before[i], after[j]))
            i, j = i + 1, j + 1
        elif score[i][j] == score[i + 1][j]:
            found.append((before[i], None))
            i += 1
        else:
            found.append((None, after[j]))
            j += 1
    found += [(item, None) for item in before[i:]]
    found += [(None, item) for item in after[j:]]
    return found


def _likeness(one: BodyStatement, other: BodyStatement, *, names_only: bool) -> float:
    a, b = one.node, other.node
    if one.name is not None or other.name is not None:
        return 1.0 if one.name == other.name and type(a) is type(b) else 0.0
    if _target(a) is not None and _target(a) == _target(b):
        return 0.9
    if names_only or type(a) is not type(b):
        return 0.0
    if isinstance(a, cst.SimpleStatementLine) and isinstance(b, cst.SimpleStatementLine):
        if [type(s) for s in a.body] != [type(s) for s in b.body]:
            return 0.0
        words = SequenceMatcher(None, one.code.split(), other.code.split(), autojunk=False).ratio()
        letters = SequenceMatcher(None, one.code, other.code, autojunk=False)
        ratio = max(words, letters.ratio() if len(one.code) * len(other.code) < 40_000 else 0.0)
    else:
        lines = [[line.strip() for line in bare_lines(item.code)] for item in (one, other)]
        ratio = SequenceMatcher(None, lines[0], lines[1], autojunk=False).ratio()
        if lines[0][:1] == lines[1][:1]:
            ratio = max(ratio, _ALIKE)
    return ratio if ratio >= _ALIKE else 0.0


def variable(node: cst.CSTNode) -> str | None:
    """The one name that a statement binds by assignment."""
    match node:
        case cst.SimpleStatementLine(
            body=[cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value=name))])]
        ):
            return name
        case cst.SimpleStatementLine(body=[cst.AnnAssign(target=cst.Name(value=name))]):
            return name
    return None


def _target(node: cst.CSTNode) -> str | None:
    """The one name, or module, that a statement binds or imports from."""
    match node:
        case cst.SimpleStatementLine(body=[cst.ImportFrom() as imported]):
            module = cst.Module([]).code_for_node(imported.module) if imported.module else ""
            return f"from {'.' * len(imported.relative)}{module}"
    return variable(node)
