"""`undo`: one step back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skills_engine.errors import Refused
from skills_engine.graft.checking import checked
from skills_engine.graft.fold import fold
from skills_engine.graft.intent import Goal, Intent
from skills_engine.graft.merge3 import merge_trees
from skills_engine.graft.operation import Computed, line_merge
from skills_engine.manifest import CORE, read_core, read_pins
from skills_engine.resolve.ladder import climb
from skills_engine.tree import Tree
from skills_engine.types import Event
from skills_engine.verbs.history import operations
from skills_engine.verbs.running import locked, settle

if TYPE_CHECKING:
    from pathlib import Path

    from skills_engine.check import Finding
    from skills_engine.graft.fork import Fork
    from skills_engine.types import Progress
    from skills_engine.verbs.reports import ChangeReport, Options

__all__ = ["taken_back", "undo"]


def undo(directory: Path, options: Options) -> Progress[ChangeReport]:
    """A commit that takes the last operation away; what was edited since stays.

    History only grows: nothing that was pushed has to be forced. Undo after undo does it again.
    """

    def work(fork: Fork) -> Progress[ChangeReport]:
        computed = yield from taken_back(fork)
        computed = yield from climb(fork, computed, assistant=not options.dry_run)
        return (yield from settle(fork, computed, options))

    return (yield from locked(directory, "undo", work, options))


def taken_back(fork: Fork) -> Progress[Computed]:
    """The fork without its last operation."""
    last = next(iter(operations(fork.git, fork.head, limit=1)), None)
    if last is None:
        raise Refused("there is no operation to undo")
    yield Event(f"take back: {last.title}")
    before, after = fork.git.tree_of(f"{last.commit}^"), fork.git.tree_of(last.commit)
    old = Tree(fork.objects, before)
    core = read_core(old)
    if core is None:
        raise Refused(
            f"{last.title} began the management of this fork",
            hint=f"to end it: git rm -r manifests, or git revert {last.commit[:12]}",
        )
    if last.verb not in {
        "rebase",
        "undo",
    }:  # it wrote down what a pull by hand had changed: that stays so
        old.put(CORE, Tree(fork.objects, after).entry(CORE))
        core, before = read_core(old) or core, old.oid()
    merge = merge_trees(fork.objects, after, fork.tree_oid, before, lines=line_merge(fork.git))
    pins = read_pins(old)
    goal = Goal(core, tuple(pins[name] for name in sorted(pins)))
    now = Goal(fork.recorded, tuple(fork.pins[name] for name in sorted(fork.pins)))
    changed = {*goal.pins} ^ {*now.pins}
    skills = tuple(sorted({pin.name: pin for pin in changed}.values(), key=lambda pin: pin.name))
    intent = Intent("undo", f"Undo: {last.title}", now, goal, skills)
    wanted = yield from fold(fork.git, goal, fork.applicable)
    graft = yield from fold(fork.git, now, fork.applicable)
    findings: tuple[Finding, ...] = ()
    if not merge.conflicts:
        merge, findings = checked(fork, merge, core.base)
    return Computed(intent, fork.head, fork.tree_oid, graft, wanted, merge, findings)
