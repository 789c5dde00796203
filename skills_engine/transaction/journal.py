"""What is about to happen to the owner's checkout, on disk before it happens."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from skills_engine.errors import Refused

if TYPE_CHECKING:
    from pathlib import Path

    from skills_engine.git import Repository

__all__ = [
    "FileStep",
    "Journal",
    "Signature",
    "interrupted",
    "journal_path",
    "read_journal",
    "remove_journal",
    "write_journal",
]


@dataclass(frozen=True, slots=True)
class Signature:
    """What tells whether a file is still the one that was looked at."""

    size: int
    mtime_ns: int
    inode: int
    mode: int

    @classmethod
    def of(cls, path: Path) -> Signature | None:
        try:
            found = path.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return cls(found.st_size, found.st_mtime_ns, found.st_ino, found.st_mode)


@dataclass(frozen=True, slots=True)
class FileStep:
    """One file of the checkout: replaced by staged file `staged`, or removed where that is None."""

    path: str
    staged: str | None
    before: Signature | None


@dataclass(frozen=True, slots=True)
class Journal:
    """A publication. The branch at `old`: nothing happened yet. At `new`: everything must be
    finished.
    """

    verb: str
    root: str
    git_dir: str
    ref: str
    old: str
    new: str
    staging: str
    backup: str
    """The ref that is created when the branch moves, and that keeps `old`."""
    folders: tuple[str, ...]
    """Those that are made for the files, outer ones first."""
    files: tuple[FileStep, ...]


def journal_path(repository: Repository) -> Path:
    return repository.state / "journal.json"


def interrupted(repository: Repository) -> bool:
    """Whether an operation was cut short while it was being published."""
    return journal_path(repository).exists()


def write_journal(repository: Repository, journal: Journal) -> None:
    """Durably: the bytes are on disk before the name is, and the name before this returns."""
    path = journal_path(repository)
    partial = path.with_suffix(".partial")
    with partial.open("w", encoding="utf-8") as file:
        json.dump(asdict(journal), file)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_journal(repository: Repository) -> Journal | None:
    path = journal_path(repository)
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise Refused(
            f"{path} cannot be read: {error}", hint="move it away, then compare with: git reflog"
        ) from None
    files = tuple(
        FileStep(
            step["path"], step["staged"], Signature(**step["before"]) if step["before"] else None
        )
        for step in found.pop("files")
    )
    return Journal(files=files, folders=tuple(found.pop("folders")), **found)


def remove_journal(repository: Repository) -> None:
    journal_path(repository).unlink(missing_ok=True)
