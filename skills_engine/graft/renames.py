"""Renames: files that one side moved, found by the lines that they share, as git finds them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from skills_engine.lines import bare_lines
from skills_engine.manifest import is_manifest

if TYPE_CHECKING:
    from skills_engine.git import Objects
    from skills_engine.tree import Entry

__all__ = ["SIMILAR", "Changes", "renames", "similarity"]

Changes = dict[str, tuple["Entry | None", "Entry | None"]]
"""The paths that a side changed, each with its entry before and after."""

SIMILAR = 0.5
"""The similarity from which on a file is another one renamed: git's own threshold."""


def renames(objects: Objects, side: Changes, other: Changes) -> dict[str, str]:
    """From old to new path: the files that this side moved and the other side changed, moved or
    removed (the only ones for which it matters).
    """
    gone = {
        path: before
        for path, (before, after) in side.items()
        if after is None
        and before is not None
        and before.is_file
        and path in other
        and not is_manifest(path)
    }
    if not gone:
        return {}
    new = {
        path: after
        for path, (before, after) in side.items()
        if before is None and after is not None and after.is_file
    }
    found: dict[str, str] = {}
    for path, was in sorted(gone.items()):
        scores = [
            (similarity(objects, was, entry), name)
            for name, entry in new.items()
            if name not in found.values()
        ]
        score, target = max(
            scores,
            key=lambda pair: (pair[0], pair[1].rpartition("/")[2] == path.rpartition("/")[2]),
            default=(0.0, ""),
        )
        if score >= SIMILAR:
            found[path] = target
    return found


def similarity(objects: Objects, one: Entry, other: Entry) -> float:
    """The share of lines in common (Dice), like git's estimate but by whole lines."""
    if one.oid == other.oid:
        return 1.0
    a = Counter(bare_lines(objects.read(one.oid)))
    b = Counter(bare_lines(objects.read(other.oid)))
    return 2 * (a & b).total() / max(1, a.total() + b.total())
