"""The checks of a merged tree, and what becomes of their findings."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from skills_engine.check import Changed, Finding, check, unchecked
from skills_engine.graft.conflicts import FileConflict, enclosed, stages
from skills_engine.graft.files import GraftFiles
from skills_engine.manifest import AGENTS, SKILLS, is_manifest
from skills_engine.tree import Entry, Tree, difference

if TYPE_CHECKING:
    from skills_engine.graft.fork import Fork
    from skills_engine.graft.merge3 import TreeMerge

__all__ = ["checked", "with_markers"]


def checked(fork: Fork, merge: TreeMerge, base: str) -> tuple[TreeMerge, tuple[Finding, ...]]:
    """What is wrong with a merged tree that was wrong neither in the owner's nor in upstream's
    base; and the merge with a note of what could not be checked.
    """
    mine, theirs = fork.tree, GraftFiles(fork.git, base, Tree(fork.objects, fork.git.tree_of(base)))
    changed = []
    for path, before, after in difference(fork.objects, fork.tree_oid, merge.tree):
        if (
            is_manifest(path)
            or path.startswith((SKILLS + "/", AGENTS + "/"))
            or _not_a_file(before)
            or _not_a_file(after)
        ):
            continue
        data = fork.objects.read(after.oid) if after is not None else None
        changed.append(Changed(path, data, (mine.read(path), theirs.read(path))))
    tree = GraftFiles(fork.git, base, Tree(fork.objects, merge.tree))
    findings = check(changed, tree, theirs)
    return replace(merge, notes=(*merge.notes, *unchecked(changed))), findings


def _not_a_file(entry: Entry | None) -> bool:
    return entry is not None and not entry.is_file


def with_markers(
    fork: Fork, merge: TreeMerge, graft: str, wanted: str, findings: tuple[Finding, ...]
) -> tuple[TreeMerge, tuple[Finding, ...]]:
    """A file that both sides changed and that does not compile is a conflict between them: the
    owner sees both, not only what came of them.
    """
    both = {path for path, _ in merge.merged}
    out, conflicts = Tree(fork.objects, merge.tree), []
    trees = (Tree(fork.objects, graft), fork.tree, Tree(fork.objects, wanted))
    for finding in findings:
        path = finding.place.path
        entries = [tree.entry(path) for tree in trees]
        texts = [tree.read(path) for tree in trees]
        mine = entries[1]
        if finding.rule != "syntax" or path not in both or None in texts or mine is None:
            continue
        base, ours, theirs = (text or b"" for text in texts)
        reason = f"merged, line {finding.place.line}: {finding.message}"
        data, region = enclosed(base, ours, theirs, reason)
        out.put(path, Entry(mine.mode, fork.objects.write("blob", data)))
        conflicts.append(FileConflict(path, reason, "content", (region,), stages(path, *entries)))
    if not conflicts:
        return merge, findings
    torn = {conflict.path for conflict in conflicts}
    left = tuple(finding for finding in findings if finding.place.path not in torn)
    return replace(merge, tree=out.oid(), conflicts=tuple(conflicts)), left
