"""Segments of a result and its three versions, between the lines that all of them have."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from skills_engine.lines import split_lines
from skills_engine.merge.core.alignment import increasing
from skills_engine.merge.core.chunks import Conflicting
from skills_engine.merge.core.places import SIDES, taken

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skills_engine.merge.core.chunks import Chunk
    from skills_engine.merge.core.places import Span, Texts

__all__ = [
    "Segment",
    "says_enough",
    "segments_of",
    "told",
    "units_of",
    "whole",
    "with_conflicts",
]

_WORD = re.compile(r"\w+")
_ANYWHERE = re.compile(r"\s*(?:(?:import|from|(?:async )?def|class)\b|[@#)])")


@dataclass(frozen=True, slots=True)
class Segment:
    """Units of a result, lines and conflicts, between lines that all versions have, and what these
    have there."""

    first: int
    last: int
    texts: tuple[str, ...]
    units: tuple[Chunk, ...]

    @property
    def joined(self) -> bool:
        text = "".join(unit for unit in self.units if isinstance(unit, str))
        return bool(text or not self.units) and {*self.texts, text} != {text}

    @property
    def conflicts(self) -> list[Conflicting]:
        return [unit for unit in self.units if isinstance(unit, Conflicting)]

    @property
    def mixed(self) -> bool:
        """Whether a side that is taken has more, or less, there than that side's text, other than
        what may stand anywhere."""
        for side, text in zip(SIDES[1:], self.texts[1:], strict=True):
            has, due = split_lines(taken(self.units, side)), split_lines(text)
            if has != due and not (_free(_without(has, due)) and _free(_without(due, has))):
                return True
        return False

    def moves_to(self, other: Segment) -> bool:
        """Whether a side took a line away here that it added there."""
        was, there = (told(each.texts[0]) for each in (self, other))
        return any(
            says_enough(line)
            for here, now in zip(self.texts[1:], other.texts[1:], strict=True)
            for line in (was - told(here)) & (told(now) - there)
        )

    def says(self, words: Sequence[str]) -> bool:
        text = "".join((*self.texts, *(u for u in self.units if isinstance(u, str))))
        return all(word in text for word in words)


def segments_of(units: list[Chunk], texts: Texts) -> list[Segment]:
    """Those in which something was joined."""
    return [each for each in _all_segments(units, texts) if each.joined]


def _all_segments(units: list[Chunk], texts: Texts) -> list[Segment]:
    rows = [split_lines(text) for text in texts]
    lines = [unit if isinstance(unit, str) else "" for unit in units]
    same = _common([lines, *rows])
    found: list[Segment] = []
    before: tuple[int, ...] = (0, 0, 0, 0)
    for at in (*same, tuple(len(row) for row in (lines, *rows))):
        parts = tuple("".join(r[i:k]) for r, i, k in zip(rows, before[1:], at[1:], strict=True))
        inside = units[before[0] : at[0]]
        found.append(Segment(before[0], at[0], parts, tuple(inside)))
        before = tuple(n + 1 for n in at)
    return found


def whole(units: list[Chunk], texts: Texts) -> list[Chunk] | None:
    """The units with each conflict grown to the lines around it that all versions have, and with
    conflicts where a side moved a line from or to one; None where nothing is to be grown."""
    segments = [_edited_above(each) for each in _all_segments(units, texts)]
    torn = [each for each in segments if each.conflicts]
    grown = [each for each in torn if each.mixed]
    rest = [
        each
        for each in segments
        if each.joined and not each.conflicts and each.texts[1] != each.texts[2]
    ]
    fled = [each for each in rest if any(one.moves_to(each) or each.moves_to(one) for one in torn)]
    if not grown and not fled:
        return None
    why = torn[0].conflicts[0].reason
    out: list[Chunk] = []
    at = 0
    for each in sorted([*grown, *fled], key=lambda one: (one.first, one.last)):
        reason = each.conflicts[0].reason if each.conflicts else why
        b, o, t = each.texts
        out += [*units[at : each.first], Conflicting(b, o, t, reason)]
        at = each.last
    return [*out, *units[at:]]


def _edited_above(segment: Segment) -> Segment:
    """The segment without the lines at its top that one side alone edited, each in its place, if
    that side only deletes lines below them."""
    rows = [split_lines(text) for text in segment.texts]
    for mine, other in ((1, 2), (2, 1)):
        top = 0
        for base, said, kept, unit in zip(
            rows[0], rows[mine], rows[other], segment.units, strict=False
        ):
            if kept != base or unit != said or not _alike_in_words(base, said):
                break
            top += 1
        below = iter(rows[0][top:])
        if top and all(line in below for line in rows[mine][top:]):
            texts = tuple("".join(row[top:]) for row in rows)
            return Segment(segment.first + top, segment.last, texts, segment.units[top:])
    return segment


def _alike_in_words(one: str, other: str) -> bool:
    words = [Counter(_WORD.findall(line)) for line in (one, other)]
    return 2 * (words[0] & words[1]).total() >= max(row.total() for row in words)


def told(text: str) -> Counter[str]:
    """The lines of a text, without their indentation."""
    return Counter(map(str.strip, text.split("\n")))


def says_enough(line: str) -> bool:
    """Whether a line can be known again elsewhere."""
    return len(_WORD.findall(line)) > 1


def _without(row: list[str], other: list[str]) -> list[str]:
    """The lines of a row that another has not, in order."""
    left, out = Counter(other), list[str]()
    for line in row:
        if left[line]:
            left[line] -= 1
        elif line.strip():
            out.append(line)
    return out


def _free(row: list[str]) -> bool:
    """Whether lines are imports, definitions and comments, which may stand anywhere."""
    depths = [len(line) - len(line.lstrip()) for line in row]
    return not row or all(
        _ANYWHERE.match(line)
        for line, depth in zip(row, depths, strict=True)
        if depth <= min(depths)
    )


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
