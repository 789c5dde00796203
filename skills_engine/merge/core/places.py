"""The places of the versions of a merge at which its conflicts are."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TYPE_CHECKING

from skills_engine.lines import split_lines
from skills_engine.merge.core.alignment import increasing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skills_engine.merge.core.chunks import Chunk

__all__ = ["SIDES", "Span", "Texts", "places_of", "taken"]

Texts = tuple[str, str, str]
"""Base, ours and theirs."""
Span = tuple[int, int]
"""Lines from 0, the second not included."""
SIDES = ("base", "ours", "theirs")


def taken(row: Sequence[Chunk], side: str) -> str:
    """The text with each conflict as a side has it."""
    return "".join(piece if isinstance(piece, str) else getattr(piece, side) for piece in row)


@dataclass(frozen=True, slots=True)
class _Between:
    """What lies between the last line above and the first line below a conflict that a version has,
    too; `above` and `below` say whether these stand right beside the conflict."""

    first: int
    last: int
    above: bool
    below: bool


def places_of(row: Sequence[Chunk], side: str, version: str) -> list[Span] | None:
    """Where a version has its part of each conflict; None where that cannot be told."""
    said = [split_lines(p if isinstance(p, str) else getattr(p, side)) for p in row]
    ends = list(accumulate(map(len, said)))
    lines, there = [line for part in said for line in part], split_lines(version)
    same = _anchors(lines, there)
    out: list[Span] = []
    for piece, part, end in zip(row, said, ends, strict=True):
        if isinstance(piece, str):
            continue
        between = _between(lines, there, same, (end - len(part), end))
        low = max(between.first, out[-1][1] if out else 0)
        at = _place(part, there, replace(between, first=low))
        if at is None:
            return None
        out.append((at, at + len(part)))
    return out


def _anchors(lines: list[str], there: list[str]) -> list[tuple[int, int]]:
    """The lines that stand once in both, in one order."""
    counts = Counter(lines), Counter(there)
    where = {line: at for at, line in enumerate(there)}
    return increasing(
        [
            (at, where[line])
            for at, line in enumerate(lines)
            if counts[0][line] == counts[1][line] == 1
        ]
    )


def _between(
    lines: list[str], there: list[str], same: list[tuple[int, int]], span: Span
) -> _Between:
    first = bisect_left(same, (span[0], -1))
    i, k = same[first - 1] if first else (-1, -1)
    while i + 1 < span[0] and k + 1 < len(there) and lines[i + 1] == there[k + 1]:
        i, k = i + 1, k + 1
    last = bisect_left(same, (span[1], -1))
    j, m = same[last] if last < len(same) else (len(lines), len(there))
    while j > span[1] and m > 0 and lines[j - 1] == there[m - 1]:
        j, m = j - 1, m - 1
    return _Between(k + 1, m, i + 1 == span[0], j == span[1])


def _place(part: list[str], there: list[str], between: _Between) -> int | None:
    if not part:
        return between.last if between.below and not between.above else between.first
    first, last = between.first, between.last - len(part)
    found = [
        at
        for at in range(first, last + 1)
        if there[at] == part[0] and there[at : at + len(part)] == part
    ]
    if not found or (len(found) > 1 and not between.above and not between.below):
        return None
    return found[0] if between.above else found[-1]
