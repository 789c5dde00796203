"""What the fork's own history says about a skill that is taken off: the trees after and before it was applied.

Where an owner's edits touch what a skill wrote, the graft alone cannot say how
the owner's file read before; the commit that applied the skill can. It is
believed only where computing it again gives the very same tree: a commit that
was squashed, amended or resolved by hand also holds what the owner did.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from skills_engine.errors import SkillsError
from skills_engine.graft.fold import fold
from skills_engine.graft.intent import Goal
from skills_engine.graft.merge3 import merge_trees
from skills_engine.manifest import FOLDER, read_core, read_pins
from skills_engine.tree import Tree, difference
from skills_engine.types import result

if TYPE_CHECKING:
    from skills_engine.graft.fork import Fork
    from skills_engine.graft.intent import Intent
    from skills_engine.merge import LineMerge

__all__ = ["applied"]


def applied(fork: Fork, intent: Intent, lines: LineMerge) -> tuple[str, str] | None:
    """The trees after and before the commit that applied the skills which an uninstallation takes off, or None.

    None unless one commit applied these and no others, and no skill came or went since.
    """
    paths = [pin.path for pin in intent.skills]
    found = fork.git.text_or_none("log", "-1", "--first-parent", "--format=%H %P", fork.head, "--", *paths) or ""
    commit, *parents = found.split() or [""]
    if len(parents) != 1:
        return None
    after, before = (Tree(fork.objects, fork.git.tree_of(each)) for each in (commit, parents[0]))
    changed = [(path, was) for path, was, _ in difference(fork.objects, before.oid(), after.oid())]
    manifests = {path: was for path, was in changed if path.startswith(FOLDER + "/")}
    if manifests.keys() != set(paths) or any(manifests.values()):
        return None
    if after.entry(FOLDER) != fork.tree.entry(FOLDER):
        return None  # what came since may share what the skill wrote: a blank line, an import
    try:
        computed = _computed(fork, before, after, lines)
    except SkillsError:  # a package or the base is no longer there: the history says nothing
        return None
    return (after.oid(), before.oid()) if computed == after.oid() else None


def _computed(fork: Fork, before: Tree, after: Tree, lines: LineMerge) -> str | None:
    grafts = []
    for tree in (before, after):
        core = read_core(tree)
        if core is None:
            return None
        pins = read_pins(tree)
        goal = Goal(core, tuple(pins[name] for name in sorted(pins)))
        grafts.append(result(fold(fork.git, goal, fork.applicable)).tree)
    merge = merge_trees(fork.objects, grafts[0], before.oid(), grafts[1], lines=lines)
    return None if merge.conflicts else merge.tree
