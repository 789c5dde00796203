"""Conflict markers in the diff3 style: found, read and written.

A text may have lines like markers of its own: a heading that is underlined, a page about git.
Markers that are put into such a text are longer than all of them, so that which is which can be
told.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from skills_engine.lines import split_lines
from skills_engine.merge.types import Merged, Region

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

__all__ = ["SIZE", "filled", "from_lines", "has_markers", "marked", "regions_in", "size_for"]

SIZE = 7
"""How many characters a marker has, where git's attribute `conflict-marker-size` is silent."""
_ORDER = b"<|=>"
_LIKE = re.compile(rb"^(?:<{7,}|\|{7,}|={7,}|>{7,})(?=[ \r\n]|\Z)", re.MULTILINE)
_BEGINS = re.compile(rb"^<{7,}(?=[ \r\n]|\Z)", re.MULTILINE)


def size_for(*texts: bytes | str, least: int = SIZE) -> int:
    """How many characters the markers of a conflict between texts have."""
    for text in texts:
        data = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
        if any(word in data for word in (b"<<<<<<<", b"|||||||", b"=======", b">>>>>>>")):
            least = max([least, *(len(found) + 1 for found in _LIKE.findall(data))])
    return least


@cache
def _marker(size: int) -> re.Pattern[bytes]:
    kinds = b"|".join(b"%s{%d}" % (re.escape(kind), size) for kind in (b"<", b"|", b"=", b">"))
    return re.compile(rb"^(%s)(?=[ \r\n]|\Z).*\n?" % kinds, re.MULTILINE)


def regions_in(
    data: bytes, reason: str = "both sides changed these lines", size: int = 0
) -> tuple[Region, ...]:
    """The conflicts that diff3 (or zdiff3) markers of a size enclose, all four of each in order;
    other marker lines are text. Without a size, the largest that encloses one.
    """
    if not size:
        sizes = {len(found) for found in _BEGINS.findall(data)} if b"<<<<<<<" in data else set()
        found = (regions_in(data, reason, each) for each in sorted(sizes, reverse=True))
        return next((regions for regions in found if regions), ())
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


def filled(data: bytes, regions: Iterable[Region], text: Callable[[Region], bytes | None]) -> bytes:
    """A file with a text in the place of each of its conflicts, markers included; None leaves
    one.
    """
    lines = split_lines(data)
    out: list[bytes] = []
    at = 0
    for region in regions:
        new = text(region)
        start = region.line - 1
        end = start + region.height
        out += lines[at:start]
        out += lines[start:end] if new is None else [new]
        at = end
    return b"".join([*out, *lines[at:]])


def has_markers(data: bytes) -> bool:
    """Whether a text holds a conflict: diff3 markers at the start of lines, all four in order."""
    return b"<<<<<<<" in data and bool(regions_in(data))


def from_lines(data: bytes, *, clean: bool, size: int = SIZE) -> Merged:
    """The answer of a line merge, from what `git merge-file -p --diff3` printed and whether it
    exited with 0.
    """
    return Merged(data, () if clean else regions_in(data, size=size), "lines")


def marked(base: str, ours: str, theirs: str, size: int) -> str:
    """A conflict between whole lines, as text. A side without a newline at its end gets one."""
    sides: Sequence[tuple[str, str]] = (
        (f"{'<' * size} ours", ours),
        (f"{'|' * size} base", base),
        ("=" * size, theirs),
    )
    out = ""
    for marker, text in sides:
        out += f"{marker}\n{text}" + ("\n" if text and not text.endswith("\n") else "")
    return f"{out}{'>' * size} theirs\n"
