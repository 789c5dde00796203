"""After a crash: the branch says whether the operation happened, and the rest follows it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from skills_engine.git import Git, GitError
from skills_engine.transaction.journal import Journal, journal_path, read_journal
from skills_engine.transaction.lock import forget_killed, killed_since
from skills_engine.transaction.publish import finish, roll_back
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


def recover(git: Git) -> Recovered | None:
    """Bring an interrupted publication to its end or its beginning; None where there was none. The
    lock is held.
    """
    repository = git.repository
    since = killed_since(repository)
    if since is not None:
        clear_stale(repository, since)
    journal = read_journal(repository)
    done = _recover(Git(Path(journal.root)), journal) if journal is not None else None
    shutil.rmtree(repository.state / "staging", ignore_errors=True)
    journal_path(repository).with_suffix(".partial").unlink(missing_ok=True)
    forget_killed(repository)
    return done


def _recover(git: Git, journal: Journal) -> Recovered:
    """In the working tree that the journal names, which need not be the one that the caller stands
    in.
    """
    try:
        if _moved(git, journal) or not _forestalled(git, journal):
            return Recovered(journal.verb, "completed", finish(git, journal))
        roll_back(git, journal)
        return Recovered(journal.verb, "undone")
    finally:
        git.objects.close()


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
