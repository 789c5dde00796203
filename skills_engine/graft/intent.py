"""The plain data of a graft: a fork as it is, and the wish of a verb. Cheap to import."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from skills_engine import __version__
from skills_engine.manifest import Core, Pin, render

__all__ = ["CACHE", "TREES", "WAITING", "Goal", "Intent", "cache_ref"]

CACHE = "refs/skills/graft/"
WAITING = "refs/skills/waiting/"
"""What an operation that stopped needs when it goes on: git collects what no ref names."""
TREES = "Skills-Trees"
"""The trailer with the trees that an operation led from, and to."""


@dataclass(frozen=True, slots=True)
class Goal:
    """A base and a set of skills, sorted by name: everything that a graft depends on."""

    core: Core
    pins: tuple[Pin, ...]

    def names(self) -> tuple[str, ...]:
        return tuple(pin.name for pin in self.pins)


@dataclass(frozen=True, slots=True)
class Intent:
    """What a verb wants. `before` is None in a repository that is taken under management."""

    verb: str
    title: str
    before: Goal | None
    after: Goal
    skills: tuple[Pin, ...] = ()
    """The skills that are added, removed or changed, for the commit's trailers."""
    second_parent: str | None = None
    trailers: tuple[tuple[str, str], ...] = ()
    """More of them: key and value."""


def cache_ref(base_tree: str, goal: Goal) -> str:
    """The ref under which a graft is kept: named by all that goes into it."""
    key = sha256(f"{__version__}\0{base_tree}\0".encode())
    key.update(render(goal.core))
    for pin in goal.pins:
        key.update(b"\0" + render(pin))
    return CACHE + key.hexdigest()[:40]
