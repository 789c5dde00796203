"""Where new code goes that names the neighbours it had: one of them is enough, and both say more than one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["between"]


def between(after: Sequence[int], before: Sequence[int]) -> int | None:
    """The index to insert at, given the indexes of what it comes `after` and `before`; None where that is no one place.

    Where the two touch once, it is there, however often each of them stands elsewhere. Where others came between
    them, it goes below those. Where only one of them stands once, that one decides.
    """
    touching = [index + 1 for index in after if index + 1 in before]
    if touching:
        return touching[0] if len(touching) == 1 else None
    if len(after) == len(before) == 1:
        return before[0] if after[0] < before[0] else None
    if len(after) == 1:
        return after[0] + 1
    return before[0] if len(before) == 1 else None
