"""An operation that stopped: what it wanted, where it stopped, and the worktree in which it can be
resolved.

The state lies in the git directory. The owner's checkout is as it was, and
conflict markers stand in a worktree of the engine's own, never in a file that
the bot runs.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from skills_engine.errors import Refused, SkillsError
from skills_engine.graft.intent import Goal, Intent
from skills_engine.manifest import Core, Pin, Source
from skills_engine.transaction.scratch import add_worktree, remove_worktree

if TYPE_CHECKING:
    from pathlib import Path

    from skills_engine.git import Git, Repository
    from skills_engine.graft.fold import SkillRefused
    from skills_engine.graft.fork import Fork
    from skills_engine.graft.operation import Computed

__all__ = ["Pending", "check_none", "clean", "drop", "load", "save"]


@dataclass(frozen=True, slots=True)
class Pending:
    """A stopped operation. `refused` names the skill whose operation found no place; otherwise
    `paths` conflict.
    """

    intent: Intent
    head: str
    merged: str | None
    paths: tuple[str, ...]
    reason: str
    refused: str | None = None

    @classmethod
    def of(cls, fork: Fork, computed: Computed) -> Pending:
        conflicts = computed.merge.conflicts
        paths = [c.path for c in conflicts] or [f.place.path for f in computed.findings]
        reason = conflicts[0].reason if conflicts else computed.findings[0].message
        return cls(computed.intent, fork.head, computed.tree, tuple(dict.fromkeys(paths)), reason)

    @classmethod
    def refused_by(cls, intent: Intent, head: str, refused: SkillRefused) -> Pending:
        paths = tuple(dict.fromkeys(place.path for place in refused.candidates))
        return cls(intent, head, None, paths, refused.message, refused.skill)

    @staticmethod
    def folder(repository: Repository) -> Path:
        """The worktree in which conflicts are resolved."""
        return repository.state / "conflict"

    def without(self, names: set[str]) -> Intent:
        """The same intent, the named skills left out."""
        pins = tuple(pin for pin in self.intent.after.pins if pin.name not in names)
        kept = tuple(pin for pin in self.intent.skills if pin.name not in names)
        title = f"{self.intent.title} (without {', '.join(sorted(names))})"
        return replace(
            self.intent, title=title, after=replace(self.intent.after, pins=pins), skills=kept
        )


def _path(repository: Repository) -> Path:
    return repository.state / "pending.json"


def check_none(repository: Repository) -> None:
    """Raises Refused while an operation waits to be continued."""
    if _path(repository).exists():
        raise Refused(
            "an earlier operation stopped at a conflict and waits",
            hint="run: skills continue, skills skip or skills abort (skills status shows it)",
        )


def load(repository: Repository) -> Pending | None:
    try:
        found = json.loads(_path(repository).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise Refused(
            f"{_path(repository)} cannot be read: {error}", hint="run: skills abort"
        ) from None
    intent = found.pop("intent")
    goals = {key: _goal(intent.pop(key)) for key in ("before", "after")}
    skills = tuple(_pin(pin) for pin in intent.pop("skills"))
    after = goals["after"]
    if after is None:
        raise Refused(f"{_path(repository)} names no goal", hint="run: skills abort")
    whole = Intent(**intent, before=goals["before"], after=after, skills=skills)
    return Pending(**{**found, "paths": tuple(found["paths"])}, intent=whole)


def save(fork: Fork, pending: Pending) -> None:
    """Keep a stopped operation, with its worktree if there is something to resolve in files."""
    path = _path(fork.repository)
    try:
        fork.objects.flush()
        if pending.merged is not None:
            add_worktree(fork.git, Pending.folder(fork.repository), pending.head, pending.merged)
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(asdict(pending), indent=1), encoding="utf-8")
        os.replace(partial, path)  # noqa: PTH105  (the pair reads better so)
    except (OSError, SkillsError):
        clean(fork.git)
        raise


def drop(fork: Fork) -> bool:
    """Forget the stopped operation and its worktree; whether there was one."""
    path = _path(fork.repository)
    folder = Pending.folder(fork.repository)
    there = path.exists()
    path.unlink(missing_ok=True)
    if folder.exists():
        remove_worktree(fork.git, folder)
    return there


def clean(git: Git) -> None:
    """Remove what a killed `save` or `drop` left. The lock is held."""
    path = _path(git.repository)
    path.with_suffix(".partial").unlink(missing_ok=True)
    if not path.exists():
        remove_worktree(git, Pending.folder(git.repository))


def _goal(found: dict[str, Any] | None) -> Goal | None:
    if found is None:
        return None
    return Goal(Core(**found["core"]), tuple(_pin(pin) for pin in found["pins"]))


def _pin(found: dict[str, Any]) -> Pin:
    return Pin(**{**found, "source": Source(**found["source"])})
