"""The verbs for an operation that stopped: continue, skip, abort; and undo for one that did not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from skills_engine.errors import Conflict, Refused
from skills_engine.graft.fold import fold
from skills_engine.graft.intent import Goal, Intent
from skills_engine.graft.merge3 import TreeMerge, merge_trees
from skills_engine.graft.operation import Computed, findings_of, line_merge
from skills_engine.manifest import CORE, read_core, read_pins
from skills_engine.merge import has_markers
from skills_engine.resolve.ladder import climb, keep
from skills_engine.resolve.pending import Pending, drop, load
from skills_engine.resolve.recorded import make
from skills_engine.transaction.scratch import write_tree
from skills_engine.tree import Tree
from skills_engine.types import Event
from skills_engine.verbs.change import carry_out, locked, settle
from skills_engine.verbs.history import operations

if TYPE_CHECKING:
    from pathlib import Path

    from skills_engine.graft.fork import Fork
    from skills_engine.types import Progress
    from skills_engine.verbs.reports import ChangeReport, Options

__all__ = ["Aborted", "abort", "continue_", "skip", "undo"]


@dataclass(frozen=True, slots=True)
class Aborted:
    """Which operation was given up."""

    verb: str
    title: str


def continue_(directory: Path, options: Options) -> Progress[ChangeReport]:
    """Publish a stopped operation with what the owner made of its conflicts.

    What the checks find in the resolution stops it again; `--yes` accepts
    findings, but never a file that does not parse or that holds markers.
    """

    def work(fork: Fork) -> Progress[ChangeReport]:
        pending = _pending(fork)
        if pending.merged is None:
            drop(fork)
            return (yield from carry_out(fork, pending.intent, options))
        folder = Pending.folder(fork.repository)
        yield Event("read the resolution")
        tree = write_tree(fork.git, folder)
        resolved = Tree(fork.objects, tree)
        left = [path for path in pending.paths if has_markers(resolved.read(path) or b"")]
        if left:
            raise Conflict(
                f"{left[0]} still has conflict markers",
                hint=f"resolve it in {folder}, then: skills continue",
            )
        intent = pending.intent
        graft = (
            (yield from fold(fork.git, intent.before, fork.applicable)) if intent.before else None
        )
        wanted = yield from fold(fork.git, intent.after, fork.applicable)
        findings = findings_of(fork, tree, intent.after.core.base)
        if options.yes:
            findings = tuple(f for f in findings if f.rule == "syntax")
        merge = TreeMerge(tree, merged=tuple((path, "you") for path in pending.paths))
        computed = Computed(
            intent, fork.head, fork.tree_oid, graft or wanted, wanted, merge, findings
        )
        stopped = Tree(fork.objects, pending.merged)
        made = [
            make(path, stopped.read(path), resolved.read(path), "you") for path in pending.paths
        ]
        computed = keep(
            fork, computed, [resolution for resolution in made if resolution is not None]
        )
        return (yield from settle(fork, computed, options, resolving=True))

    return (yield from locked(directory, "continue", work, options, pending=True))


def skip(directory: Path, options: Options) -> Progress[ChangeReport]:
    """Go on with a stopped operation, but without the skill that stopped it (and those that need
    it).
    """

    def work(fork: Fork) -> Progress[ChangeReport]:
        pending = _pending(fork)
        names = {pending.refused} if pending.refused else _skills_at(fork, pending)
        if not names:
            raise Refused(
                "no skill takes part in this conflict: it is between your edits and upstream's",
                hint="resolve it and run skills continue, or skills abort",
            )
        names |= _dependants(fork, pending.intent.after, names)
        intent = pending.without(names)
        drop(fork)
        if intent.before == intent.after:
            raise Refused(
                f"without {', '.join(sorted(names))} nothing is left to do; the operation is "
                "given up"
            )
        note = f"left out: {', '.join(sorted(names))}"
        return (yield from carry_out(fork, intent, options, notes=(note,)))

    return (yield from locked(directory, "skip", work, options, pending=True))


def abort(directory: Path, options: Options) -> Progress[Aborted]:
    """Give up a stopped operation; the fork is as it was before it."""
    from skills_engine.graft.fork import Fork as Look  # noqa: PLC0415
    from skills_engine.transaction.lock import exclusive  # noqa: PLC0415

    fork = Look.open(directory)
    try:
        with exclusive(fork.repository, "abort", wait=options.wait):
            pending = load(fork.repository)
            if pending is None:
                raise Refused("no operation waits to be aborted")
            yield Event("remove the conflict's worktree")
            drop(fork)
            return Aborted(pending.intent.verb, pending.intent.title)
    finally:
        fork.close()


def undo(directory: Path, options: Options) -> Progress[ChangeReport]:
    """One step back: a commit that takes the last operation away, what was edited since stays.

    History only grows: nothing that was pushed has to be forced. Undo after undo does it again.
    """

    def work(fork: Fork) -> Progress[ChangeReport]:
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
        skills = tuple(
            sorted({pin.name: pin for pin in changed}.values(), key=lambda pin: pin.name)
        )
        intent = Intent("undo", f"Undo: {last.title}", now, goal, skills)
        wanted = yield from fold(fork.git, goal, fork.applicable)
        graft = yield from fold(fork.git, now, fork.applicable)
        findings = () if merge.conflicts else findings_of(fork, merge.tree, core.base)
        computed = Computed(intent, fork.head, fork.tree_oid, graft, wanted, merge, findings)
        computed = yield from climb(fork, computed, assistant=not options.dry_run)
        return (yield from settle(fork, computed, options))

    return (yield from locked(directory, "undo", work, options))


def _pending(fork: Fork) -> Pending:
    pending = load(fork.repository)
    if pending is None:
        raise Refused("no operation waits: there is nothing to continue or skip")
    if pending.head != fork.head:
        raise Refused(
            "HEAD has moved since the operation stopped, so its conflict is no longer the same",
            hint="run: skills abort, then start the operation again",
        )
    return pending


def _skills_at(fork: Fork, pending: Pending) -> set[str]:
    """The skills that come or change with this operation and that touch a path in conflict."""
    from skills_engine.package.decode import operations as decoded  # noqa: PLC0415

    names = set()
    for pin in pending.intent.skills:
        if pin not in pending.intent.after.pins:
            continue
        package = fork.pinned(pin)
        touched = set(package.manifest.adds) if package.manifest else set()
        for _, operation in decoded(package):
            touched.update(operation.touches())
        if touched.intersection(pending.paths):
            names.add(pin.name)
    return names


def _dependants(fork: Fork, goal: Goal, names: set[str]) -> set[str]:
    found: set[str] = set()
    while True:
        more = {
            pin.name
            for pin in goal.pins
            if pin.name not in names | found
            and (manifest := fork.pinned(pin).manifest) is not None
            and any(other in names | found for other, _ in manifest.depends)
        }
        if not more:
            return found
        found |= more
