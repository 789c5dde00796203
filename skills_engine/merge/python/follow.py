"""Edits that follow their lines: what one side changed stands elsewhere in the other one, or beside
another change, word for word.

An edit replaces lines of the base. Where just these stand once in the base and once in the other
side, in the same definition, whatever their indentation, it can be made there; made in the base
too, it is a change of that side no more, and the rest merges without it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from skills_engine.judge.known import kept
from skills_engine.merge.core.chunks import Conflicting
from skills_engine.merge.core.row_style import OTHERWISE
from skills_engine.merge.python.source import every
from skills_engine.merge.types import Unsupported

if TYPE_CHECKING:
    from skills_engine.merge.core.chunks import Chunks

__all__ = ["followed"]

_ENOUGH = 6
"""Tokens that must be known again: fewer stand in two places by chance."""

_TOKEN = re.compile(r"\w+|[^\w\s]")

Lines = Sequence[str]


@dataclass(frozen=True)
class _Edit:
    """Lines of the base from `first` to `last` (not included) that a side has as `now`."""

    first: int
    last: int
    now: tuple[str, ...]


def followed(
    base: str, ours: str, theirs: str, merged: Chunks, beside: str = ""
) -> Iterator[tuple[str, str, str]]:
    """The three texts with edits of either side made in the base and the other side too, as far as
    they stand in a conflict of the merge: first with those that replace lines, then with all.
    What stands `beside`, in code that is not in the texts, too, stands there more than once."""
    conflicts = [piece for piece in merged.pieces if isinstance(piece, Conflicting)]
    if any(OTHERWISE in conflict.reason for conflict in conflicts):
        return
    told = [_stripped(c.about or c.base + c.ours + c.theirs) for c in conflicts]
    there = frozenset(line for lines in told for line in lines)
    rows = _stripped(beside)
    last = (base, ours, theirs)
    for kinds in ({"replace"}, {"replace", "insert"}):
        b, o = _made(base, theirs, ours, there, kinds, rows) or (base, ours)
        b, t = _made(b, o, theirs, there, kinds, rows) or (b, theirs)
        if (b, o, t) != last:
            last = (b, o, t)
            yield last


def _made(
    base: str, side: str, other: str, there: frozenset[str], kinds: set[str], beside: Lines
) -> tuple[str, str] | None:
    """Base and other with the edits of a side that can be made in both."""
    rows_b, rows_o = base.split("\n"), other.split("\n")
    bare_b, bare_o = ([row.strip() for row in rows] for rows in (rows_b, rows_o))
    found: list[tuple[int, _Edit, str, str]] = []
    for edit in (edit for kind, edit in _edits(base, side) if kind in kinds):
        lines = {*bare_b[edit.first : edit.last], *(row.strip() for row in edit.now), ""}
        place = _place(edit, bare_b, bare_o, beside) if lines - {""} <= there else None
        if place is None:
            continue
        at, wanted = place
        steps = {
            (_indent(rows_b[k]), _indent(rows_o[k + at - edit.first])) for k in wanted if bare_b[k]
        }
        old, new = min(steps)
        if any(new + one[len(old) :] != two for one, two in steps):
            continue
        if old != new and _wraps(edit, bare_b):
            continue
        k = wanted[0]
        if _scopes(base).get(k, "") == _scopes(other).get(k + at - edit.first, ""):
            found.append((at, edit, old, new))
    found.sort(key=lambda item: item[0])
    kept = [
        item
        for before, item in zip([None, *found], found, strict=False)
        if before is None or before[0] + before[1].last - before[1].first < item[0]
    ]
    if not kept:
        return None
    for at, edit, old, new in reversed(kept):
        rows_o[at : at + edit.last - edit.first] = [
            new + row[len(old) :] if row.startswith(old) else row for row in edit.now
        ]
    for _, edit, _, _ in sorted(kept, key=lambda item: item[1].first, reverse=True):
        rows_b[edit.first : edit.last] = edit.now
    b, o = "\n".join(rows_b), "\n".join(rows_o)
    return (b, o) if _parses(b) and _parses(o) else None


@kept
def _edits(base: str, side: str) -> tuple[tuple[str, _Edit], ...]:
    """The hunks in which a side differs, with difflib's words for their kinds."""
    return tuple(_hunks(base.split("\n"), side.split("\n")))


def _hunks(base: Lines, side: Lines) -> Iterator[tuple[str, _Edit]]:
    low, high = 0, 0
    while low < min(len(base), len(side)) and base[low] == side[low]:
        low += 1
    while high < min(len(base), len(side)) - low and base[-1 - high] == side[-1 - high]:
        high += 1
    rows_b, rows_s = base[low : len(base) - high], side[low : len(side) - high]
    matcher = SequenceMatcher(None, rows_b, rows_s, autojunk=False)
    for tag, i, j, k, m in matcher.get_opcodes():
        yield tag, _Edit(low + i, low + j, tuple(rows_s[k:m]))


def _place(edit: _Edit, base: Lines, other: Lines, beside: Lines) -> tuple[int, range] | None:
    """Where an edit can be made in the other side, and the lines of the base that stand there too:
    those that it replaces; those around it, where it only adds."""
    low, high = edit.first, edit.last
    if low == high or not any(edit.now):
        low -= 1
        while low > 0 and not base[low]:
            low -= 1
        while high < len(base) and not base[high]:
            high += 1
        high += 1
    if low < 0 or high > len(base) or not base[low]:
        return None
    wanted = base[low:high]
    if len(_TOKEN.findall(" ".join(wanted))) < _ENOUGH:
        return None
    places = _find(wanted, other)
    if len(places) != 1 or len(_find(wanted, base)) != 1 or _find(wanted, beside):
        return None
    return places[0] + edit.first - low, range(low, high)


def _find(wanted: Lines, lines: Lines) -> list[int]:
    size = len(wanted)
    return [
        at
        for at, line in enumerate(lines)
        if line == wanted[0] and list(lines[at : at + size]) == list(wanted)
    ]


def _wraps(edit: _Edit, base: Lines) -> bool:
    """Whether an edit keeps all its lines, within something else."""
    rest = iter([row.strip() for row in edit.now])
    return edit.last > edit.first and all(row in rest for row in base[edit.first : edit.last])


def _indent(row: str) -> str:
    return row[: len(row) - len(row.lstrip(" \t"))]


def _stripped(text: str) -> list[str]:
    return [line.strip() for line in text.split("\n")]


@kept
def _scopes(text: str) -> dict[int, str]:
    """The definition that each line (from 0) is in, as a path of names."""
    within: dict[int, str] = {}
    for node in every(text):  # outer ones come first
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            path = f"{within.get(node.lineno - 1, '')}.{node.name}"
            within.update(dict.fromkeys(range(node.lineno - 1, node.end_lineno or 0), path))
    return within


def _parses(text: str) -> bool:
    try:
        every(text)
    except Unsupported:
        return False
    return True
