"""Changes that no operation fits: the lines before and after, with so many around them that they
say one place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skills_engine.lines import split_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["snippets"]

_AROUND = (*range(1, 13), 18, 27, 40, 60, 90)
"""How many lines above and below are tried, until they are at one place only: code that was copied
needs many.
"""


def snippets(path: str, before: bytes, after: bytes) -> Iterator[tuple[Mapping[str, Any], ...]]:
    """Ways to turn one text into another in one place, with ever more lines around it."""
    try:
        old, new = (split_lines(data.decode().replace("\r\n", "\n")) for data in (before, after))
    except UnicodeDecodeError:
        return
    head = 0
    while head < min(len(old), len(new)) and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < min(len(old), len(new)) - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    for around in _AROUND:
        start, stop = max(0, head - around), max(0, tail - around)
        while start < head and not old[start].strip():
            start += 1
        while stop < tail and not old[-1 - stop].strip():
            stop += 1
        one, other = ("".join(lines[start : len(lines) - stop]) for lines in (old, new))
        if _solid(one) and _solid(other):
            yield ({"ensure": "text", "in": path, "before": one, "after": other},)
        if head <= around and tail <= around:
            return


def _solid(text: str) -> bool:
    """Whether a snippet begins and ends with lines that are not blank: YAML writes others as nobody
    reads them.
    """
    lines = text.split("\n")
    return len(lines) > 1 and bool(lines[0].strip() and lines[-2].strip())
