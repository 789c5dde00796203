"""In which order the parts of a merge stand.

That of ours, with theirs' additions after the neighbour that they follow; where both sides add
after one neighbour, ours come first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from skills_engine.merge.types import NodeConflict

if TYPE_CHECKING:
    from skills_engine.merge.core.alignment import Alignment

__all__ = ["Aligned", "arrange"]


@dataclass(frozen=True, slots=True)
class Aligned:
    """One part by its index in each version; None where it is not."""

    base: int | None
    ours: int | None
    theirs: int | None


def arrange(
    ours: int,
    theirs: int,
    by_ours: Alignment,
    by_theirs: Alignment,
    same: dict[int, int],
    free: frozenset[int] = frozenset(),
    *,
    row: bool = False,
) -> list[Aligned]:
    """The entries of all parts but those that both sides deleted, in the order of the merge.

    `ours` and `theirs` are numbers of parts; `same` pairs what both sides added. A side that
    changed the order of common parts decides it; raises NodeConflict when both did, differently.
    Parts of the base that are `free` may stand anywhere, and are no reason for that. What is added
    at the end of a `row` stays there, wherever its neighbour went.
    """
    common = sorted(set(by_ours.pairs) & set(by_theirs.pairs))
    for parts in (common, [base for base in common if base not in free]):
        along_ours = sorted(parts, key=by_ours.pairs.__getitem__)
        along_theirs = sorted(parts, key=by_theirs.pairs.__getitem__)
        if along_theirs in (parts, along_ours):
            return _woven(ours, theirs, by_ours.back, by_theirs.back, same, mirror=False, row=row)
        if along_ours == parts:
            swapped = {there: here for here, there in same.items()}
            return _woven(theirs, ours, by_theirs.back, by_ours.back, swapped, mirror=True, row=row)
    raise NodeConflict("both sides changed the order")


def _woven(
    size: int,
    other: int,
    back: dict[int, int],
    other_back: dict[int, int],
    same: dict[int, int],
    *,
    mirror: bool,
    row: bool,
) -> list[Aligned]:
    """The order of one side, with what only the other has put in."""
    last = max((at for at in range(other) if at in other_back), default=-1)
    other_of = {base: at for at, base in other_back.items()}
    skeleton: list[tuple[int | None, int | None, int | None]] = []
    for at in range(size):
        base = back.get(at)
        skeleton.append((base, at, other_of.get(base) if base is not None else same.get(at)))
    placed = {entry[2] for entry in skeleton}
    place = 0
    for at in range(other):
        if at in placed:
            place = next(k for k, entry in enumerate(skeleton) if entry[2] == at) + 1
            continue
        if row and at == last + 1:
            known = (k for k, entry in enumerate(skeleton) if entry[0] is not None)
            place = max(place, max(known, default=-1) + 1)
        base = other_back.get(at)
        only_here = base is not None or not mirror
        while (
            only_here
            and place < len(skeleton)
            and skeleton[place][0] is None
            and skeleton[place][2] is None
        ):
            place += 1
        skeleton.insert(place, (base, None, at))
        place += 1
    if mirror:
        return [Aligned(base, there, here) for base, here, there in skeleton]
    return [Aligned(base, here, there) for base, here, there in skeleton]
