"""After a crash: the branch says whether the operation happened, and the rest follows it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from skills_engine.git import Git, GitError
from skills_engine.transaction.journal import Journal, journal_path, read_journal
from skills_engine.transaction.lock import forget_killed, killed_since
from skills_engine.transaction.publish import drop, finish, roll_back, take_back
from skills_engine.transaction.stale import clear_stale

__all__ = ["Recovered", "recover"]


@dataclass(frozen=True, slots=True)
class Recovered:
    """What `recover` found and did. `kept` are files that somebody changed after the crash and that
    stay so.
    """

    verb: str
    outcome: Literal["completed", "undone"]
    kept: tuple[str, ...] = ()
    gone: str = ""
    """Where the linked worktree was that is no more: only its branch could be looked at."""


def recover(git: Git) -> Recovered | None:
    """Bring an interrupted publication to its end or its beginning; None where there was none. The
    lock is held.
    """
    repository = git.repository
    since = killed_since(repository)
    if since is not None:
        clear_stale(repository, since)
    journal = read_journal(git)
    done = _recover(git, journal) if journal is not None else None
    shutil.rmtree(repository.state / "staging", ignore_errors=True)
    journal_path(repository).with_suffix(".partial").unlink(missing_ok=True)
    forget_killed(repository)
    return done


def _recover(here: Git, journal: Journal) -> Recovered:
    """In the working tree that the journal speaks of, which need not be the one that the caller
    stands in, and may be gone.
    """
    root = Path(journal.root)
    if not root.is_dir():
        moved = _moved(here, journal) or not _forestalled(here, journal)
        drop(here, journal)
        return Recovered(journal.verb, "completed" if moved else "undone", gone=str(root))
    git = Git(root)
    try:
        if _unreadable(git, journal):
            take_back(git, journal)
            return Recovered(journal.verb, "undone")
        if _moved(git, journal) or not _forestalled(git, journal):
            return Recovered(journal.verb, "completed", finish(git, journal))
        roll_back(git, journal)
        return Recovered(journal.verb, "undone")
    finally:
        git.objects.close()


def _unreadable(git: Git, journal: Journal) -> bool:
    """Whether the branch has moved, and what it moved to was lost."""
    at = git.text_or_none("rev-parse", "--verify", "--quiet", journal.ref)
    return at == journal.new and git.commit(journal.new) is None


def _moved(git: Git, journal: Journal) -> bool:
    at = git.commit(journal.ref)
    return at is not None and at != journal.old and git.is_ancestor(journal.new, at)


def _forestalled(git: Git, journal: Journal) -> bool:
    """Whether the branch has not moved and never will.

    The `git update-ref` of a killed engine may still be about to run. It
    creates the backup ref in the same transaction, so where that exists
    already, it must fail: who creates it first decides.
    """
    try:
        git.update_refs([f"create {journal.backup} {journal.old}"], message="skills: taken back")
    except GitError:
        return not _moved(git, journal)
    return True
