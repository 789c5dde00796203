"""Everything of a fork that an operation must leave alone, or change as a whole."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

from harness.repos import Repo

__all__ = ["State", "state"]


@dataclass(frozen=True)
class State:
    """HEAD, branches, index and working tree of a fork. Two of them are equal when nothing that
    counts differs.
    """

    head: tuple[str, str]
    """What HEAD names, and the commit that it is at."""
    refs: tuple[str, ...]
    """Branches and tags; the engine's own refs and those of remotes are no part of the fork."""
    index: tuple[str, ...]
    status: str
    files: dict[str, tuple[int, bytes]]
    """Mode and bytes (of a link: where it points) of everything outside `.git`; folders end in a
    slash.
    """

    def differences(self, other: State) -> list[str]:
        """What differs, by name, for the message of a failed test."""
        found = [
            f.name
            for f in fields(self)
            if f.name != "files" and getattr(self, f.name) != getattr(other, f.name)
        ]
        paths = self.files.keys() | other.files.keys()
        return found + sorted(
            path for path in paths if self.files.get(path) != other.files.get(path)
        )


def state(repo: Repo) -> State:
    """Look at a fork without changing it (`git status` writes no index)."""
    listed = repo.git(
        "for-each-ref", "--format=%(refname) %(objectname)", "refs/heads", "refs/tags"
    )
    return State(
        (
            repo.git("symbolic-ref", "-q", "HEAD", ok=(0, 1)),
            repo.git("rev-parse", "-q", "--verify", "HEAD", ok=(0, 1)),
        ),
        tuple(listed.splitlines()),
        tuple(repo.git("ls-files", "-s", "-z").split("\0")),
        repo.git(
            "--no-optional-locks",
            "status",
            "--porcelain",
            "-z",
            "--untracked-files=all",
            "--ignored",
        ),
        dict(_files(repo.path, repo.path)),
    )


def _files(folder: Path, root: Path) -> Iterator[tuple[str, tuple[int, bytes]]]:
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        path = Path(entry.path)
        if path == root / ".git":
            continue
        name = path.relative_to(root).as_posix()
        mode = entry.stat(follow_symlinks=False).st_mode
        if stat.S_ISLNK(mode):
            yield name, (stat.S_IFLNK, os.fsencode(path.readlink()))
        elif stat.S_ISDIR(mode):
            yield name + "/", (mode, b"")
            yield from _files(path, root)
        else:
            yield name, (mode, path.read_bytes())
