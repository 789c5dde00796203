"""A doubt: a fact that a merged text has not as often as its three versions make it due."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

__all__ = ["Bags", "Doubt", "due", "undue"]

Fact = TypeVar("Fact", bound=Hashable)
Bags = Sequence[Counter[Fact]]
"""The facts of base, ours, theirs and the result, in this order."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a merge without conflicts is not believed.

    `law` is the law's name, `what` the fact, `where` the definition or the path of keys that it
    belongs to ('' for the whole file), and `counts` how often base, ours, theirs and the result
    have it; () where it is not a matter of counting.
    """

    law: str
    what: str
    where: str
    counts: tuple[int, ...] = ()
    says: str = ""

    def __str__(self) -> str:
        says = self.says
        if not says and self.counts:
            base, ours, theirs, result = self.counts
            low, _ = due(base, ours, theirs)
            if result < low:
                says = "would be lost"
            elif base > min(ours, theirs):
                says = "would come back"
            else:
                says = "would stand once more than either side wrote it"
        what = self.what if len(self.what) <= 60 else self.what[:57] + "..."
        return f"{what} {says}{f' in {self.where}' if self.where else ''}"


def due(base: int, ours: int, theirs: int) -> tuple[int, int]:
    """The least and the most of what a merge may have of a fact.

    That is base with both changes; what both sides did alike counts once or twice.
    """
    mine, his = ours - base, theirs - base
    both = max(0, base + mine + his)
    if mine * his <= 0:
        return both, both
    one = base + max(mine, his, key=abs)
    return min(one, both), max(one, both)


def undue(bags: Bags[Fact]) -> Iterator[tuple[Fact, tuple[int, int, int, int]]]:
    """The facts that the result has too often or too seldom, with their counts in all four."""
    base, ours, theirs, result = bags
    for fact in {**base, **ours, **theirs, **result}:
        counts = (base[fact], ours[fact], theirs[fact], result[fact])
        low, high = due(*counts[:3])
        if not low <= counts[3] <= high:
            yield fact, counts
