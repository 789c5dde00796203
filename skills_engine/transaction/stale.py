"""Leftovers of git processes that were killed with the engine: locks that nobody holds, objects
half written.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from skills_engine.git import Repository

__all__ = ["clear_locks", "clear_stale"]

_PATIENCE = 2.0
"""How long a lock must outlive the engine, in seconds. Git itself holds these for milliseconds."""

_SHARED = ("packed-refs.lock", "HEAD.lock", "config.lock", "shallow.lock")


def clear_stale(repository: Repository, since: int) -> None:
    """Remove the locks of refs and configuration, and gitdb's unfinished objects, that are younger
    than `since`.
    """
    clear_locks(repository, since)
    for path in _younger((repository.common_dir / "objects").glob("obj*"), since):
        path.unlink(missing_ok=True)


def clear_locks(repository: Repository, since: int) -> None:
    """Remove the locks that are younger than `since` and that nobody lets go: git leaves one where
    it could not remove it.

    A lock that goes by itself belonged to a process that was at work. The
    index's lock is not looked at: git run by hand may hold it as long as an
    editor is open, and the engine's own is known to the journal.
    """
    deadline = time.monotonic() + _PATIENCE
    while (locks := [*_younger(_locks(repository), since)]) and time.monotonic() < deadline:
        time.sleep(0.05)
    for path in locks:
        path.unlink(missing_ok=True)


def _locks(repository: Repository) -> Iterator[Path]:
    yield repository.git_dir / "HEAD.lock"
    yield from (repository.common_dir / name for name in _SHARED)
    yield from (repository.common_dir / "refs").rglob("*.lock")
    yield from (repository.common_dir / "worktrees").glob("conflict*/*.lock")  # the engine's own


def _younger(paths: Iterator[Path], since: int) -> Iterator[Path]:
    for path in paths:
        try:
            found = path.lstat()
        except FileNotFoundError:
            continue
        if found.st_mtime_ns >= since:
            yield path
