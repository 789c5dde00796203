"""The verbs that look without computing a graft: list, search, status, log. They must be quick: no
LibCST here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from skills_engine.graft.fork import Fork
from skills_engine.graft.intent import cache_ref
from skills_engine.graft.side import as_here
from skills_engine.resolve.pending import Pending, load
from skills_engine.transaction.journal import interrupted
from skills_engine.transaction.worktree import as_edited
from skills_engine.types import Stopped  # noqa: TC001  (a tool reads the hints at run time)
from skills_engine.verbs.history import EngineCommit, find, operations
from skills_engine.verbs.reports import FileChange, file_changes

if TYPE_CHECKING:
    from pathlib import Path


__all__ = ["Listed", "Standing", "Status", "list_", "log", "search", "status"]


@dataclass(frozen=True, slots=True)
class Listed:
    """A skill in the fork, or in an index. `installed` is the version that is applied; `newer`: its
    package has changed since. `source` is what `apply` takes for one from an index, `asks` what it
    will ask for.
    """

    name: str
    description: str
    version: str | None
    installed: str | None
    newer: bool
    source: str = ""
    asks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """An installed skill; `newer`: its package has changed since it was applied; `pinned`:
    upgrades and rebases leave it as it is.
    """

    name: str
    version: str
    newer: bool
    pinned: bool = False


@dataclass(frozen=True, slots=True)
class Status:
    """Where a fork stands. `files` are the owner's own edits, committed or not; `behind` counts
    upstream's.

    `pending` is the operation that stopped, `reason` what it stopped at first, `folder` where its
    conflicts lie, `conflicts` all of them, decided or not.
    """

    upstream: str
    branch: str
    base: str
    version: str
    pulled: bool
    behind: int | None
    skills: tuple[Standing, ...]
    files: tuple[FileChange, ...]
    pending: str | None
    reason: str | None
    folder: str | None
    interrupted: bool
    conflicts: tuple[Stopped, ...] = ()


def list_(directory: Path) -> tuple[Listed, ...]:
    """The skills that the fork has packages of, and those that are installed."""
    fork = Fork.open(directory)
    try:
        return _listed(fork)
    finally:
        fork.close()


def search(
    directory: Path, words: tuple[str, ...], more: tuple[str, ...] = ()
) -> tuple[Listed, ...]:
    """Skills in whose name, description or text every word occurs: the fork's own, then those of
    the indexes that its owner named, and of `more`.
    """
    from skills_engine.graft.index import index_at, indexes, read_index  # noqa: PLC0415

    fork = Fork.open(directory)
    try:
        found = []
        for skill in _listed(fork):
            page = fork.tree.read(f"{fork.package_place(skill.name)}/SKILL.md") or b""
            if _has(words, f"{skill.name} {skill.description} {page.decode('utf-8', 'replace')}"):
                found.append(skill)
        for where in dict.fromkeys((*indexes(fork.git), *more)):
            named = index_at(where)
            for each in read_index(where):
                if _has(words, f"{each.name} {each.description}"):
                    pin = fork.pins.get(each.name)
                    newer = pin is not None and pin.digest != each.digest
                    installed = pin.version if pin else None
                    place = f"{each.name}@{named}"
                    about = (each.name, each.description, each.version, installed)
                    found.append(Listed(*about, newer, place, each.asks))
        return tuple(found)
    finally:
        fork.close()


def _has(words: tuple[str, ...], text: str) -> bool:
    return all(word.casefold() in text.casefold() for word in words)


def _listed(fork: Fork) -> tuple[Listed, ...]:
    pins = fork.pins
    found = {
        summary.name: Listed(
            summary.name,
            summary.description,
            summary.version,
            pins[summary.name].version if summary.name in pins else None,
            summary.name in pins and pins[summary.name].package != oid,
        )
        for summary, oid in fork.summaries()
    }
    for name, pin in pins.items():
        found.setdefault(
            name,
            Listed(
                name, "(its package is gone from .claude/skills)", None, pin.version, newer=False
            ),
        )
    return tuple(found[name] for name in sorted(found))


def status(directory: Path, at: str | None = None) -> Status:
    """What is installed, what the owner changed, what waits; with `at`, what an operation left."""
    fork = Fork.open(directory)
    try:
        if at is not None:
            commit = find(fork.git, fork.head, at).commit
            fork.close()
            fork = Fork.open(directory, commit)
        core = fork.core
        graft = _cached_graft(fork)
        tree = fork.tree_oid if at else as_edited(fork.git, fork.tree_oid)
        base = fork.git.tree_of(core.base)
        graft = as_here(fork.objects, base, graft, tree) if graft else None
        files = file_changes(fork, graft, tree) if graft else ()
        pending = load(fork.repository) if at is None else None
        upstream = fork.upstream_commit
        behind = (
            fork.git.text_or_none("rev-list", "--count", f"{core.base}..{upstream}")
            if upstream
            else None
        )
        return Status(
            core.upstream,
            core.branch,
            core.base,
            core.version,
            core.base != fork.recorded.base,
            int(behind) if behind else None,
            tuple(
                Standing(
                    pin.name,
                    pin.version,
                    fork.package_tree(pin.name) not in {None, pin.package},
                    bool(pin.held),
                )
                for pin in fork.pins.values()
            ),
            files,
            pending.intent.title if pending else None,
            pending.places[0].reason if pending else None,
            str(Pending.folder(fork.repository)) if pending and pending.merged else None,
            at is None and interrupted(fork.repository),
            _conflicts(fork, pending) if pending else (),
        )
    finally:
        fork.close()


def _conflicts(fork: Fork, pending: Pending) -> tuple[Stopped, ...]:
    """The places at which an operation stopped, and which of them are decided by now."""
    from skills_engine.resolve.kept import undecided  # noqa: PLC0415

    if pending.merged is None or not Pending.folder(fork.repository).is_dir():
        return pending.places
    left = undecided(fork, pending)
    return tuple(
        replace(place, decided=waiting.kind != "check" and waiting not in left)
        for waiting in pending.conflicts
        for place in waiting.places
    )


def _cached_graft(fork: Fork) -> str | None:
    """Status must not fold (that needs LibCST): edits are shown where an operation has left its
    graft behind.
    """
    return fork.objects.resolve(cache_ref(fork.git.tree_of(fork.core.base), fork.goal))


def log(directory: Path, limit: int = 0) -> tuple[EngineCommit, ...]:
    """The operations in the fork's history, newest first."""
    fork = Fork.open(directory)
    try:
        return operations(fork.git, fork.head, limit=limit)
    finally:
        fork.close()
