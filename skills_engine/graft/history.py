"""The fork's own history: the owner's tree as it was before the engine's last commits.

Where an owner's edits touch what a skill wrote, the graft alone cannot say how
the owner's file reads without it; the tree before the skill came can. So a run
of the engine's commits counts as one: whatever skills came and went in it, the
result is computed from the tree before it, and does not depend on their order.

A run is believed only where computing it again gives the very same tree: a
commit that was squashed, amended or resolved by hand also holds what the owner
did.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from skills_engine.errors import SkillsError
from skills_engine.graft.fold import fold
from skills_engine.graft.intent import Goal
from skills_engine.graft.merge3 import merge_trees
from skills_engine.manifest import CORE, FOLDER, read_core, read_pins
from skills_engine.tree import Tree
from skills_engine.types import result

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skills_engine.graft.fork import Fork
    from skills_engine.merge import LineMerge

__all__ = ["EngineRun", "last_run"]


@dataclass(frozen=True, slots=True)
class EngineRun:
    """Commits of the engine, one on the other, with nothing of the owner's between: what they led
    from, and to.

    `after = merge3(base=graft, ours=before, theirs=the graft that the last of them records)`;
    `goal` is what the fork was before them, and `graft` that goal's graft.
    """

    goal: Goal
    graft: str
    before: str
    after: str


def last_run(fork: Fork, graft: str, lines: LineMerge) -> EngineRun | None:
    """The engine's last commits, or None where there are none on this base that can be believed.

    `graft` is that of the fork as it is, on the base that it records.
    """
    commits = list(_engine_commits(fork))
    if not commits or commits[0].after.entry(FOLDER) != fork.tree.entry(FOLDER):
        return None
    after = commits[0].after.oid()
    for first in dict.fromkeys((commits[-1], commits[0])):
        try:
            goal = _goal_of(fork, first.before)
            graft_before = result(fold(fork.git, goal, fork.applicable)).tree
        except SkillsError:  # a package or the base is no longer there: the history says nothing
            continue
        run = EngineRun(goal, graft_before, first.before.oid(), after)
        again = merge_trees(fork.objects, run.graft, run.before, graft, lines=lines)
        if not again.conflicts and again.tree == after:
            return run
    return None


@dataclass(frozen=True, eq=False)
class _Commit:
    after: Tree
    before: Tree


def _engine_commits(fork: Fork) -> Iterator[_Commit]:
    """The last commit that changed manifests, and those before it as long as each did; none that
    changed the core.
    """
    asked = ("log", "-1", "--first-parent", "--format=%H", fork.head, "--", FOLDER)
    commit = fork.git.text_or_none(*asked)
    while commit is not None:
        parent = fork.git.commit(f"{commit}^1")
        if parent is None or fork.git.commit(f"{commit}^2") is not None:
            return
        after, before = (Tree(fork.objects, fork.git.tree_of(each)) for each in (commit, parent))
        core = after.entry(CORE)
        if core is None or core != before.entry(CORE):
            return
        if after.entry(FOLDER) == before.entry(FOLDER):  # the owner's
            return
        yield _Commit(after, before)
        commit = parent


def _goal_of(fork: Fork, tree: Tree) -> Goal:
    core, pins = read_core(tree), read_pins(tree)
    return Goal(core or fork.recorded, tuple(pins[name] for name in sorted(pins)))
