"""Programs that run from a checkout: what they leave word of, and what a change means for them.

A program that wants to be told of holds the lock `in-use/<name>.lock` in the state directory, and
has beside it `<name>.json`: `what` it is, what to `do` for it to have new code, and, if it can be
had so, the command that does (`restart`).
"""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

from skills_engine.types import Event

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from skills_engine.git import Repository
    from skills_engine.types import Progress

__all__ = ["tell"]

_SECONDS = 120


def tell(repository: Repository, *, restart: bool) -> Progress[tuple[str, ...]]:
    """What to do about each program that runs with the code of before; with `restart` it is done
    for those that say how.
    """
    said = []
    for program in _running(repository.state / "in-use"):
        what, command = program.get("what", "a program"), program.get("restart")
        if not (restart and isinstance(command, list) and command):
            said.append(f"{what} runs with the code of before: {program.get('do', 'restart it')}")
            continue
        yield Event(f"restart {what}")
        said.append(f"{what} {_restarted([str(word) for word in command], repository.root)}")
    return tuple(said)


def _restarted(command: list[str], folder: Path) -> str:
    shown = " ".join(command)
    try:
        ended = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, check=False, timeout=_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"was not restarted ({shown}): {error}"
    if ended.returncode:
        return f"was not restarted ({shown}): {(ended.stderr or ended.stdout).strip()[:300]}"
    return f"was restarted: {shown}"


def _running(folder: Path) -> Iterator[dict[str, object]]:
    """What lives; the words of those that were killed are removed."""
    from filelock import FileLock, Timeout  # noqa: PLC0415  (50 ms, and few have such programs)

    for file in sorted(folder.glob("*.json")) if folder.is_dir() else ():
        lock = file.with_suffix(".lock")
        try:
            with FileLock(lock, timeout=0):
                file.unlink(missing_ok=True)
                lock.unlink(missing_ok=True)
        except Timeout:
            try:
                found = json.loads(file.read_text("utf-8"))
            except (OSError, ValueError):  # it is at its end just now
                continue
            if isinstance(found, dict):
                yield found
        except OSError:
            continue
