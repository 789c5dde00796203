"""The subjects of trials: the packages on disk, the core's commit, and what each skill needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from skills_engine.errors import Refused
from skills_engine.graft.fold import Graft, fold
from skills_engine.graft.goal import accepts
from skills_engine.graft.intent import Goal
from skills_engine.graft.sources import FoundPackage, find
from skills_engine.tree import Tree
from skills_engine.types import result
from skills_engine.verbs.paths import package_folders

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skills_engine.graft.fork import Fork
    from skills_engine.manifest import Core, Pin
    from skills_engine.package.model import Package

__all__ = ["Subjects"]


@dataclass
class Subjects:
    """Packages by the name that they declare, and a base to try them on.

    Of two packages with one name, the one that was asked for counts.
    """

    fork: Fork
    base: Core
    skills: dict[str, FoundPackage]
    asked: tuple[str, ...]
    _grafts: dict[tuple[str, ...], Graft] = field(default_factory=dict)

    @classmethod
    def read(cls, fork: Fork, names: Sequence[str], core: str = "") -> Subjects:
        """Those that `names` names (names or paths; all without any), on the core or on a commit.

        Raises Refused for a package without anything to try, and for a commit that is none.
        """
        base = fork.core if fork.managed else fork.core_at(fork.head)
        if core:
            commit = fork.git.commit(core)
            if commit is None:
                raise Refused(f"there is no commit {core}", hint="name commits as git does")
            base = fork.core_at(commit)
        tree = Tree(fork.objects, fork.git.tree_of(base.base))
        known = _with_manifest(fork, tree, names=())
        asked: dict[str, FoundPackage] = {}
        for name in names:
            found = _with_manifest(fork, tree, (name,))
            if not found:
                raise Refused(
                    f"{name} has nothing that could be tested", hint="it has no manifest block"
                )
            asked |= found
        skills = dict(sorted((known | asked).items()))
        return cls(fork, base, skills, tuple(n for n in skills if n in asked or not names))

    def package(self, name: str) -> Package:
        return self.skills[name].package

    def closure(self, names: Iterable[str]) -> frozenset[str]:
        """The skills and all that they need. Raises Refused where something is missing."""
        found: set[str] = set()
        queue = list(names)
        while queue:
            name = queue.pop()
            if name in found:
                continue
            if name not in self.skills:
                raise Refused(f"{name} is needed, and there is no such package")
            found.add(name)
            manifest = self.package(name).manifest
            queue += [other for other, _ in manifest.depends] if manifest else []
        return frozenset(found)

    def exclude(self, names: Iterable[str]) -> bool:
        """Whether one of these cannot live with another."""
        versions = {name: self.skills[name].pin.version for name in names}
        return any(
            other in versions and accepts(wanted, versions[other])
            for name in versions
            if (manifest := self.package(name).manifest) is not None
            for other, wanted in manifest.conflicts
        )

    def goal(self, names: Iterable[str]) -> Goal:
        """These skills, and what they need, on the base."""
        return Goal(self.base, tuple(self.skills[n].pin for n in sorted(self.closure(names))))

    def graft(self, names: Iterable[str]) -> Graft:
        """Computed once."""
        goal = self.goal(names)
        key = tuple(pin.name for pin in goal.pins)
        if key not in self._grafts:
            self._grafts[key] = result(
                fold(self.fork.git, goal, self.fork.applicable, cached=False)
            )
        return self._grafts[key]

    @cached_property
    def bare(self) -> Graft:
        """The base with no skill at all."""
        return self.graft(())

    def tests(self, names: Iterable[str]) -> tuple[str, ...]:
        """The test files that these skills, and what they need, bring."""
        found = (self.package(name).manifest for name in self.closure(names))
        return tuple(sorted(path for manifest in found if manifest for path in manifest.tests))

    def pins(self, names: Iterable[str]) -> tuple[Pin, ...]:
        return self.goal(names).pins


def _with_manifest(fork: Fork, tree: Tree, names: Sequence[str]) -> dict[str, FoundPackage]:
    choices = [find(fork, str(folder), tree) for folder in package_folders(fork, names)]
    return {choice.pin.name: choice for choice in choices if choice.package.manifest}
