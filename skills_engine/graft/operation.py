"""Every verb is one function: compute G', then new tree = merge3(base=G, ours=the owner's tree,
theirs=G').

Intent     from one goal to another, and what the commit will say
compute    the two grafts, the merge, the checks: in memory, nothing written
Computed   what would happen; `plan` shows it, `publish` makes it so
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from skills_engine.errors import Refused
from skills_engine.graft.checking import checked, with_markers
from skills_engine.graft.fold import Graft, fold
from skills_engine.graft.history import EngineRun, last_run
from skills_engine.graft.intent import CACHE, TREES, WAITING, Goal, Intent, cache_ref
from skills_engine.graft.merge3 import TreeMerge, merge_trees
from skills_engine.manifest import CORE, package_folder
from skills_engine.transaction.publish import Commit, publish
from skills_engine.tree import DIRECTORY, Entry, Tree
from skills_engine.types import Event
from skills_engine.visible import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from skills_engine.check import Finding
    from skills_engine.git import Git
    from skills_engine.graft.fork import Fork
    from skills_engine.manifest import Pin
    from skills_engine.merge import LineMerge, Merged
    from skills_engine.types import Progress

__all__ = [
    "Computed",
    "compute",
    "line_merge",
    "message",
    "networked_tests",
    "publish_computed",
    "tests_of",
]


@dataclass(frozen=True, slots=True)
class Computed:
    """What an intent would do to a fork at `head`. With conflicts or findings it must not be
    published as it is.
    """

    intent: Intent
    head: str
    head_tree: str
    graft: Graft
    wanted: Graft
    merge: TreeMerge
    findings: tuple[Finding, ...]
    since: Goal | None = None
    """What the fork was before the engine's last commits, where those were looked at: worth keeping
    in the cache.
    """

    @property
    def tree(self) -> str:
        return self.merge.tree

    @property
    def changes_nothing(self) -> bool:
        return self.tree == self.head_tree and self.intent.second_parent is None

    @property
    def clean(self) -> bool:
        return not self.merge.conflicts and not self.findings


def line_merge(git: Git, size: int = 7) -> LineMerge:
    """git's line merge, as `merge/` takes it, with markers of at least `size` characters."""

    def lines(base: bytes, ours: bytes, theirs: bytes) -> Merged:
        from skills_engine.merge import from_lines, size_for  # noqa: PLC0415

        long = size_for(base, ours, theirs, least=size)
        data, conflicts = git.merge_lines(base, ours, theirs, size=long)
        return from_lines(data, clean=conflicts == 0, size=long)

    return lines


def compute(fork: Fork, intent: Intent) -> Progress[Computed]:
    """Both grafts, the merge and the checks. Raises SkillRefused when an operation finds no
    place.
    """
    if intent.before is None:
        graft = Graft(fork.git.tree_of(intent.after.core.base))
    else:
        graft = yield from fold(fork.git, intent.before, fork.applicable)
    wanted = (
        graft
        if intent.before == intent.after
        else (yield from fold(fork.git, intent.after, fork.applicable))
    )
    yield Event("merge with your edits")
    known = (
        intent.verb in {"apply", "uninstall", "upgrade"}
        and fork.core == fork.recorded
        and graft.tree != wanted.tree
    )
    run = last_run(fork, graft.tree, line_merge(fork.git)) if known else None
    merge = _merge(fork, intent, graft.tree, wanted.tree, run)
    if wanted.tree != graft.tree or intent.verb == "rebase":
        merge = replace(merge, tree=_recorded(fork, merge.tree, wanted.tree, intent.skills))
    findings: tuple[Finding, ...] = ()
    if not merge.conflicts:
        merge, findings = checked(fork, merge, intent.after.core.base)
        merge, findings = with_markers(fork, merge, graft.tree, wanted.tree, findings)
    return Computed(
        intent, fork.head, fork.tree_oid, graft, wanted, merge, findings, run.goal if run else None
    )


def _merge(fork: Fork, intent: Intent, graft: str, wanted: str, run: EngineRun | None) -> TreeMerge:
    """The owner's tree with the change from one graft to the other: by the fork's history where
    that knows it.

    What comes to a tree that the owner has edited since is not asked of the history: it may take
    for granted what the owner had then, and has not any more. Nor is a skill that was taken off
    and comes again: it comes whole, as it would anywhere, without the edits that went with it.
    """
    merge = partial(
        merge_trees,
        fork.objects,
        lines=line_merge(fork.git),
        keeping=intent.verb in {"uninstall", "upgrade"},
    )
    if run is not None and (
        intent.verb == "uninstall"
        or (run.after == fork.tree_oid and not _returns(intent, run.goal))
    ):
        then = merge(run.graft, run.before, wanted)
        if not then.conflicts:
            now = merge(run.after, fork.tree_oid, then.tree, taking_out=intent.verb == "uninstall")
            if not now.conflicts:
                return replace(
                    now, notes=(*then.notes, *now.notes), merged=(*then.merged, *now.merged)
                )
    return merge(graft, fork.tree_oid, wanted)


def _returns(intent: Intent, then: Goal) -> bool:
    """Whether a skill comes that was there then, and has been taken off since."""
    now = intent.before.names() if intent.before is not None else ()
    return any(name in then.names() and name not in now for name in intent.after.names())


def _recorded(fork: Fork, tree: str, wanted: str, skills: Iterable[Pin]) -> str:
    """The merged tree with what no side of the merge has: the core that the fork stands on after a
    pull by hand, and a package that is the fork's own and whose edits were not committed.
    """
    out = Tree(fork.objects, tree)
    for pin in skills:
        if pin.source.kind == "fork" and out.exists(pin.path):
            out.put(package_folder(out, pin.name), Entry(DIRECTORY, pin.package))
    out.put(CORE, Tree(fork.objects, wanted).entry(CORE))
    return out.oid()


def tests_of(fork: Fork, computed: Computed) -> tuple[str, ...]:
    """The tests that the skills of the new goal bring, as far as the merged tree has them."""
    tree = Tree(fork.objects, computed.tree)
    tests = {
        path
        for pin in computed.intent.after.pins
        if (manifest := fork.pinned(pin).manifest) is not None
        for path in manifest.tests
        if tree.exists(path)
    }
    return tuple(sorted(tests))


def networked_tests(fork: Fork, pins: Iterable[Pin]) -> frozenset[str]:
    """The tests whose packages declare that they need the network."""
    manifests = (fork.pinned(pin).manifest for pin in pins)
    return frozenset(
        path for found in manifests if found and found.tests_network for path in found.tests
    )


def message(intent: Intent, before: str, after: str) -> str:
    """The commit message: a title, and trailers that `git log --format=%(trailers)` and `skills
    log` read. The trees tell what an amended commit holds beside the operation.
    """
    trailers = [f"Skills-Operation: {intent.verb}", f"{TREES}: {before} {after}"]
    trailers += [f"{key}: {value}" for key, value in intent.trailers]
    for pin in intent.skills:
        trailers += [
            f"Skill: {pin.name}",
            f"Skill-Version: {pin.version}",
            f"Skill-Digest: {pin.digest}",
        ]
    return one_line(intent.title) + "\n\n" + "\n".join(trailers) + "\n"


def publish_computed(fork: Fork, computed: Computed) -> str | None:
    """Make it so; the new commit, or None when there was nothing to do. The caller holds the
    lock.
    """
    if computed.changes_nothing:
        return None
    if not computed.clean:
        raise Refused("what was computed has conflicts and cannot be published")
    fork.git.identity()
    parents, head_tree = [computed.head], computed.head_tree
    if fork.begun is not None:
        core = fork.recorded
        began = Intent("init", f"Follow {core.upstream} ({core.branch})", None, Goal(core, ()))
        fork.objects.flush(fork.tree_oid)
        first = message(began, head_tree, fork.tree_oid)
        parents = [fork.git.commit_tree(fork.tree_oid, parents, first)]
        head_tree = fork.begun
    second = computed.intent.second_parent
    if second is not None and not fork.git.is_ancestor(second, computed.head):
        parents.append(second)
    commit = Commit(
        computed.intent.verb,
        computed.head,
        head_tree,
        computed.tree,
        tuple(parents),
        message(computed.intent, head_tree, computed.tree),
        tuple(_cache_lines(fork, computed)),
        named=(computed.wanted.tree,),
        taking_out=computed.intent.verb == "uninstall",
    )
    return publish(fork.git, commit, lines=line_merge(fork.git))


def _cache_lines(fork: Fork, computed: Computed) -> list[str]:
    """The new graft is kept under its ref, and those that the next operation will look at; others
    go.
    """
    new, *others = (
        cache_ref(fork.git.tree_of(goal.core.base), goal)
        for goal in (computed.intent.after, computed.intent.before, computed.since)
        if goal is not None
    )
    listed = fork.git.run("for-each-ref", "--format=%(refname)", CACHE, WAITING)
    there = listed.decode().split()
    return [
        *(f"delete {ref}" for ref in there if ref not in {new, *others}),
        f"update {new} {computed.wanted.tree}",
    ]
