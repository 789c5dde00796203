"""The operation log: what every operation of a fork was, what it changed, and which of them
stand.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal

from skills_engine.errors import Refused
from skills_engine.graft.fork import Fork
from skills_engine.verbs.describe import diff_of
from skills_engine.verbs.history import EngineCommit, find, operations, timeline
from skills_engine.verbs.reports import FileChange, file_changes

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["LoggedOperation", "ShownOperation", "op_diff", "op_log", "op_show"]


@dataclass(frozen=True, slots=True)
class LoggedOperation(EngineCommit):
    """An operation with the commit before it, and whether it stands: an undo or a redo only says
    of others that they do.
    """

    before: str = ""
    state: Literal["done", "undone", "superseded"] = "done"


@dataclass(frozen=True, slots=True)
class ShownOperation(LoggedOperation):
    """One of them, with the files that it changed."""

    files: tuple[FileChange, ...] = ()
    diff: str = ""


def op_log(directory: Path, limit: int = 0) -> tuple[LoggedOperation, ...]:
    """Newest first."""
    fork = Fork.open(directory)
    try:
        every = _logged(fork)
        return every[:limit] if limit else every
    finally:
        fork.close()


def op_show(directory: Path, name: str) -> ShownOperation:
    """One operation; `name` is its commit, or `@`, `@-` and so on."""
    fork = Fork.open(directory)
    try:
        wanted = find(fork.git, fork.head, name)
        logged = next(each for each in _logged(fork) if each.commit == wanted.commit)
        before, after = (fork.git.tree_of(commit) for commit in (logged.before, logged.commit))
        files, diff = file_changes(fork, before, after), diff_of(fork, before, after)
        return ShownOperation(**_fields(logged), files=files, diff=diff)
    finally:
        fork.close()


def op_diff(directory: Path, old: str | None, new: str | None) -> str:
    """What differs between the fork as one operation left it and as another did; by default, what
    the last one changed; with `old` alone, what came since.
    """
    fork = Fork.open(directory)
    try:
        to = find(fork.git, fork.head, new or "@").commit
        start = find(fork.git, fork.head, old).commit if old else f"{to}^"
        return diff_of(fork, fork.git.tree_of(start), fork.git.tree_of(to))
    finally:
        fork.close()


def _logged(fork: Fork) -> tuple[LoggedOperation, ...]:
    now = timeline(fork.git, fork.head)
    done = {each.commit for each in now.done}
    undone = {each.commit for each in now.undone}
    found = []
    for each in operations(fork.git, fork.head):
        before = fork.git.commit(f"{each.commit}^")
        if before is None:
            raise Refused(
                f"the commit before {each.title} is not in this repository",
                hint="this is a shallow clone: git fetch --unshallow",
            )
        state: Literal["done", "undone", "superseded"] = (
            "done" if each.commit in done else "undone" if each.commit in undone else "superseded"
        )
        found.append(LoggedOperation(**_fields(each), before=before, state=state))
    return tuple(found)


def _fields(operation: EngineCommit) -> dict[str, Any]:
    return {field.name: getattr(operation, field.name) for field in fields(operation)}
