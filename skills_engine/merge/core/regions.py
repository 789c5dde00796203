"""Conflicts as regions that a person can decide: whole lines, and either side parses in its place.

Taking a side means to put its text between what stands before and behind. To move text that
stands beside a conflict into all three of its sides changes nothing of that.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from skills_engine.lines import bare_lines, split_lines
from skills_engine.merge.core.chunks import Chunk, Chunks, Conflicting

__all__ = ["Broken", "changed", "decidable", "whole_lines"]

Broken = Callable[[str], int]
"""The line (from 1) at which a text does not parse, 0 where it parses."""

_MOST = 40
"""Tries after which a file conflicts as a whole."""

_GOES_ON = re.compile(r"\s*(?:[)\]}]|(?:elif|else|except|finally|case)\b)")


def decidable(chunks: Chunks, versions: tuple[str, str, str], broken: Broken) -> Chunks:
    """The same merge with regions so large that all of ours, and all of theirs, parses, if all
    three versions do."""
    row = whole_lines(chunks.pieces)
    if any(broken(_taken(row, side)) for side in ("ours", "theirs")) and any(map(broken, versions)):
        return replace(chunks, pieces=tuple(row), decidable=True)
    levels: dict[int, int] = {}
    for _ in range(_MOST):
        line, side = 0, ""
        for side in ("ours", "theirs"):
            line = broken(_taken(row, side))
            if line:
                break
        if not line:
            return replace(chunks, pieces=tuple(row), decidable=True)
        if len(row) == 1:  # what was joined stands in it, too
            break
        at = _near(row, side, line)
        row = _widened(row, at, levels)
    reason = next(c.reason for c in row if isinstance(c, Conflicting))
    return replace(chunks, pieces=changed(*versions, reason), decidable=True)


def changed(base: str, ours: str, theirs: str, reason: str) -> tuple[Chunk, ...]:
    """All lines from the first to the last that a side changed, as one conflict."""
    rows = [split_lines(text) for text in (base, ours, theirs)]
    most = min(map(len, rows))
    first = last = 0
    while first < most and len({row[first] for row in rows}) == 1:
        first += 1
    while last < most - first and len({row[-1 - last] for row in rows}) == 1:
        last += 1
    b, o, t = ("".join(row[first : len(row) - last]) for row in rows)
    head, tail = rows[0][:first], rows[0][len(rows[0]) - last :]
    return "".join(head), Conflicting(b, o, t, reason), "".join(tail)


def whole_lines(chunks: tuple[Chunk, ...]) -> list[Chunk]:
    """Chunks with conflicts that begin and end where lines do."""
    out: list[Chunk] = []
    for chunk in chunks:
        last = out[-1] if out else ""
        if isinstance(last, Conflicting) and not _ends(last):
            if isinstance(chunk, Conflicting):
                out[-1] = _joined(last, chunk)
                continue
            line, newline, rest = chunk.partition("\n")
            out[-1] = _around("", last, line + newline)
            if newline:
                out.append(rest)
            continue
        if isinstance(chunk, str) and isinstance(last, str) and out:
            out[-1] = last + chunk
        elif isinstance(chunk, str):
            out.append(chunk)
        else:
            before = last if isinstance(last, str) else ""
            cut = before.rfind("\n") + 1
            if out and isinstance(last, str):
                out[-1] = before[:cut]
            out.append(_around(before[cut:], chunk, ""))
    return [chunk for chunk in out if chunk != ""]


def _ends(conflict: Conflicting) -> bool:
    sides = (conflict.base, conflict.ours, conflict.theirs)
    return all(not side or side.endswith("\n") for side in sides)


def _around(before: str, conflict: Conflicting, after: str) -> Conflicting:
    b, o, t = (before + s + after for s in (conflict.base, conflict.ours, conflict.theirs))
    return Conflicting(b, o, t, conflict.reason)


def _joined(one: Conflicting, two: Conflicting) -> Conflicting:
    return Conflicting(
        one.base + two.base, one.ours + two.ours, one.theirs + two.theirs, one.reason
    )


def _taken(row: list[Chunk], side: str) -> str:
    return "".join(chunk if isinstance(chunk, str) else getattr(chunk, side) for chunk in row)


def _near(row: list[Chunk], side: str, line: int) -> int:
    """The last conflict that begins above a line of a side's text, or the first."""
    found, above = -1, 0
    for at, chunk in enumerate(row):
        text = chunk if isinstance(chunk, str) else getattr(chunk, side)
        if isinstance(chunk, Conflicting) and (found < 0 or above < line):
            found = at
        above += text.count("\n")
    return found


def _widened(row: list[Chunk], at: int, levels: dict[int, int]) -> list[Chunk]:
    """The row with the conflict at an index grown to the statements around it; each time it is
    asked for more, those that are indented less."""
    conflict = row[at]
    assert isinstance(conflict, Conflicting)
    above = row[at - 1] if at else ""
    below = row[at + 1] if at + 1 < len(row) else ""
    key = sum(isinstance(chunk, Conflicting) for chunk in row[:at])
    lines = [split_lines(text) if isinstance(text, str) else [] for text in (above, below)]
    inside = bare_lines(conflict.base + conflict.ours + conflict.theirs)
    depth = min((_depth(line) for line in inside if line.strip()), default=0)
    depth = min(depth, levels.get(key, depth + 1) - 1)
    levels[key] = depth
    first = len(lines[0])
    while first and not (first < len(lines[0]) and _opens(lines[0][first], depth)):
        first -= 1
    last = 0
    while last < len(lines[1]) and not _opens(lines[1][last], depth):
        last += 1
    before, after = "".join(lines[0][first:]), "".join(lines[1][:last])
    start, end = at, at + 1
    middle: list[Chunk] = [_around(before, conflict, after)]
    if isinstance(above, str) and at:
        start = at - 1
        middle.insert(0, "".join(lines[0][:first]))
    if isinstance(below, str) and at + 1 < len(row):
        end = at + 2
        middle.append("".join(lines[1][last:]))
    grown = [*row[:start], *(c for c in middle if c != ""), *row[end:]]
    return _merged_neighbours(grown)


def _merged_neighbours(row: list[Chunk]) -> list[Chunk]:
    out: list[Chunk] = []
    for chunk in row:
        last = out[-1] if out else ""
        if isinstance(chunk, Conflicting) and isinstance(last, Conflicting):
            out[-1] = _joined(last, chunk)
        else:
            out.append(chunk)
    return out


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))


def _opens(line: str, depth: int) -> bool:
    """Whether a line begins a statement that is indented by so much or less."""
    return bool(line.strip()) and _depth(line) <= depth and not _GOES_ON.match(line)
