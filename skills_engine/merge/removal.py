"""The removal of what a skill put into a file, byte for byte: the merge of a side that only takes
away.

A merge by lines or by structure has to choose where white space belongs when
the owner wrote something right beside what goes. Where what goes still stands
in the owner's file as it was, in one piece and only once, there is nothing to
choose.
"""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from difflib import SequenceMatcher
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from skills_engine.merge.text import FileText, Form

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["without"]

_UNIT = re.compile(r"\w+|[ \t]+|.", re.DOTALL)
_LARGEST = 200_000
"""Bytes of a version."""
_LARGEST_HUNK = 1_500
"""Units: the comparison is quadratic."""


def without(path: str, base: bytes, ours: bytes, theirs: bytes) -> bytes | None:
    """Ours without what theirs took out of base; None unless that is all that theirs did, and all
    is still there.
    """
    if max(map(len, (base, ours, theirs))) > _LARGEST:
        return None
    b, o, t = (FileText.decode(path, data) for data in (base, ours, theirs))
    if (
        b is None
        or o is None
        or t is None
        or not (b.form.newline and o.form.newline and t.form.newline)
    ):
        return None
    if replace(b.form, ends=True) != replace(t.form, ends=True):
        return None
    result = t.text if o.text == b.text else _without(b.text, o.text, t.text)
    if result is None or (path.endswith(".py") and _parses(o.text) and not _parses(result)):
        return None
    return Form.merged(b.form, o.form, t.form).file(result)


def _parses(text: str) -> bool:
    try:
        ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _without(base: str, ours: str, theirs: str) -> str | None:
    b, o, t = (_UNIT.findall(text) for text in (base, ours, theirs))
    gone = _taken_out(b, t)
    if gone is None:
        return None
    match = _matches(b, o)
    if match is None:
        return None
    there, dropped = match
    cuts: list[tuple[int, int]] = []
    for start, end in gone:
        if any(low <= start and end <= high for low, high in dropped):
            continue  # the owner took it out with the lines around it, and put nothing there
        place = _place(b, o, start, end, there)
        if place is None or not _only_one(o, o[place[0] : place[1]]):
            return None
        if "," not in b[start:end] and _parted(b, start, end) != _parted(o, *place):
            # an element that came without a comma, and has one now: the comma goes with it
            return None
        cuts.append(place)
    cuts.sort()
    if any(one[1] > two[0] for one, two in pairwise(cuts)):
        return None
    return "".join("".join(o[low:high]) for low, high in _rest(cuts, len(o)))


def _rest(cuts: Sequence[tuple[int, int]], size: int) -> Iterator[tuple[int, int]]:
    at = 0
    for low, high in cuts:
        yield at, low
        at = high
    yield at, size


def _taken_out(base: Sequence[str], theirs: Sequence[str]) -> list[tuple[int, int]] | None:
    """The runs of units that theirs lacks; None where it has others."""
    match = _matches(base, theirs)
    if match is None or len(match[0]) != len(theirs):
        return None
    there = match[0]
    runs: list[tuple[int, int]] = []
    for at in range(len(base)):
        if at in there:
            continue
        if runs and runs[-1][1] == at:
            runs[-1] = (runs[-1][0], at + 1)
        else:
            runs.append((at, at + 1))
    return runs


def _place(
    base: Sequence[str], ours: Sequence[str], start: int, end: int, there: dict[int, int]
) -> tuple[int, int] | None:
    """Where a run stands in ours, in one piece; a run may as well begin later or earlier where its
    ends are alike.
    """
    size = end - start
    low, high = start, start
    while low > 0 and base[low - 1] == base[low - 1 + size]:
        low -= 1
    while high + size < len(base) and base[high] == base[high + size]:
        high += 1
    for at in sorted(range(low, high + 1), key=lambda place: abs(place - start)):
        run = base[at : at + size]
        for n, unit in enumerate(run):
            if unit.isalnum() and at + n in there:
                first = there[at + n] - n
                if first >= 0 and ours[first : first + size] == run:
                    return first, first + size
    return None


def _parted(units: Sequence[str], start: int, end: int) -> tuple[bool, bool]:
    """Whether a comma parts a run from what is before and after it."""
    before = next((unit for unit in reversed(units[:start]) if not unit.isspace()), "")
    after = next((unit for unit in units[end:] if not unit.isspace()), "")
    return before == ",", after == ","


def _only_one(ours: Sequence[str], run: Sequence[str]) -> bool:
    text, whole = "".join(run), "".join(ours)
    return bool(text.strip()) and whole.count(text) == 1


def _matches(
    one: Sequence[str], other: Sequence[str]
) -> tuple[dict[int, int], list[tuple[int, int]]] | None:
    """Which unit of one is which of the other: by lines, and by units in lines that differ; and
    lines that are gone.
    """
    lines_one, lines_other = _lines(one), _lines(other)
    starts_one, starts_other = (
        [0, *accumulate(map(len, lines))] for lines in (lines_one, lines_other)
    )
    found: dict[int, int] = {}
    gone: list[tuple[int, int]] = []
    matcher = SequenceMatcher(None, lines_one, lines_other, autojunk=False)
    for tag, i, j, k, m in matcher.get_opcodes():
        a, a_end, b, b_end = starts_one[i], starts_one[j], starts_other[k], starts_other[m]
        if tag == "equal":
            found.update(zip(range(a, a_end), range(b, b_end), strict=True))
        elif tag == "delete":
            gone.append((a, a_end))
        elif tag == "replace":
            if max(a_end - a, b_end - b) > _LARGEST_HUNK:
                return None
            within = SequenceMatcher(None, one[a:a_end], other[b:b_end], autojunk=False)
            for x, y, size in within.get_matching_blocks():
                found.update((a + x + n, b + y + n) for n in range(size))
    return found, gone


def _lines(units: Sequence[str]) -> list[tuple[str, ...]]:
    out: list[tuple[str, ...]] = []
    line: list[str] = []
    for unit in units:
        line.append(unit)
        if unit == "\n":
            out.append(tuple(line))
            line = []
    return [*out, tuple(line)] if line else out
