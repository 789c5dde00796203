"""Resolutions of conflicts, kept in the fork: used again only for the very same conflict.

A record is a file below `.claude/resolutions/`, named by the SHA-256 of the
path and of the file as the merge left it, with its markers: what both sides
and the base said, and all that stands around. It belongs to the owner: it is
no part of a graft, is committed with the operation that it solved, and may be
shared between forks like any file.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skills_engine.merge import has_markers, regions_in

if TYPE_CHECKING:
    from skills_engine.tree import Tree

__all__ = ["RESOLUTIONS", "Resolution", "find", "make"]

RESOLUTIONS = ".claude/resolutions"
_SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a conflicted file became. `by` is `you` or `assistant`."""

    path: str
    conflict: bytes
    resolved: bytes
    by: str

    @property
    def place(self) -> str:
        """Where its record lies."""
        return f"{RESOLUTIONS}/{_key(self.path, self.conflict)}.json"

    def render(self) -> bytes:
        found = {
            "schema": _SCHEMA,
            "path": self.path,
            "by": self.by,
            "conflict": _sha256(self.conflict),
            "regions": _regions(self.conflict),
            "resolved": self.resolved.decode("utf-8"),
        }
        text = json.dumps(found, indent=2, ensure_ascii=False) + "\n"
        return text.encode("utf-8", "backslashreplace")  # a path may be no UTF-8: JSON has \\udc..


def make(path: str, conflict: bytes | None, resolved: bytes | None, by: str) -> Resolution | None:
    """A record to keep; None for what is no text, was no conflict within a file, or is one
    still.
    """
    if conflict is None or resolved is None or not has_markers(conflict) or has_markers(resolved):
        return None
    try:
        resolved.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return Resolution(path, conflict, resolved, by)


def find(tree: Tree, path: str, conflict: bytes) -> Resolution | None:
    """The record in a tree of exactly this conflict. What cannot be read, or names other inputs, is
    none.
    """
    data = tree.read(f"{RESOLUTIONS}/{_key(path, conflict)}.json")
    try:
        found = json.loads(data) if data is not None else {}
        inputs = {
            "path": path,
            "conflict": _sha256(conflict),
            "regions": _regions(conflict),
            "schema": _SCHEMA,
        }
        if any(found.get(key) != value for key, value in inputs.items()):
            return None
        return make(path, conflict, found["resolved"].encode("utf-8"), str(found["by"]))
    except (ValueError, KeyError, AttributeError):
        return None


def _regions(conflict: bytes) -> list[dict[str, str]]:
    return [
        {
            "base": _sha256(region.base),
            "ours": _sha256(region.ours),
            "theirs": _sha256(region.theirs),
        }
        for region in regions_in(conflict)
    ]


def _key(path: str, conflict: bytes) -> str:
    return hashlib.sha256(path.encode("utf-8", "surrogateescape") + b"\0" + conflict).hexdigest()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
