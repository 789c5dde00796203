"""The one step in which an operation becomes the fork.

The order is what makes a crash harmless, and a full disk: everything is
complete in staging, then the journal is written, room is made, git's index is
locked, and the branch is moved by compare-and-swap. That move is the commit
point. What follows are renames, which `recover` finishes if they were cut short.
"""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from skills_engine.durable import sync_files, sync_folders, sync_tree
from skills_engine.errors import Refused, Stale
from skills_engine.git import BACKUPS, GitError
from skills_engine.transaction.journal import (
    FileSignature,
    Journal,
    pending_path,
    remove_journal,
    write_journal,
)
from skills_engine.transaction.place import missing_folders, place_files, prepare, restore
from skills_engine.transaction.staging import stage
from skills_engine.transaction.stale import clear_locks
from skills_engine.transaction.worktree import check_quiet, targets

if TYPE_CHECKING:
    from skills_engine.git import Git
    from skills_engine.merge import LineMerge

__all__ = ["Commit", "drop", "finish", "publish", "roll_back", "take_back"]

_KEPT_BACKUPS = 20
_OLD_INDEX = "index.old"


@dataclass(frozen=True, slots=True)
class Commit:
    """What is to be published on top of HEAD at `head`."""

    verb: str
    head: str
    head_tree: str
    tree: str
    parents: tuple[str, ...]
    message: str
    refs: tuple[str, ...] = ()
    """Further `update-ref --stdin` lines that belong to the same transaction."""
    named: tuple[str, ...] = ()
    """The objects that those lines name."""
    taking_out: bool = False
    """Whether what goes is cut out of uncommitted edits where it stands unchanged, as an
    uninstallation does.
    """


def publish(git: Git, commit: Commit, *, lines: LineMerge) -> str:
    """Make the commit and bring branch, index and working tree to it; its id.

    The caller holds the lock. Raises Refused or Stale, with everything as it
    was, when the checkout cannot take it. Uncommitted edits and untracked
    files are kept.
    """
    repository = git.repository
    check_quiet(repository)
    index = FileSignature.of(repository.git_dir / "index")
    wanted = targets(git, commit.head_tree, commit.tree, lines=lines, taking_out=commit.taking_out)
    staging = repository.state / "staging" / os.urandom(16).hex()
    try:
        files = [
            entry.oid
            for target in wanted
            for entry in (target.index, target.file)
            if entry is not None
        ]
        git.objects.flush(commit.tree, *commit.named, *files)
        steps = stage(git, staging, wanted)
        sync_tree(staging)
        new = git.commit_tree(
            commit.tree, commit.parents, commit.message, sign=git.settings.is_on("commit.gpgSign")
        )
        objects = repository.common_dir / "objects"
        sync_files(objects / oid[:2] / oid[2:] for oid in (new, *files))  # git syncs no folders
        backup = f"{BACKUPS}{time.time_ns() // 1_000_000}-{commit.verb}"
        journal = Journal(
            commit.verb,
            str(repository.root),
            str(repository.git_dir),
            git.branch() or "HEAD",
            commit.head,
            new,
            str(staging),
            backup,
            missing_folders(repository.root, wanted),
            steps,
        )
        write_journal(repository, journal)
        try:
            prepare(journal)
            _lock_index(journal)
            _check_unmoved(git, journal, index)
            _move_branch(git, commit, journal)
        except BaseException:
            _back(git, journal)
            raise
    except OSError as error:
        shutil.rmtree(staging, ignore_errors=True)
        raise Refused(
            f"nothing was changed: {error.strerror}: {error.filename or repository.state}"
        ) from None
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    try:
        changed = place_files(journal)
        if not changed:
            _place_index(journal)
            _wait_no_more(git)
    except OSError as error:
        take_back(git, journal)
        where = error.filename or repository.git_dir  # a sync names no file
        raise Refused(f"nothing was changed: {error.strerror}: {where}") from None
    if changed:
        take_back(git, journal)
        raise Stale(
            f"{changed[0]} was changed while the operation was at work", hint="run it again"
        )
    _forget(git, journal)
    return new


def finish(git: Git, journal: Journal) -> tuple[str, ...]:
    """Roll forward: the branch has moved. Paths that the owner changed meanwhile stay, and are
    returned.
    """
    kept = place_files(journal, later=True)
    _place_index(journal)
    _wait_no_more(git)
    _forget(git, journal)
    return kept


def roll_back(git: Git, journal: Journal) -> None:
    """The branch is where it was: files that were replaced (few if any) come back, and our own
    traces go.
    """
    restore(journal)
    _unlock_index(journal)
    _forget(git, journal)


def take_back(git: Git, journal: Journal) -> None:
    """The branch goes back to where it was, and everything with it."""
    back = f"update {journal.ref} {journal.old} {journal.new}"
    git.update_refs([*_no_deref(journal), back], message="skills: taken back")
    roll_back(git, journal)


def _back(git: Git, journal: Journal) -> None:
    """To before, whichever side of the commit point it failed on: what fails once the branch has
    moved (its folders cannot be synced) is no failure to move it.
    """
    if git.text_or_none("rev-parse", "--verify", "--quiet", journal.ref) == journal.new:
        take_back(git, journal)
    else:
        roll_back(git, journal)


def drop(git: Git, journal: Journal) -> None:
    """The working tree is gone: there is nothing to bring to anywhere, and nothing to keep."""
    _unlock_index(journal)
    _forget(git, journal)


def _forget(git: Git, journal: Journal) -> None:
    """The journal first: while it is there, staging is whole."""
    remove_journal(git.repository)
    shutil.rmtree(journal.staging, ignore_errors=True)


def _wait_no_more(git: Git) -> None:
    """While the journal is there: killed in between, what was published is not taken for what
    waits.
    """
    pending_path(git.repository).unlink(missing_ok=True)


def _place_index(journal: Journal) -> None:
    lock, new = Path(journal.git_dir) / "index.lock", Path(journal.staging) / "index"
    if _same_file(lock, new):
        lock.replace(Path(journal.git_dir) / "index")
        sync_folders([lock.parent])


def _move_branch(git: Git, commit: Commit, journal: Journal) -> None:
    commands = [f"create {journal.backup} {commit.head}", *commit.refs, *_old_backups(git)]
    commands += [*_no_deref(journal), f"update {journal.ref} {journal.new} {commit.head}"]
    since = time.time_ns()
    try:
        git.update_refs(commands, message=commit.message.partition("\n")[0])
        _sync_refs(git, journal)
        clear_locks(git.repository, since)
    except GitError as error:
        if git.commit(journal.ref) == journal.new:
            # it is done, and what git could not do then (a reflog on a full disk) is not needed
            return
        if git.head() != commit.head:
            raise Stale(
                "HEAD moved while the operation was computed", hint="run it again"
            ) from None
        raise error from None


def _sync_refs(git: Git, journal: Journal) -> None:
    """git syncs the files of refs, and not the folders that name them."""
    common = git.repository.common_dir
    refs = [common / journal.ref, common / journal.backup]
    sync_folders(folder for ref in refs for folder in ref.parents if folder.is_relative_to(common))


def _no_deref(journal: Journal) -> list[str]:
    return ["option no-deref"] if journal.ref == "HEAD" else []


def _old_backups(git: Git) -> list[str]:
    refs = git.run("for-each-ref", "--format=%(refname)", BACKUPS).decode().split()
    return [f"delete {ref}" for ref in sorted(refs)[: -(_KEPT_BACKUPS - 1)]]


def _lock_index(journal: Journal) -> None:
    """Git's own protocol: the new index is `index.lock`, and whoever cannot create that must
    wait.
    """
    lock, new = Path(journal.git_dir) / "index.lock", Path(journal.staging) / "index"
    index = Path(journal.git_dir) / "index"
    try:
        os.link(new, lock)
        if index.exists():
            os.link(index, new.with_name(_OLD_INDEX))
            sync_folders([new.parent])
    except FileExistsError:
        raise Refused(
            f"{lock} exists: another git process is at work, or one was killed",
            hint="wait for it, or remove that file if no git is running",
        ) from None


def _check_unmoved(git: Git, journal: Journal, index: FileSignature | None) -> None:
    """Raises Stale when git was used since the index was copied. Now it is locked: no more staging,
    no switching.
    """
    if (
        FileSignature.of(Path(journal.git_dir) / "index") != index
        or (git.branch() or "HEAD") != journal.ref
    ):
        raise Stale(
            "git was used in this repository while the operation was at work", hint="run it again"
        )


def _unlock_index(journal: Journal) -> None:
    """The lock goes, or, where it has become the index, the index comes back."""
    folder, staging = Path(journal.git_dir), Path(journal.staging)
    lock, index, old = folder / "index.lock", folder / "index", staging / _OLD_INDEX
    if _same_file(lock, staging / "index"):
        lock.unlink()
    elif old.exists() and _same_file(index, staging / "index"):
        old.replace(index)


def _same_file(one: Path, other: Path) -> bool:
    """By its inode, or its bytes: in a copy of a fork, a file with two names has become two."""
    if not (one.exists() and other.exists()):
        return False
    return one.samefile(other) or one.read_bytes() == other.read_bytes()
