"""A three-way merge of a few lines (Khanna, Kunal and Pierce, "A Formal Investigation of Diff3",
2007).
"""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["merge"]


def merge(base: Sequence[str], ours: Sequence[str], theirs: Sequence[str]) -> list[str] | None:
    """What both changed, as lines of `ours` where theirs changed nothing; None for a conflict.

    White space at the end of a line does not count. Where both add lines at one place and those of
    one are among those of the other, in a row, the more are taken: they say both.
    """
    base_keys, our_keys, their_keys = (
        [line.rstrip() for line in lines] for lines in (base, ours, theirs)
    )
    in_ours, in_theirs = _matches(base_keys, our_keys), _matches(base_keys, their_keys)
    stable = [number for number in range(len(base)) if number in in_ours and number in in_theirs]
    anchors = [(number, in_ours[number], in_theirs[number]) for number in stable]
    merged: list[str] = []
    b = o = t = 0
    for next_b, next_o, next_t in [*anchors, (len(base), len(ours), len(theirs))]:
        was, mine, other = base_keys[b:next_b], our_keys[o:next_o], their_keys[t:next_t]
        if other in (was, mine) or (not was and _within(other, mine)):
            merged += ours[o:next_o]
        elif mine == was or (not was and _within(mine, other)):
            merged += theirs[t:next_t]
        else:
            return None
        merged += ours[next_o : next_o + 1]
        b, o, t = next_b + 1, next_o + 1, next_t + 1
    return merged


def _within(part: Sequence[str], whole: Sequence[str]) -> bool:
    return any(whole[at : at + len(part)] == part for at in range(len(whole) - len(part) + 1))


def _matches(base: Sequence[str], side: Sequence[str]) -> dict[int, int]:
    blocks = SequenceMatcher(None, base, side, autojunk=False).get_matching_blocks()
    return {block.a + n: block.b + n for block in blocks for n in range(block.size)}
