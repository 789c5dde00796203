"""The verb `test`: skills tried on the core, alone and together, as their authors need it."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from skills_engine.check import Changed, check
from skills_engine.errors import Refused, SkillsError
from skills_engine.graft.files import GraftFiles
from skills_engine.graft.fold import fold
from skills_engine.graft.fork import Fork, core_version
from skills_engine.graft.goal import accepts
from skills_engine.graft.intent import Goal
from skills_engine.graft.operation import networked_tests
from skills_engine.graft.sources import Found, find
from skills_engine.manifest import SKILLS, Core, is_manifest
from skills_engine.tree import Entry, Tree, difference
from skills_engine.types import Event
from skills_engine.verbs.accept import accept_trial
from skills_engine.verbs.environment import run_skill_tests
from skills_engine.verbs.lint import folders
from skills_engine.verbs.reports import Options

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from skills_engine.types import Progress

__all__ = ["Trial", "try_out"]


@dataclass(frozen=True, slots=True)
class Trial:
    """Skills that were tried together: whether all was well, and if not, why."""

    skills: tuple[str, ...]
    ok: bool
    found: str
    output: str = ""


def try_out(
    directory: Path, names: Sequence[str], *, pairs: bool, run: bool, trust: bool = False
) -> Progress[tuple[Trial, ...]]:
    """Each skill alone on the base, then with every other in pairs, in both orders, and taken off
    again. `names` are names or paths; without any, all are tried.

    Raises Refused where there is nothing to try: that is no success; Untrusted where tests of a
    package that is not upstream's would run without a room of their own, and nobody accepted that.
    """
    fork = Fork.open(directory)
    try:
        base = fork.core if fork.managed else Core("", "", fork.head, core_version(fork.tree))
        skills, asked = _packages(fork, base, names)
        if run:
            goal = Goal(base, tuple(choice.pin for choice in asked.values()))
            accept_trial(fork, goal, Options(trust=trust))
        trials = []
        for name in asked:
            yield Event(f"try {name} alone")
            trials.append((yield from _try(fork, base, skills, (name,), run=run)))
        for one, two in combinations(skills, 2) if pairs else ():
            if not {one, two} & asked.keys():
                continue
            if _exclude(skills[one], skills[two]) or _exclude(skills[two], skills[one]):
                continue
            yield Event(f"try {one} with {two}")
            trials.append((yield from _try(fork, base, skills, (one, two), run=run)))
        if not trials:
            raise Refused(
                f"there is no skill to try in {SKILLS}", hint="name one, or the directory of one"
            )
        return tuple(trials)
    finally:
        fork.close()


def _packages(
    fork: Fork, base: Core, names: Sequence[str]
) -> tuple[dict[str, Found], dict[str, Found]]:
    """The packages on disk that have a machine part, by the name that they declare; and those of
    them that were asked for. Of two with one name, the one that was asked for counts.
    """
    tree = Tree(fork.objects, fork.git.tree_of(base.base))
    known = _with_manifest(fork, tree, folders(fork, ()))
    asked: dict[str, Found] = {}
    for name in names:
        found = _with_manifest(fork, tree, folders(fork, (name,)))
        if not found:
            raise Refused(
                f"{name} has nothing that could be tested", hint="it has no manifest block"
            )
        asked |= found
    skills = dict(sorted((known | asked).items()))
    return skills, {name: skills[name] for name in skills if name in asked or not names}


def _with_manifest(fork: Fork, tree: Tree, folders: Sequence[Path]) -> dict[str, Found]:
    choices = [find(fork, str(folder), tree) for folder in folders]
    return {choice.pin.name: choice for choice in choices if choice.package.manifest}


def _exclude(one: Found, other: Found) -> bool:
    manifest = one.package.manifest
    return manifest is not None and any(
        name == other.pin.name and accepts(versions, other.pin.version)
        for name, versions in manifest.conflicts
    )


def _try(
    fork: Fork, base: Core, skills: dict[str, Found], names: tuple[str, ...], *, run: bool
) -> Progress[Trial]:
    try:
        pins = _closure(skills, names)
        goal = Goal(base, tuple(skills[name].pin for name in sorted(pins)))
        graft = yield from fold(fork.git, goal, fork.applicable, cached=False)
        bare = yield from fold(fork.git, Goal(base, ()), fork.applicable, cached=False)
        if len(names) == 2 and not any(set(names) <= {n, *_closure(skills, (n,))} for n in names):
            other = yield from fold(
                fork.git, goal, fork.applicable, cached=False, order=_reversed(skills, pins, names)
            )
            paths = [
                path
                for path, *both in difference(fork.objects, graft.tree, other.tree)
                if not _reordered(fork, *both)
            ]
            if paths:
                return Trial(names, ok=False, found=f"the order matters in {', '.join(paths)}")
        changed = [
            Changed(
                path,
                fork.objects.read(after.oid) if after else None,
                (fork.objects.read(was.oid) if was else None,),
            )
            for path, was, after in difference(fork.objects, bare.tree, graft.tree)
            if not is_manifest(path)
            and not path.startswith(SKILLS)
            and all(e is None or e.is_file for e in (was, after))
        ]
        findings = check(changed, GraftFiles(fork.git, base.base, Tree(fork.objects, graft.tree)))
        if findings:
            return Trial(names, ok=False, found=f"{findings[0].place}: {findings[0].message}")
        again = yield from fold(fork.git, goal, fork.applicable, cached=False, twice=True)
        if again.tree != graft.tree:
            return Trial(
                names, ok=False, found="applied a second time, the operations change something"
            )
        tests = tuple(
            sorted(t for name in pins if (m := skills[name].package.manifest) for t in m.tests)
        )
        if run and tests:
            networked = networked_tests(fork, (skills[name].pin for name in pins))
            failed = yield from run_skill_tests(fork, graft.tree, tests, networked)
            if failed is not None:
                return Trial(names, ok=False, found="the tests failed", output=failed)
    except SkillsError as error:
        return Trial(names, ok=False, found=error.message)
    return Trial(
        names,
        ok=True,
        found=f"files changed: {len(changed)}, test files run: {len(tests) if run else 0}",
    )


def _reordered(fork: Fork, one: Entry | None, other: Entry | None) -> bool:
    """Whether both have the same words, if in another order: two elements of a list, two settings,
    two services.

    A fork has them in canonical order, whatever was applied first.
    """
    if one is None or other is None or not (one.is_file and other.is_file):
        return False
    words = [
        Counter(re.findall(rb"\w+|[^\w\s]", fork.objects.read(side.oid))) for side in (one, other)
    ]
    return words[0] == words[1]


def _closure(skills: dict[str, Found], names: tuple[str, ...]) -> set[str]:
    found: set[str] = set()
    queue = list(names)
    while queue:
        name = queue.pop()
        if name in found:
            continue
        if name not in skills:
            raise Refused(f"{name} is needed, and there is no such package")
        found.add(name)
        manifest = skills[name].package.manifest
        queue += [other for other, _ in manifest.depends] if manifest else []
    return found


def _reversed(skills: dict[str, Found], pins: set[str], names: tuple[str, ...]) -> tuple[str, ...]:
    """Dependencies first as ever, then the two in the order that is not the canonical one."""
    rest = sorted(pins - set(names), key=lambda name: (len(_closure(skills, (name,))), name))
    return (*rest, *sorted(names, reverse=True))
