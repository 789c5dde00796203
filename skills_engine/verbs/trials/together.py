"""Skills alone, in pairs and in threes: in every order, twice, off again, and their tests."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING

from skills_engine.check import Changed, check
from skills_engine.errors import SkillsError
from skills_engine.graft.files import GraftFiles
from skills_engine.graft.fold import fold
from skills_engine.graft.merge3 import merge_trees
from skills_engine.graft.operation import line_merge, networked_tests
from skills_engine.manifest import SKILLS, is_manifest
from skills_engine.tree import Tree, difference
from skills_engine.types import result
from skills_engine.verbs.environment import run_skill_tests
from skills_engine.verbs.trials.meaning import meaning
from skills_engine.verbs.trials.trial import Trial, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skills_engine.tree import Entry
    from skills_engine.verbs.trials.subjects import Subjects
    from skills_engine.verbs.trials.trial import Case

__all__ = ["changes", "findings", "run_together"]

_OWNERS = b'\n\ndef the_owner_has_this_too() -> None:\n    """An edit of the owner\'s."""\n'


def run_together(subjects: Subjects, case: Case, *, run: bool) -> Trial:
    """What becomes of these skills on the base, with exactly what they need."""
    try:
        wrong = _wrong(subjects, case.skills)
        if wrong:
            return Trial.of(case, Verdict.WRONG, wrong)
        graft = subjects.graft(case.skills)
        tests = subjects.tests(case.skills)
        if run and tests:
            networked = networked_tests(subjects.fork, subjects.pins(case.skills))
            failed = result(run_skill_tests(subjects.fork, graft.tree, tests, networked))
            if failed is not None:
                return Trial.of(case, Verdict.WRONG, "the tests failed", failed)
    except SkillsError as error:
        return Trial.of(case, Verdict.REFUSED, error.message, ok=False)
    changed = len(changes(subjects, graft.tree))
    found = f"files changed: {changed}, test files run: {len(tests) if run else 0}"
    return Trial.of(case, Verdict.RIGHT, found)


def _wrong(subjects: Subjects, names: tuple[str, ...]) -> str:
    """What does not hold of these skills; nothing if all does."""
    fork, goal = subjects.fork, subjects.goal(names)
    graft = subjects.graft(names)
    for order in _orders(subjects, names):
        other = result(fold(fork.git, goal, fork.applicable, cached=False, order=order))
        paths = [
            path
            for path, one, two in difference(fork.objects, graft.tree, other.tree)
            if meaning(path, _data(subjects, one)) != meaning(path, _data(subjects, two))
        ]
        if paths:
            return f"the order matters in {', '.join(paths)}"
    if found := findings(subjects, graft.tree):
        return found
    again = result(fold(fork.git, goal, fork.applicable, cached=False, twice=True))
    if again.tree != graft.tree:
        return "applied a second time, the operations change something"
    return _left(subjects, graft.tree)


def _orders(subjects: Subjects, names: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Every order but the canonical one, dependencies first as ever."""
    every = subjects.closure(names)
    rest = sorted(every - set(names), key=lambda one: (len(subjects.closure((one,))), one))
    for order in permutations(names):
        whole = (*rest, *order)
        needed = (
            subjects.closure((name,)) <= set(whole[: at + 1]) for at, name in enumerate(whole)
        )
        if list(order) != sorted(order) and all(needed):
            yield whole


def _left(subjects: Subjects, graft: str) -> str:
    """What is left after they are taken off a fork whose owner has edited every file that they
    touch.
    """
    objects = subjects.fork.objects
    ours, wanted = Tree(objects, graft), Tree(objects, subjects.bare.tree)
    edited = False
    for path, was, now in changes(subjects, graft):
        if path.endswith(".py") and was is not None and now is not None:
            ours.write(path, objects.read(now.oid) + _OWNERS, now.mode)
            wanted.write(path, objects.read(was.oid) + _OWNERS, was.mode)
            edited = True
    if not edited:
        return ""
    lines = line_merge(subjects.fork.git)
    merged = merge_trees(objects, graft, ours.oid(), subjects.bare.tree, lines=lines)
    if merged.conflicts:
        return f"taken off again: {merged.conflicts[0].path}: {merged.conflicts[0].reason}"
    paths = [path for path, *_ in difference(objects, merged.tree, wanted.oid())]
    return f"taken off again, it leaves something in {', '.join(paths)}" if paths else ""


def changes(subjects: Subjects, tree: str) -> list[tuple[str, Entry | None, Entry | None]]:
    """The files in which a tree is not the bare core, without manifests and packages."""
    return [
        (path, was, now)
        for path, was, now in difference(subjects.fork.objects, subjects.bare.tree, tree)
        if not is_manifest(path)
        and not path.startswith(SKILLS)
        and all(entry is None or entry.is_file for entry in (was, now))
    ]


def findings(subjects: Subjects, tree: str) -> str:
    """The first thing that the checks have against a tree; nothing if they pass it."""
    changed = [
        Changed(path, _data(subjects, now), (_data(subjects, was),))
        for path, was, now in changes(subjects, tree)
    ]
    git, base = subjects.fork.git, subjects.base.base
    found = check(changed, GraftFiles(git, base, Tree(subjects.fork.objects, tree)))
    return f"{found[0].place}: {found[0].message}" if found else ""


def _data(subjects: Subjects, entry: Entry | None) -> bytes | None:
    if entry is None or not entry.is_file:
        return None
    return subjects.fork.objects.read(entry.oid)
