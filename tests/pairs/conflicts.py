"""Sides that contradict each other in one statement and make other edits beside it.

Whichever side the conflicts are decided for, all edits of that side must be there, and of the
other side's edits some, as they are, and nothing else.
"""

from __future__ import annotations

import ast
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, combinations, permutations
from operator import attrgetter
from typing import TypeVar

from pairs.edits import Edit, Kind, Site, Tree, applied, meaning, number, statement
from pairs.run import disjoint, edits_at, site_of
from skills_engine.merge import Merged
from skills_engine.merge.markers import filled

T = TypeVar("T")

__all__ = ["Contradiction", "contradictions"]

_MOST = 8
"""Splices of a side above which not all that a merge may have of them is tried."""


@dataclass(frozen=True)
class Contradiction:
    """Two sides whose first edits cannot both be had."""

    kinds: tuple[str, ...]
    site: Site
    mine: tuple[Edit, ...]
    his: tuple[Edit, ...]

    @property
    def texts(self) -> tuple[str, str, str]:
        return self.site.text, _all_of(self.site.text, self.mine), _all_of(self.site.text, self.his)

    def lost(self, answer: Merged) -> str:
        """The side whose edits are not all there where the conflicts are decided for it, or ''."""
        for side, (mine, his) in {
            "ours": (self.mine, self.his),
            "theirs": (self.his, self.mine),
        }.items():
            text = filled(answer.data, answer.regions, attrgetter(side))
            found = meaning(text.decode())
            if all(found != due for due in self._due(mine, his[1:])):
                return side
        return ""

    def _due(self, mine: Sequence[Edit], his: Sequence[Edit]) -> Iterator[str | None]:
        """The trees with all edits of a side, and some of the other one, which a conflict may have
        in part."""
        for edits in _subsets(his):
            for order in permutations((*mine, *edits)):
                tree = self.site.tree.copy()
                try:
                    for edit in order:
                        edit.tree(tree)
                except LookupError:
                    continue
                yield ast.dump(tree.module)
        for part in _subsets([splice for edit in his for splice in edit.splices]):
            both = Edit(part, lambda _: None)
            if all(disjoint(both, edit) for edit in mine):
                yield meaning(_all_of(self.site.text, (*mine, both)))


def _subsets(row: Sequence[T]) -> Iterator[tuple[T, ...]]:
    return chain.from_iterable(combinations(row, n) for n in range(len(row), -1, -1))


def _all_of(text: str, edits: Sequence[Edit]) -> str:
    return applied(text, Edit(tuple(s for edit in edits for s in edit.splices), lambda _: None))


def contradictions(seed: int, count: int) -> Iterator[Contradiction]:
    """So many, the same for a seed where the same packages are installed."""
    rng = random.Random(seed)  # noqa: S311
    made = 0
    while made < count:
        site = site_of(rng)
        if site is None:
            continue
        first = [_said_otherwise(name)(site, rng) for name in ("one", "other")]
        if first[0] is None or first[1] is None:
            continue
        mine, his = _beside(site, first[0], rng), _beside(site, first[1], rng)
        if mine is None or his is None:
            continue
        kinds = (*mine[0], "|", *his[0])
        found = Contradiction(kinds, site, mine[1], his[1])
        if all(meaning(text) for text in found.texts):
            yield found
            made += 1


def _said_otherwise(name: str) -> Kind:
    """Another statement in the place of the one in focus."""

    def kind(site: Site, rng: random.Random) -> Edit | None:
        said = f"{name}_answer({rng.randrange(3)})"
        if not isinstance(site.focus, ast.Expr | ast.Assign) or site.lines(site.focus) is None:
            return None

        def change(tree: Tree) -> None:
            tree.replace(number(site.focus), lambda _: statement(said))

        return Edit(((*site.span(site.focus), said),), change)

    return kind


def _beside(
    site: Site, first: Edit, rng: random.Random
) -> tuple[list[str], tuple[Edit, ...]] | None:
    """An edit with one or two others of the function that touch no part of it."""
    below = [n for n in ast.walk(site.function) if isinstance(n, ast.stmt)]
    below = [n for n in below if not isinstance(n, ast.FunctionDef | ast.ClassDef | ast.Pass)]
    names, edits = list[str](), [first]
    for _ in range(rng.choice([1, 1, 2])):
        others = edits_at(replace(site, focus=rng.choice(below)), rng, tries=8)
        others = {n: e for n, e in others.items() if all(disjoint(e, one) for one in edits)}
        for name in rng.sample(sorted(others), min(1, len(others))):
            names.append(name)
            edits.append(others[name])
    many = sum(len(edit.splices) for edit in edits) > _MOST
    return None if many or len(edits) == 1 else (names, tuple(edits))
