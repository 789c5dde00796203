"""The supply of installed skills: `outdated` and `verify` ask their sources, and change nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from skills_engine.errors import Refused, SkillsError
from skills_engine.graft.clone import cloned
from skills_engine.graft.fork import Fork
from skills_engine.graft.goal import changes_of, newest
from skills_engine.graft.sources import at_source, on_disk
from skills_engine.tree import Tree
from skills_engine.types import Event

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from skills_engine.manifest import Pin
    from skills_engine.types import Progress

__all__ = ["Outdated", "Verified", "outdated", "verify"]

Answer = Literal["same", "differs", "unknown"]


@dataclass(frozen=True, slots=True)
class Outdated:
    """A skill whose source has another package; `changes` are the changelog's lines. `problem` is
    why the source could not be asked.
    """

    name: str
    installed: str
    newest: str
    pinned: bool
    changes: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Verified:
    """What an installed skill's bytes are: `recorded` compares them with the digest in its
    manifest, `at_source` with what its source has at the recorded commit. `signed` is git's word on
    that commit. `edited`: the package in the fork is no longer the installed one.
    """

    name: str
    version: str
    digest: str
    source: str
    recorded: Answer
    at_source: Answer
    signed: bool
    edited: bool
    problem: str = ""

    @property
    def ok(self) -> bool:
        return self.recorded == "same" and self.at_source != "differs"


def outdated(directory: Path) -> Progress[tuple[Outdated, ...]]:
    """The installed skills whose source has something else by now."""
    fork = Fork.open(directory)
    try:
        base = Tree(fork.objects, fork.git.tree_of(fork.core.base))
        found = []
        for name, pin in fork.pins.items():
            yield Event(f"look for newer versions of {name}")
            try:
                newer = newest(fork, pin, base)
            except SkillsError as error:
                found.append(Outdated(name, pin.version, "", bool(pin.held), (), error.message))
                continue
            if newer is not None and newer.pin.digest != pin.digest:
                changes = tuple(changes_of(newer, pin))
                version = newer.pin.version
                found.append(Outdated(name, pin.version, version, bool(pin.held), changes))
        return tuple(found)
    finally:
        fork.close()


def verify(directory: Path, names: Sequence[str]) -> Progress[tuple[Verified, ...]]:
    """The named skills (all): recorded digest, installed bytes, source. Raises Refused for a name
    that is not installed.
    """
    fork = Fork.open(directory)
    try:
        for name in names:
            if name not in fork.pins:
                raise Refused(
                    f"{name} is not installed", hint=f"installed: {', '.join(fork.pins) or 'none'}"
                )
        found = []
        for name in names or tuple(fork.pins):
            yield Event(f"verify {name}")
            found.append(_verified(fork, fork.pins[name]))
        return tuple(found)
    finally:
        fork.close()


def _verified(fork: Fork, pin: Pin) -> Verified:
    recorded: Answer = "same"
    there: Answer = "unknown"
    signed, problem = False, ""
    try:
        fork.pinned(pin)
    except SkillsError as error:
        recorded, problem = "differs", error.message
    try:
        if pin.source.kind == "upstream":
            there = "same" if fork.is_from_base(pin, fork.core.base) else "differs"
        elif pin.source.kind == "git":
            there = "same" if at_source(fork, pin).pin.digest == pin.digest else "differs"
            with cloned(pin.source.url.partition("#")[0], pin.source.commit) as (git, commit):
                signed = git.succeeds("verify-commit", commit)
    except SkillsError as error:
        problem = problem or error.message
    edited = on_disk(fork, pin.name) or fork.package_tree(pin.name)
    return Verified(
        pin.name,
        pin.version,
        pin.digest,
        pin.source.url or pin.source.kind,
        recorded,
        there,
        signed,
        edited is not None and edited != pin.package,
        problem,
    )
