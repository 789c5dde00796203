"""Conflicting markers in the diff3 style: found, read and written."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from skills_engine.merge.types import Merged, Region

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["SIZE", "from_lines", "has_markers", "marked", "regions_in"]

SIZE = 7
"""How many characters a marker has, where git's attribute `conflict-marker-size` is silent."""
_ORDER = b"<|=>"


@cache
def _marker(size: int) -> re.Pattern[bytes]:
    kinds = b"|".join(b"%s{%d}" % (re.escape(kind), size) for kind in (b"<", b"|", b"=", b">"))
    return re.compile(rb"^(%s)(?=[ \r\n]|\Z).*\n?" % kinds, re.MULTILINE)


def regions_in(
    data: bytes, reason: str = "both sides changed these lines", size: int = SIZE
) -> tuple[Region, ...]:
    """The conflicts that diff3 (or zdiff3) markers enclose, all four of each in order; other marker
    lines are text.
    """
    regions: list[Region] = []
    open_: list[re.Match[bytes]] = []
    for match in _marker(size).finditer(data):
        kind = match[1][:1]
        if kind == b"<":
            open_ = [match]
        elif open_ and kind[0] == _ORDER[len(open_)]:
            open_.append(match)
        if len(open_) == len(_ORDER):
            first, base, middle, last = open_
            regions.append(
                Region(
                    line=data.count(b"\n", 0, first.start()) + 1,
                    base=data[base.end() : middle.start()],
                    ours=data[first.end() : base.start()],
                    theirs=data[middle.end() : last.start()],
                    reason=reason,
                )
            )
            open_ = []
    return tuple(regions)


def has_markers(data: bytes) -> bool:
    """Whether a text holds a conflict: diff3 markers at the start of lines, all four in order."""
    return b"<<<<<<<" in data and bool(regions_in(data))


def from_lines(data: bytes, *, clean: bool, size: int = SIZE) -> Merged:
    """The answer of a line merge, from what `git merge-file -p --diff3` printed and whether it
    exited with 0.
    """
    return Merged(data, () if clean else regions_in(data, size=size), "lines")


def marked(base: str, ours: str, theirs: str, newline: str = "\n") -> str:
    """A conflict between whole lines, as text. A side without a newline at its end gets one."""
    sides: Sequence[tuple[str, str]] = (
        ("<<<<<<< ours", ours),
        ("||||||| base", base),
        ("=======", theirs),
    )
    out = ""
    for marker, text in sides:
        out += marker + newline + text + (newline if text and not text.endswith("\n") else "")
    return out + ">>>>>>> theirs" + newline
