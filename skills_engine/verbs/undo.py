"""`undo`, `redo` and `op restore`: ways from one state of the fork to another along its operations.

A way takes operations back, newest first, and does others again; each step is a merge of what the
operation changed into the tree as it is, so that what was edited since stays. The whole is one
commit: history only grows, and nothing that was pushed has to be forced.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from skills_engine.errors import Refused
from skills_engine.graft.checking import checked
from skills_engine.graft.fold import fold
from skills_engine.graft.intent import Goal, Intent
from skills_engine.graft.merge3 import TreeMerge, merge_trees
from skills_engine.graft.operation import Computed, line_merge
from skills_engine.manifest import CORE, FOLDER, read_core, read_pins
from skills_engine.resolve.ladder import climb
from skills_engine.tree import Tree
from skills_engine.types import Event
from skills_engine.verbs.history import REDOES, UNDOES, EngineCommit, find, timeline
from skills_engine.verbs.running import locked, settle

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from skills_engine.check import Finding
    from skills_engine.graft.fork import Fork
    from skills_engine.types import Progress
    from skills_engine.verbs.reports import ChangeReport, Options

__all__ = ["WAYS", "recomputed", "redo", "restore", "undo"]

WAYS = ("undo", "redo", "restore")
_RESTORES = "Skills-Restores"
_Words = tuple[str, str, tuple[tuple[str, str], ...]]
"""Verb, title and trailers of a way's commit."""

_MOVES_THE_CORE = ("rebase", *WAYS)
"""The others write down what a pull by hand had changed: that stays so when they are undone."""


def undo(directory: Path, options: Options) -> Progress[ChangeReport]:
    """A commit that takes the last operation away that stands; what was edited since stays."""
    return (yield from _walked(directory, "undo", _taken_back, options))


def redo(directory: Path, options: Options) -> Progress[ChangeReport]:
    """A commit that does again what the last undo took away."""
    return (yield from _walked(directory, "redo", _done_again, options))


def restore(directory: Path, operation: str, options: Options) -> Progress[ChangeReport]:
    """A commit that leaves the fork as an operation left it, but for the owner's own edits."""

    def way(fork: Fork) -> Progress[Computed]:
        return _restored(fork, find(fork.git, fork.head, operation).commit)

    return (yield from _walked(directory, "restore", way, options))


def recomputed(fork: Fork, intent: Intent) -> Progress[Computed]:
    """A way that stopped, on a HEAD that has moved since."""
    if intent.verb == "restore":
        return (yield from _restored(fork, dict(intent.trailers)[_RESTORES]))
    return (yield from (_done_again if intent.verb == "redo" else _taken_back)(fork))


def _walked(
    directory: Path, verb: str, way: Callable[[Fork], Progress[Computed]], options: Options
) -> Progress[ChangeReport]:
    def work(fork: Fork) -> Progress[ChangeReport]:
        computed = yield from way(fork)
        computed = yield from climb(fork, computed, assistant=not options.dry_run)
        return (yield from settle(fork, computed, options))

    return (yield from locked(directory, verb, work, options))


def _taken_back(fork: Fork) -> Progress[Computed]:
    """The last operation whose taking back changes something: what plain git has taken back
    already (`git revert`) does not stand any more.
    """
    for last in reversed(timeline(fork.git, fork.head).done):
        yield Event(f"take back: {last.title}")
        words = ("undo", f"Undo: {last.plain}", ((UNDOES, last.commit),))
        computed = yield from _way(fork, words, back=(last,))
        if _does_something(computed):
            return computed
    raise Refused(
        "there is no operation to undo", hint=fork.git.how_to_get_more("see: skills op log")
    )


def _done_again(fork: Fork) -> Progress[Computed]:
    for last in reversed(timeline(fork.git, fork.head).undone):
        yield Event(f"do again: {last.title}")
        words = ("redo", f"Redo: {last.plain}", ((REDOES, last.commit),))
        computed = yield from _way(fork, words, forth=(last,))
        if _does_something(computed):
            return computed
    raise Refused(
        "there is nothing to redo: since the last undo an operation was done anew, or none was "
        "undone",
        hint=fork.git.how_to_get_more(
            "see: skills op log; skills op restore goes back to any of them"
        ),
    )


def _does_something(computed: Computed) -> bool:
    return not computed.changes_nothing or bool(computed.merge.conflicts)


def _restored(fork: Fork, commit: str) -> Progress[Computed]:
    now, then = (timeline(fork.git, head).done for head in (fork.head, commit))
    here, there = ({each.commit for each in side} for side in (now, then))
    named = find(fork.git, fork.head, commit)
    yield Event(f"go back to: {named.title}")
    title = f"Restore: {named.plain} [{commit[:12]}]"
    words = ("restore", title, ((_RESTORES, commit),))
    back = tuple(each for each in reversed(now) if each.commit not in there)
    forth = tuple(each for each in then if each.commit not in here)
    computed = yield from _way(fork, words, back=back, forth=forth)
    wanted = read_pins(Tree(fork.objects, fork.git.tree_of(commit)))
    got = {pin.name: pin for pin in computed.intent.after.pins}
    differ = sorted(name for name in {*wanted, *got} if wanted.get(name) != got.get(name))
    if differ and not computed.merge.conflicts:
        raise Refused(
            f"{', '.join(differ)} came, went or changed since by no operation of this history, "
            "but by plain git (a squash, a revert)",
            hint="bring that about first: skills apply, skills upgrade or skills uninstall",
        )
    return computed


def _way(
    fork: Fork,
    words: _Words,
    *,
    back: tuple[EngineCommit, ...] = (),
    forth: tuple[EngineCommit, ...] = (),
) -> Progress[Computed]:
    """Along operations that are taken back, and others that are done again."""
    steps: list[tuple[EngineCommit, Tree, Tree]] = []
    for each in back:
        before, after = _sides(fork, each)
        steps.append((each, after, before))
    steps += [(each, *_sides(fork, each)) for each in forth]
    whole, old = TreeMerge(fork.tree_oid), fork.tree
    for number, (each, base, theirs) in enumerate(steps, 1):
        lines = line_merge(fork.git)
        merge = merge_trees(fork.objects, base.oid(), whole.tree, theirs.oid(), lines=lines)
        if merge.conflicts and number < len(steps):
            raise Refused(
                f"{each.title} cannot be gone past together with the others: it stops at a "
                f"conflict in {', '.join(merge.conflicts[0].paths)}",
                hint="go one step at a time: skills undo",
            )
        notes, merged = (*whole.notes, *merge.notes), (*whole.merged, *merge.merged)
        whole, old = replace(merge, notes=notes, merged=merged), theirs
    if read_core(old) is None:
        raise Refused(
            f"{steps[-1][0].title} began the management of this fork",
            hint=f"to end it: git rm -r manifests, or git revert {steps[-1][0].commit[:12]}",
        )
    unclear = any(path.startswith(f"{FOLDER}/") for each in whole.conflicts for path in each.paths)
    left = old if unclear else Tree(fork.objects, whole.tree)
    core, pins = read_core(left) or fork.recorded, read_pins(left)
    goal = Goal(core, tuple(pins[name] for name in sorted(pins)))
    now = Goal(fork.recorded, tuple(fork.pins[name] for name in sorted(fork.pins)))
    changed = {*goal.pins} ^ {*now.pins}
    skills = tuple(sorted({pin.name: pin for pin in changed}.values(), key=lambda pin: pin.name))
    verb, title, trailers = words
    wish = Intent(verb, title, now, goal, skills, trailers=trailers)
    wanted = yield from fold(fork.git, goal, fork.applicable)
    graft = yield from fold(fork.git, now, fork.applicable)
    findings: tuple[Finding, ...] = ()
    if not whole.conflicts:
        whole, findings = checked(fork, whole, core.base)
    return Computed(wish, fork.head, fork.tree_oid, graft, wanted, whole, findings)


def _sides(fork: Fork, operation: EngineCommit) -> tuple[Tree, Tree]:
    """The tree before an operation, and the one after it. An amended commit holds more than that:
    the rest is the owner's.
    """
    oids = [fork.git.tree_of(f"{operation.commit}{parent}") for parent in ("^", "")]
    if operation.trees[:1] == tuple(oids[:1]) and operation.trees != tuple(oids):
        oids[1] = operation.trees[-1]
        if not fork.objects.has(oids[1]):
            raise Refused(
                f"{operation.title} was amended since, and this clone does not have what it was",
                hint="skills uninstall takes a skill off and leaves what is yours",
            )
    before, after = (Tree(fork.objects, oid) for oid in oids)
    if operation.verb not in _MOVES_THE_CORE and before.exists(CORE):
        before.put(CORE, after.entry(CORE))
    return before, after
