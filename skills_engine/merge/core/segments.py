"""Segments of a result and its three versions, between the lines that all of them have."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from skills_engine.lines import split_lines
from skills_engine.merge.core.alignment import increasing
from skills_engine.merge.core.chunks import Conflicting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skills_engine.merge.core.chunks import Chunk
    from skills_engine.merge.core.places import Span, Texts

__all__ = ["Segment", "segments_of", "units_of", "with_conflicts"]


@dataclass(frozen=True, slots=True)
class Segment:
    """Units of a result, lines and conflicts, between lines that all versions have, and what these
    have there."""

    first: int
    last: int
    texts: tuple[str, ...]
    units: tuple[Chunk, ...]

    def says(self, words: Sequence[str]) -> bool:
        text = "".join((*self.texts, *(u for u in self.units if isinstance(u, str))))
        return all(word in text for word in words)


def segments_of(units: list[Chunk], texts: Texts) -> list[Segment]:
    """Those in which something was joined."""
    rows = [split_lines(text) for text in texts]
    lines = [unit if isinstance(unit, str) else "" for unit in units]
    same = _common([lines, *rows])
    found: list[Segment] = []
    before: tuple[int, ...] = (0, 0, 0, 0)
    for at in (*same, tuple(len(row) for row in (lines, *rows))):
        parts = tuple("".join(r[i:k]) for r, i, k in zip(rows, before[1:], at[1:], strict=True))
        inside = units[before[0] : at[0]]
        text = "".join(unit for unit in inside if isinstance(unit, str))
        if (text or not inside) and {*parts, text} != {text}:
            found.append(Segment(before[0], at[0], parts, tuple(inside)))
        before = tuple(n + 1 for n in at)
    return found


def _common(rows: Sequence[list[str]], at: tuple[int, ...] = (0, 0, 0, 0)) -> list[tuple[int, ...]]:
    """Lines that all rows have, in one order, by their places from `at` on: at both ends, those
    that stand once in each, and between these again."""
    least = min(map(len, rows))
    head = next((n for n in range(least) if not _alike(rows, n)), least)
    tail = next((n for n in range(least - head) if not _alike(rows, -1 - n)), least - head)
    inner = [row[head : len(row) - tail] for row in rows]
    out = [tuple(n + k for n in at) for k in range(head)]
    before = (-1,) * len(rows)
    for place in (*_once(inner), tuple(map(len, inner))):
        first = tuple(n + 1 for n in before)
        if before != (-1,) * len(rows):
            out.append(tuple(n + head + k for n, k in zip(at, before, strict=True)))
        gap = [row[i:k] for row, i, k in zip(inner, first, place, strict=True)]
        if all(gap) and list(map(len, gap)) != list(map(len, rows)):
            out += _common(gap, tuple(n + head + k for n, k in zip(at, first, strict=True)))
        before = place
    ends = [n + len(row) for n, row in zip(at, rows, strict=True)]
    return [*out, *(tuple(n - k for n in ends) for k in range(tail, 0, -1))]


def _alike(rows: Sequence[list[str]], at: int) -> bool:
    return rows[0][at] != "" and len({row[at] for row in rows}) == 1


def _once(rows: Sequence[list[str]]) -> list[tuple[int, ...]]:
    counts = [Counter(row) for row in rows]
    where = [{line: at for at, line in enumerate(row)} for row in rows]
    same = [
        tuple(places[line] for places in where)
        for line in rows[0]
        if line and all(count[line] == 1 for count in counts)
    ]
    for row in range(1, len(rows)):
        kept = {pair[1] for pair in increasing([(each[0], each[row]) for each in same])}
        same = [each for each in same if each[row] in kept]
    return same


def units_of(units: list[Chunk], span: Span | None) -> Span:
    """The units that lines of ours' text are in; all where there are none."""
    if span is None:
        return 0, len(units)
    heights = [1 if isinstance(u, str) else len(split_lines(u.ours)) for u in units]
    tops = list(accumulate(heights, initial=0))
    return bisect_left(tops, span[0]), bisect_left(tops, span[1])


def with_conflicts(units: list[Chunk], segments: list[Segment], why: str) -> list[Chunk]:
    out: list[Chunk] = []
    at = 0
    for each in segments:
        b, o, t = each.texts
        out += [*units[at : each.first], Conflicting(b, o, t, why)]
        at = each.last
    return [*out, *units[at:]]
