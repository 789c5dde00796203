"""The alignment of two versions: anchors, then the longest common order, then likeness."""

from __future__ import annotations

import bisect
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from skills_engine.merge.types import Unsupported

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

__all__ = ["Alignment", "align", "alike", "increasing"]

LIKE = 0.5
"""Words in common, of all words, from which two parts of one kind are taken for versions of one
another.
"""

_NEVER = frozenset({"Import", "ImportFrom"})
"""Kinds that are versions of one another only under the same key: an import from elsewhere is
another import.
"""

MAX_CELLS = 4_000_000


class Part(Protocol):
    """What can be aligned. `value` is the signature of what it says, `inner` are those of all that
    stands in it; what is `placed` is known by its place alone: an argument by position. A
    `nameless` one is an element that nothing names, so that any may stand for any."""

    @property
    def sig(self) -> int: ...
    @property
    def kind(self) -> str: ...
    @property
    def key(self) -> Hashable: ...
    @property
    def strong(self) -> bool: ...
    @property
    def placed(self) -> bool: ...
    @property
    def nameless(self) -> bool: ...
    @property
    def words(self) -> Counter[str]: ...
    @property
    def value(self) -> int: ...
    @property
    def inner(self) -> frozenset[int]: ...


@dataclass(frozen=True, slots=True)
class Alignment:
    """`pairs` from an index of the base to one of a side; `weak` are those (by index of the base)
    that share only their place: one part stands where one other stood."""

    pairs: dict[int, int]
    weak: frozenset[int]

    @property
    def back(self) -> dict[int, int]:
        return {there: here for here, there in self.pairs.items()}


def alike(a: Part, b: Part) -> float:
    """Dice's coefficient of the words."""
    common = sum((a.words & b.words).values())
    total = a.words.total() + b.words.total()
    return 2 * common / total if total else 1.0


def align(base: Sequence[Part], side: Sequence[Part]) -> Alignment:
    """Pairs in order where they can be; parts with strong keys are found wherever they went."""
    pairs: dict[int, int] = {}
    moved: list[tuple[int, int]] = []
    anchors = _anchors(base, side, lambda p: ("key", p.key) if p.strong else ("sig", p.sig))
    chain = increasing(anchors)
    moved = [pair for pair in anchors if pair not in set(chain) and base[pair[0]].strong]
    taken_b, taken_s = {i for i, _ in moved}, {j for _, j in moved}
    weak: set[int] = set()
    last_b = last_s = -1
    for i, j in [*chain, (len(base), len(side))]:
        here = [k for k in range(last_b + 1, i) if k not in taken_b]
        there = [k for k in range(last_s + 1, j) if k not in taken_s]
        _gap(base, side, here, there, pairs, weak)
        if i < len(base):
            pairs[i] = j
        last_b, last_s = i, j
    pairs.update(moved)
    return Alignment(pairs, frozenset(weak))


def _anchors(
    base: Sequence[Part], side: Sequence[Part], label: Callable[[Part], Hashable]
) -> list[tuple[int, int]]:
    """Pairs of parts whose label is unique on both sides, in the base's order."""
    count_b, count_s = Counter(map(label, base)), Counter(map(label, side))
    where = {label(part): j for j, part in enumerate(side)}
    return [
        (i, where[name])
        for i, part in enumerate(base)
        if count_b[name := label(part)] == 1 and count_s[name] == 1
    ]


def increasing(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest subsequence whose second numbers grow."""
    tails: list[int] = []
    ends: list[int] = []
    back: list[int] = []
    for at, (_, j) in enumerate(pairs):
        place = bisect.bisect_left(tails, j)
        back.append(ends[place - 1] if place else -1)
        tails[place : place + 1] = [j]
        ends[place : place + 1] = [at]
    chain = []
    at = ends[-1] if ends else -1
    while at >= 0:
        chain.append(pairs[at])
        at = back[at]
    return chain[::-1]


def _gap(
    base: Sequence[Part],
    side: Sequence[Part],
    here: list[int],
    there: list[int],
    pairs: dict[int, int],
    weak: set[int],
) -> None:
    """Pair what lies between two anchors, in order: the same, then what stands in what the side
    has, then the same key, then alike, then one for one.
    """
    if not here or not there:
        return
    scores: tuple[Callable[[Part, Part], float], ...] = (
        lambda a, b: float(a.sig == b.sig),
        lambda a, b: float(a.value in b.inner),
        lambda a, b: float(a.key is not None and a.key == b.key and a.kind == b.kind),
        _likeness,
    )
    spans = [(here, there)]
    for score in scores:
        rest = []
        for left, right in spans:
            found = _best([base[i] for i in left], [side[j] for j in right], score)
            last_i = last_j = 0
            for i, j in [*found, (len(left), len(right))]:
                rest.append((left[last_i:i], right[last_j:j]))
                last_i, last_j = i + 1, j + 1
            pairs.update((left[i], right[j]) for i, j in found)
        spans = [(left, right) for left, right in rest if left and right]
    for left, right in spans:
        if len(left) != 1 or len(right) != 1:
            continue
        one, two = base[left[0]], side[right[0]]
        alone = (one.placed and two.placed) or (one.nameless and two.nameless)
        if alone or one.kind == two.kind not in _NEVER:
            pairs[left[0]] = right[0]
            weak.add(left[0])


def _likeness(a: Part, b: Part) -> float:
    if a.kind != b.kind or a.kind in _NEVER:
        return 0.0
    score = alike(a, b)
    return score if score >= LIKE else 0.0


def _best(
    left: list[Part], right: list[Part], score: Callable[[Part, Part], float]
) -> list[tuple[int, int]]:
    """The pairs in order with the greatest sum of scores; of equals, the earliest."""
    low, high_l, high_r = 0, len(left), len(right)
    ends: list[tuple[int, int]] = []
    while (
        low < min(high_l, high_r)
        and left[low].sig == right[low].sig
        and score(left[low], right[low]) >= 1
    ):
        low += 1
    while high_l > low and high_r > low and score(left[high_l - 1], right[high_r - 1]) >= 1:
        if left[high_l - 1].sig != right[high_r - 1].sig:
            break
        high_l, high_r = high_l - 1, high_r - 1
        ends.append((high_l, high_r))
    rows, columns = high_l - low, high_r - low
    if rows * columns > MAX_CELLS:
        raise Unsupported("too many parts to compare")
    found = [(k, k) for k in range(low)]
    if rows and columns:
        best = [[0.0] * (columns + 1) for _ in range(rows + 1)]
        values = [
            [score(left[low + i], right[low + j]) for j in range(columns)] for i in range(rows)
        ]
        for i in range(rows - 1, -1, -1):
            for j in range(columns - 1, -1, -1):
                both = best[i + 1][j + 1] + values[i][j] if values[i][j] else 0.0
                best[i][j] = max(both, best[i + 1][j], best[i][j + 1])
        i = j = 0
        while i < rows and j < columns:
            if values[i][j] and best[i][j] == best[i + 1][j + 1] + values[i][j]:
                found.append((low + i, low + j))
                i, j = i + 1, j + 1
            elif best[i][j] == best[i][j + 1]:
                j += 1
            else:
                i += 1
    return found + ends[::-1]
