"""A recipe as it is written in fixtures/forks/recipes, read strictly: a key that is not known is a
mistake.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

__all__ = ["FIXTURES", "Expected", "Recipe", "Step", "recipes", "step", "upstream_versions"]

FIXTURES = Path(__file__).parents[2] / "fixtures" / "forks"

Step = Mapping[str, Any]

_STEPS = {
    "append": {"text"},
    "commit": set[str](),
    "crlf": set[str](),
    "delete": set[str](),
    "edit": {"from", "to"},
    "everywhere": {"to"},
    "git": {"fails"},
    "mode": {"path"},
    "move": {"to"},
    "reformat": {"quotes", "columns"},
    "skills": {"exit"},
    "upstream": set[str](),
    "write": {"text"},
}


@dataclass(frozen=True)
class Expected:
    """What must come out of a verb. The texts of `mine` go without saying: they are there after
    every verb.
    """

    exit: int = 0
    says: tuple[str, ...] = ()
    """Texts in what the verb prints, on either stream."""
    changes: tuple[str, ...] | None = None
    """The files that the commit changes: these and no others."""
    has: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Texts that a file has (it may be given a new place here), by path."""
    lacks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    equal: Mapping[str, str] = field(default_factory=dict)
    """The whole text of a file."""
    gone: tuple[str, ...] = ()
    installed: tuple[str, ...] | None = None
    """The skills that are installed afterwards, where it is not what the verb's name says."""
    moved: Mapping[str, str] = field(default_factory=dict)
    """Where a file with the owner's edits is afterwards."""
    then: tuple[Step, ...] = ()
    """What is done next, once the verb has been held to the above: steps, such as a conflict's
    resolution.
    """
    finally_: Expected | None = None
    """What must be true after these."""


@dataclass(frozen=True)
class Recipe:
    """A fork: a sentence about it, how it came about, what is the owner's, and what verbs do to it."""

    name: str
    about: str
    at: str
    """The version of upstream that was forked."""
    steps: tuple[Step, ...]
    installed: tuple[str, ...] = ()
    mine: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    managed: bool = True
    history: bool = True
    """False for a downloaded archive, which has upstream's files and none of its commits."""
    verbs: Mapping[str, Expected] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


@cache
def recipes() -> tuple[Recipe, ...]:
    """All of them, by name."""
    return tuple(_recipe(path) for path in sorted((FIXTURES / "recipes").glob("*.yaml")))


def upstream_versions() -> tuple[tuple[str, tuple[Step, ...]], ...]:
    """Title and steps of upstream's versions after the first."""
    listed = yaml.safe_load((FIXTURES / "upstream.yaml").read_text(encoding="utf-8"))
    return tuple((entry["title"], tuple(step(item) for item in entry["steps"])) for entry in listed)


def step(found: Any) -> Step:
    """One step, its keys checked."""
    assert isinstance(found, dict), f"a step is a mapping: {found!r}"
    word = next(iter(found))
    assert word in _STEPS, f"{word!r} is no step: {', '.join(_STEPS)}"
    assert set(found) <= {word, *_STEPS[word]}, (
        f"{word} has no {set(found) - {word, *_STEPS[word]}}"
    )
    return found


def _recipe(path: Path) -> Recipe:
    found = yaml.safe_load(path.read_text(encoding="utf-8"))
    known = {"about", "at", "steps", "installed", "mine", "managed", "history", "verbs"}
    assert set(found) <= known, f"{path.name}: {set(found) - known}"
    return Recipe(
        path.stem,
        found["about"],
        found["at"],
        tuple(step(item) for item in found.get("steps", [])),
        tuple(found.get("installed", [])),
        {name: _texts(texts) for name, texts in found.get("mine", {}).items()},
        found.get("managed", True),
        found.get("history", True),
        {verb: _expected(path.name, keys) for verb, keys in found.get("verbs", {}).items()},
    )


def _expected(name: str, found: dict[str, Any]) -> Expected:
    known = {
        "exit",
        "says",
        "changes",
        "has",
        "lacks",
        "is",
        "gone",
        "installed",
        "moved",
        "then",
        "finally",
    }
    assert set(found) <= known, f"{name}: {set(found) - known}"
    return Expected(
        exit=found.get("exit", 0),
        says=_texts(found.get("says", [])),
        changes=tuple(found["changes"]) if "changes" in found else None,
        has={path: _texts(texts) for path, texts in found.get("has", {}).items()},
        lacks={path: _texts(texts) for path, texts in found.get("lacks", {}).items()},
        equal=found.get("is", {}),
        gone=_texts(found.get("gone", [])),
        installed=tuple(found["installed"]) if "installed" in found else None,
        moved=found.get("moved", {}),
        then=tuple(step(item) for item in found.get("then", [])),
        finally_=_expected(name, found["finally"]) if "finally" in found else None,
    )


def _texts(found: Any) -> tuple[str, ...]:
    return (found,) if isinstance(found, str) else tuple(found)
