"""One operation at a time: a lock in the git directory that the system releases when its holder
dies.
"""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from skills_engine.errors import Locked, Refused

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from skills_engine.git import Repository

__all__ = ["exclusive", "forget_killed", "killed_since"]


@contextmanager
def exclusive(repository: Repository, verb: str, *, wait: bool = False) -> Iterator[None]:
    """Hold the repository's lock. Raises Locked at once when it is taken, or with `wait` takes its
    turn.
    """
    from filelock import FileLock, Timeout  # noqa: PLC0415  (50 ms, and only verbs that write pay)

    state = repository.state
    holder = state / "lock-holder.json"
    try:
        state.mkdir(exist_ok=True)
        lock = FileLock(state / "lock")
        lock.acquire(timeout=-1 if wait else 0)
    except Timeout:
        who = _describe(holder)
        raise Locked(
            f"another operation is at work in this repository{who}", hint="wait, or add --wait"
        ) from None
    except OSError as error:
        raise Refused(f"the lock {state / 'lock'} cannot be taken: {error.strerror}") from None
    try:
        if (
            holder.exists() and not _killed(repository).exists()
        ):  # its writer had no time to remove it
            holder.replace(_killed(repository))
        holder.write_text(json.dumps({"pid": os.getpid(), "verb": verb}))
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def _killed(repository: Repository) -> Path:
    return repository.state / "killed.json"


def killed_since(repository: Repository) -> int | None:
    """When the earliest operation began that was killed and not recovered, in nanoseconds; None
    without one.
    """
    try:
        return _killed(repository).stat().st_mtime_ns
    except FileNotFoundError:
        return None


def forget_killed(repository: Repository) -> None:
    _killed(repository).unlink(missing_ok=True)


def _describe(holder: os.PathLike[str]) -> str:
    try:
        with open(holder, encoding="utf-8") as file:  # noqa: PTH123
            found = json.load(file)
        return f" (skills {found['verb']}, process {found['pid']})"
    except (OSError, ValueError, KeyError):
        return ""
