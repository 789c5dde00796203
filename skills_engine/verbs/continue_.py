"""`continue`: publish a stopped operation with what the owner made of its conflicts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from skills_engine.errors import Conflict, Refused
from skills_engine.graft.checking import checked
from skills_engine.graft.fold import fold
from skills_engine.graft.merge3 import TreeMerge, merge_trees
from skills_engine.graft.operation import Computed, compute, line_merge
from skills_engine.resolve import kept
from skills_engine.resolve.ladder import climb, keep
from skills_engine.resolve.pending import Pending, Waiting, load, save
from skills_engine.resolve.recorded import make
from skills_engine.transaction.scratch import write_tree
from skills_engine.tree import Tree
from skills_engine.types import Event, Stopped
from skills_engine.verbs.running import carry_out, locked, settle, told
from skills_engine.verbs.undo import WAYS, recomputed

if TYPE_CHECKING:
    from pathlib import Path

    from skills_engine.graft.fork import Fork
    from skills_engine.types import Progress
    from skills_engine.verbs.reports import ChangeReport, Options

__all__ = ["continue_", "waiting_in"]

_BOTH = "you changed it in the worktree, and HEAD's new commits changed it, too"


def continue_(directory: Path, options: Options) -> Progress[ChangeReport]:
    """Publish a stopped operation, once every conflict is decided.

    What the checks find in the resolution stops it again; `--yes` accepts
    findings, but never a file that does not parse or that holds markers. If
    HEAD has moved meanwhile, the operation is computed anew, and what was
    resolved comes along where the conflict is the same.
    """

    def work(fork: Fork) -> Progress[ChangeReport]:
        pending = waiting_in(fork)
        if pending.merged is None:
            return (yield from carry_out(fork, pending.intent, options, notes=pending.notes))
        _check_decided(fork, pending)
        yield Event("read the resolution")
        tree = write_tree(fork.git, Pending.folder(fork.repository))
        if pending.head == fork.head:
            computed = yield from _as_resolved(fork, pending, tree)
        else:
            computed = yield from _on_new_head(fork, pending, tree)
        if options.yes:
            syntax = tuple(f for f in computed.findings if f.rule == "syntax")
            computed = replace(computed, findings=syntax)
        computed = _with_records(fork, pending, computed, tree)
        return (yield from settle(fork, computed, options, notes=pending.notes, continued=pending))

    return (yield from locked(directory, "continue", work, options, pending=True))


def waiting_in(fork: Fork) -> Pending:
    """The operation that waits. Raises Refused where there is none, or where the fork's skills are
    no longer those that it started from.
    """
    pending = load(fork.repository)
    if pending is None:
        raise Refused("no operation waits: there is nothing to continue or skip")
    before = pending.intent.before
    if pending.head == fork.head and before is not None and not fork.managed:
        fork.begin(before.core)  # it began the management, and has not been published
    if pending.head != fork.head and (fork.goal if fork.managed else None) != before:
        raise Refused(
            "the fork's skills or its base changed since the operation stopped",
            hint="run: skills abort (it keeps what you resolved), then start the operation again",
        )
    return pending


def _check_decided(fork: Fork, pending: Pending) -> None:
    folder = Pending.folder(fork.repository)
    if not folder.is_dir():
        raise Refused(f"{folder} is gone", hint="run: skills abort, then start again")
    left = kept.undecided(fork, pending)
    if not left:
        return
    places = tuple(place for waiting in left for place in waiting.places)
    first = left[0]
    if len(left) > 1:
        message = f"{len(left)} files are not decided yet"
    elif first.marked:
        message = f"{first.path} still has conflict markers"
    else:
        message = f"{first.path} is not decided: {places[0].reason}"
    bare = [waiting.path for waiting in left if not waiting.marked]
    how = f"edit in {folder}" + (f" (git add or git rm {' '.join(bare)})" if bare else "")
    raise Conflict(
        message, hint=f"run: skills resolve, or {how}; then: skills continue", conflicts=places
    )


def _as_resolved(fork: Fork, pending: Pending, tree: str) -> Progress[Computed]:
    """The operation with the worktree's tree for its result."""
    intent = pending.intent
    graft = (yield from fold(fork.git, intent.before, fork.applicable)) if intent.before else None
    wanted = yield from fold(fork.git, intent.after, fork.applicable)
    merge = TreeMerge(tree, merged=tuple((path, "you") for path in pending.paths))
    merge, findings = checked(fork, merge, intent.after.core.base)
    return Computed(intent, fork.head, fork.tree_oid, graft or wanted, wanted, merge, findings)


def _on_new_head(fork: Fork, pending: Pending, tree: str) -> Progress[Computed]:
    """The operation on the HEAD that there is now, with what was resolved.

    Raises Conflict, with all of it in a new worktree, where a conflict is not the one that was
    resolved: its resolution is carried over as text, and is to be looked at.
    """
    intent, merged = pending.intent, pending.merged or ""
    computed = yield from recomputed(fork, intent) if intent.verb in WAYS else compute(fork, intent)
    computed = yield from climb(fork, computed, assistant=False)
    anew = Pending.of(fork, replace(computed, findings=()), pending.notes)
    carried = merge_trees(fork.objects, merged, tree, computed.tree, lines=line_merge(fork.git))
    known = {waiting.digest for waiting in pending.conflicts}
    torn = {path for conflict in carried.conflicts for path in conflict.paths}
    changed = [
        waiting
        for waiting in anew.conflicts
        if waiting.digest not in known or not torn.isdisjoint(waiting.paths)
    ]
    if not changed and not torn:
        merge = TreeMerge(carried.tree, merged=tuple((path, "you") for path in pending.paths))
        merge, findings = checked(fork, merge, intent.after.core.base)
        return replace(computed, merge=merge, findings=findings)
    kept.keep(fork, pending)  # should it be cut short: HEAD may go back to where it was
    raise _look_again(fork, anew, carried, tree, changed)


def _look_again(
    fork: Fork, anew: Pending, carried: TreeMerge, resolved: str, changed: list[Waiting]
) -> Conflict:
    """A new worktree for conflicts that a commit made meanwhile has changed."""
    shown, theirs = Tree(fork.objects, carried.tree), Tree(fork.objects, anew.merged or "")
    aside, notes = fork.repository.state / "aside", list(anew.notes)
    for conflict in carried.conflicts:
        for path in conflict.paths:
            text = Tree(fork.objects, resolved).read(path)
            if text is not None:
                place = aside / path
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(text)
                notes.append(f"{path}: what you made of it before is in {place}")
            shown.put(path, theirs.entry(path))
    known = {*anew.paths}
    beside = tuple(
        Waiting(path, "check", False, "", (), (Stopped(path, 1, _BOTH, "check"),))
        for conflict in carried.conflicts
        for path in conflict.paths
        if path not in known
    )
    settled = [waiting for waiting in anew.conflicts if waiting not in changed]
    anew = replace(anew, conflicts=(*anew.conflicts, *beside), notes=tuple(notes))
    save(fork, anew, shown.oid(), settled)
    places = tuple(place for waiting in (*changed, *beside) for place in waiting.places)
    return Conflict(
        f"HEAD has moved, and with it: {told(anew.intent.verb, places)}",
        hint=f"see what was carried over into {Pending.folder(fork.repository)}, then: "
        "skills continue",
        conflicts=places,
        notes=tuple(notes),
    )


def _with_records(fork: Fork, pending: Pending, computed: Computed, tree: str) -> Computed:
    """With a record of each resolution of text, to be committed with the operation."""
    stopped, resolved = Tree(fork.objects, pending.merged or ""), Tree(fork.objects, tree)
    made = [
        make(waiting.path, stopped.read(waiting.path), resolved.read(waiting.path), "you")
        for waiting in pending.conflicts
        if waiting.marked
    ]
    return keep(fork, computed, [resolution for resolution in made if resolution is not None])
