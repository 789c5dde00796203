"""A stretch of entries that one side has something else for: what it took away, and what it put
there instead.

Where the other side edited what is gone, or added something beside it, the two texts contradict
each other as wholes: to take either side means to have all of its text there and nothing of the
other's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from skills_engine.merge.core.insertions import FREE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from skills_engine.merge.core.order import Aligned

About = TypeVar("About")

__all__ = ["overlaps_joined", "stretch"]

Stretch = tuple[int, int]
"""The first entry and the one behind the last."""


def stretch(
    entries: Sequence[Aligned], role: Callable[[Aligned], str], middle: Stretch, theirs: bool
) -> Stretch:
    """Entries grown to what the side that took something away (theirs, or ours) put beside it. What
    stands where it does for its name's sake is left out: imports, definitions.
    """

    def away(entry: Aligned) -> bool:
        return entry.base is not None and (entry.theirs if theirs else entry.ours) is None

    def put(entry: Aligned) -> bool:
        alone = entry.ours is None if theirs else entry.theirs is None
        return entry.base is None and alone and role(entry) not in FREE

    first, last = middle
    while first and (entries[first - 1].base is None or away(entries[first - 1])):
        first -= 1
    while last < len(entries) and (entries[last].base is None or away(entries[last])):
        last += 1
    if not any(map(put, entries[first:last])):
        return middle
    while first < middle[0] and not (put(entries[first]) or away(entries[first])):
        first += 1
    while last > middle[1] and not (put(entries[last - 1]) or away(entries[last - 1])):
        last -= 1
    return first, last


def overlaps_joined(found: Sequence[tuple[int, int, About]]) -> list[tuple[int, int, About]]:
    """Stretches, each with what it is about, in order; those that share entries are one, about what
    the first is."""
    out: list[tuple[int, int, About]] = []
    for first, last, about in sorted(found, key=lambda each: each[:2]):
        if out and first < out[-1][1]:
            out[-1] = (out[-1][0], max(out[-1][1], last), out[-1][2])
        else:
            out.append((first, last, about))
    return out
