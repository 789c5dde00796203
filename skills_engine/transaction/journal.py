"""The journal: what is about to happen to the owner's checkout, on disk before it happens."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skills_engine.durable import sync_files, sync_folders
from skills_engine.errors import Refused

if TYPE_CHECKING:
    from skills_engine.git import Git, Repository

__all__ = [
    "FileSignature",
    "FileStep",
    "Journal",
    "interrupted",
    "journal_path",
    "pending_path",
    "read_journal",
    "remove_journal",
    "write_journal",
]


@dataclass(frozen=True, slots=True)
class FileSignature:
    """What tells whether a file is still the one that was looked at."""

    size: int
    mtime_ns: int
    inode: int
    mode: int

    @classmethod
    def of(cls, path: Path) -> FileSignature | None:
        try:
            found = path.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return cls(found.st_size, found.st_mtime_ns, found.st_ino, found.st_mode)

    def means(self, other: FileSignature | None) -> bool:
        """The same as `==` but for the inode: a fork that was copied or restored has others."""
        return other is not None and replace(other, inode=self.inode) == self


@dataclass(frozen=True, slots=True)
class FileStep:
    """One file of the checkout: replaced by staged file `staged`, or removed where that is None."""

    path: str
    staged: str | None
    before: FileSignature | None


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


def pending_path(repository: Repository) -> Path:
    """The note of an operation that waits for its conflicts to be decided. What is published while
    one waits is that very operation, so the note goes with the journal.
    """
    return repository.state / "pending.json"


def interrupted(repository: Repository) -> bool:
    """Whether an operation was cut short while it was being published."""
    return journal_path(repository).exists()


def write_journal(repository: Repository, journal: Journal) -> None:
    """Durably: the bytes are on disk before the name is, and the name before this returns."""
    path = journal_path(repository)
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(_relative(repository, journal)), encoding="utf-8")
    sync_files([partial])
    partial.replace(path)
    sync_folders([path.parent])


def _relative(repository: Repository, journal: Journal) -> dict[str, Any]:
    """With paths that hold when the whole repository is moved: the git directory counted from the
    common one, staging from the engine's own, and the working tree not at all. Git knows it.
    """
    found = asdict(journal)
    del found["root"]
    found["git_dir"] = os.path.relpath(journal.git_dir, repository.common_dir)
    found["staging"] = os.path.relpath(journal.staging, repository.state)
    return found


def read_journal(git: Git) -> Journal | None:
    """The journal as it holds now. `root` is where the working tree is, or was if it is gone.

    Raises Refused for one that is none of the engine's.
    """
    repository = git.repository
    path = journal_path(repository)
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        files = tuple(
            FileStep(
                _inside(step["path"]),
                None if step["staged"] is None else _inside(step["staged"]),
                FileSignature(**step["before"]) if step["before"] else None,
            )
            for step in found.pop("files")
        )
        folders = tuple(_inside(folder) for folder in found.pop("folders"))
        git_dir = Path(os.path.normpath(repository.common_dir / found.pop("git_dir")))
        staging = Path(os.path.normpath(repository.state / found.pop("staging")))
        if staging.parent != repository.state / "staging":
            raise ValueError(f"{staging} is no place for staging")
        found.pop("root", None)  # a journal of an older engine
        return Journal(
            root=str(_working_tree(git, git_dir)),
            git_dir=str(git_dir),
            staging=str(staging),
            files=files,
            folders=folders,
            **found,
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise Refused(
            f"{path} cannot be read: {error}", hint="move it away, then compare with: git reflog"
        ) from None


def _inside(path: object) -> str:
    """A path that counts from a folder and stays in it."""
    if not isinstance(path, str) or path.startswith("/") or ".." in path.split("/"):
        raise ValueError(f"{path!r} leads elsewhere")
    return path


def _working_tree(git: Git, git_dir: Path) -> Path:
    """Of a git directory: this one, the main one, or a linked one as git has it on record."""
    repository = git.repository
    if git_dir.resolve() == repository.git_dir.resolve():
        return repository.root
    if git_dir.resolve() == repository.common_dir.resolve():
        listed = git.text("worktree", "list", "--porcelain").partition("\n")[0]
        return Path(listed.removeprefix("worktree "))
    try:
        return Path((git_dir / "gitdir").read_text(encoding="utf-8").strip()).parent
    except OSError:
        return git_dir / "gone"


def remove_journal(repository: Repository) -> None:
    """What it speaks of must be on the disk."""
    journal_path(repository).unlink(missing_ok=True)
    sync_folders([repository.state])
