"""`doctor` and `replay`: is the fork whole, and does it come out of its manifests again?"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skills_engine.errors import Refused, SkillsError
from skills_engine.git import Git
from skills_engine.graft.fold import fold
from skills_engine.graft.fork import Fork
from skills_engine.resolve.pending import clean, load
from skills_engine.transaction.lock import exclusive
from skills_engine.transaction.recover import Recovered, recover
from skills_engine.transaction.scratch import scratch
from skills_engine.types import Event
from skills_engine.verbs.reports import FileChange, file_changes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from skills_engine.types import Progress

__all__ = ["Check", "Diagnosis", "Replayed", "doctor", "replay"]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that a fork relies on: whether it is so, what was found, and what to do if it is
    not.
    """

    name: str
    ok: bool
    found: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What `doctor` recovered, and every check."""

    recovered: Recovered | None
    checks: tuple[Check, ...]

    @property
    def well(self) -> bool:
        return all(check.ok for check in self.checks)


@dataclass(frozen=True, slots=True)
class Replayed:
    """The graft that the manifests give, and the owner's edits: what HEAD has beyond it."""

    graft: str
    skills: tuple[str, ...]
    edits: tuple[FileChange, ...]
    into: str | None


def doctor(directory: Path, *, wait: bool = False) -> Progress[Diagnosis]:
    """Finish or take back what a crash cut short, then check everything that the fork relies on."""
    git = Git(directory)
    repository = git.repository
    with exclusive(repository, "doctor", wait=wait):
        yield Event("look for interrupted operations")
        recovered = recover(git)
        shutil.rmtree(repository.state / "scratch", ignore_errors=True)
        clean(git)
    git.objects.close()
    fork = Fork.open(directory)
    try:
        checks = []
        for name, check in _CHECKS.items():
            yield Event(f"check {name}")
            try:
                checks.append(Check(name, ok=True, found=check(fork)))
            except SkillsError as error:
                checks.append(Check(name, ok=False, found=error.message, hint=error.hint))
        return Diagnosis(recovered, tuple(checks))
    finally:
        fork.close()


def _identity(fork: Fork) -> str:
    who = fork.git.identity()
    return f"{who.name} <{who.email}>"


def _core(fork: Fork) -> str:
    core = fork.recorded
    if fork.git.commit(core.base) is None:
        raise Refused(
            f"the base {core.base[:12]} is not in this repository",
            hint=f"run: git fetch {fork.remote or core.upstream}",
        )
    return f"core {core.version} at {core.base[:12]}"


def _upstream(fork: Fork) -> str:
    if fork.remote is None:
        raise Refused(
            f"no remote is {fork.recorded.upstream}",
            hint=f"run: git remote add upstream {fork.recorded.upstream}",
        )
    return f"{fork.remote} is {fork.recorded.upstream}"


def _packages(fork: Fork) -> str:
    for pin in fork.pins.values():
        fork.pinned(pin)
    return f"{len(fork.pins)} skills, each with its package as it was applied"


def _graft(fork: Fork) -> str:
    from skills_engine.types import result  # noqa: PLC0415

    return f"the manifests give {result(fold(fork.git, fork.goal, fork.applicable)).tree[:12]}"


def _waiting(fork: Fork) -> str:
    pending = load(fork.repository)
    if pending is not None:
        raise Refused(
            f"{pending.intent.title} waits: {pending.reason}", hint="skills continue, skip or abort"
        )
    return "nothing waits"


def _history(fork: Fork) -> str:
    if fork.repository.shallow:
        raise Refused(
            "this is a shallow clone: renames and older packages cannot be looked up",
            hint="git fetch --unshallow",
        )
    return "complete"


_CHECKS: dict[str, Callable[[Fork], str]] = {
    "identity": _identity,
    "base": _core,
    "upstream": _upstream,
    "packages": _packages,
    "graft": _graft,
    "operations": _waiting,
    "history": _history,
}


def replay(directory: Path, into: Path | None) -> Progress[Replayed]:
    """Fold the manifests again, without the cache, and compare. `into` gets the graft's files; it
    must be new or empty.

    Raises Refused when the cached graft differs, which means that the engine is not the one that
    made it.
    """
    fork = Fork.open(directory)
    try:
        goal = fork.goal
        fresh = yield from fold(fork.git, goal, fork.applicable, cached=False)
        known = yield from fold(fork.git, goal, fork.applicable)
        if fresh.tree != known.tree:
            raise Refused(
                f"the manifests give {fresh.tree[:12]}, and they gave {known.tree[:12]} before"
            )
        if into is not None:
            if into.exists() and any(into.iterdir()):
                raise Refused(f"{into} is not empty", hint="name a new directory")
            yield Event(f"write {into}")
            with scratch(fork.git, fresh.tree) as folder:
                into.parent.mkdir(parents=True, exist_ok=True)
                shutil.copytree(folder, into, symlinks=True, dirs_exist_ok=True)
        edits = file_changes(fork, fresh.tree, fork.tree_oid)
        return Replayed(fresh.tree, goal.names(), edits, str(into) if into else None)
    finally:
        fork.close()
