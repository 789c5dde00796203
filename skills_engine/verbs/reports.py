"""Plain data that verbs take and give: frozen dataclasses, which `--json` prints as they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skills_engine.tree import difference
from skills_engine.types import Stopped  # noqa: TC001  (a tool reads the hints at run time)

if TYPE_CHECKING:
    from skills_engine.graft.fork import Fork

__all__ = [
    "Accept",
    "Asked",
    "ChangeReport",
    "FileChange",
    "Options",
    "SkillChange",
    "file_changes",
]

Accept = Callable[[str, tuple[str, ...]], bool]
"""Asked, on a terminal, whether a package may do what is listed: the skill, and a line for each
capability.
"""


@dataclass(frozen=True, slots=True)
class Options:
    """What verbs that change a fork take."""

    dry_run: bool = False
    yes: bool = False
    trust: bool = False
    test: bool = True
    install: bool = True
    wait: bool = False
    ask: Accept | None = None
    restart: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """What a skill wants to be accepted, and by which option: `--trust` or `--yes`."""

    skill: str
    option: str
    what: str


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file that differs: `how` is added, removed or changed."""

    how: str
    path: str


@dataclass(frozen=True, slots=True)
class SkillChange:
    """A skill that comes, goes or changes, and in a line each what its operations did."""

    name: str
    version: str
    how: str
    operations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChangeReport:
    """What a verb did, or with `dry_run` would do."""

    verb: str
    title: str
    dry_run: bool
    commit: str | None
    base: str
    skills: tuple[SkillChange, ...]
    files: tuple[FileChange, ...]
    notes: tuple[str, ...]
    merged: tuple[tuple[str, str], ...] = ()
    conflicts: tuple[Stopped, ...] = ()
    tests: tuple[str, ...] = ()
    diff: str = ""
    asks: tuple[Asked, ...] = ()
    """In a dry run: what the owner would have to accept."""

    @property
    def changed(self) -> bool:
        return bool(self.files) or self.commit is not None


def file_changes(fork: Fork, old: str, new: str) -> tuple[FileChange, ...]:
    """The files that differ between two trees."""
    return tuple(
        FileChange("added" if before is None else "removed" if after is None else "changed", path)
        for path, before, after in difference(fork.objects, old, new)
    )
