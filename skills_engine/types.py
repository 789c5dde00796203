"""The nouns that every room shares: frozen dataclasses and aliases, no behaviour beyond printing
themselves.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

__all__ = [
    "Change",
    "Event",
    "Outcome",
    "Place",
    "Problem",
    "Progress",
    "Span",
    "Stopped",
    "result",
]

T = TypeVar("T")


class Outcome(StrEnum):
    """What became of one ensure-operation. The last three are refusals."""

    APPLIED = "applied"
    ALREADY = "already so"
    MISSING = "missing"
    AMBIGUOUS = "ambiguous"
    DRIFTED = "drifted"


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A half-open range of bytes."""

    start: int
    end: int


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A line that a person can be pointed at. `line` counts from 1; `text` is that line,
    stripped.
    """

    path: str
    line: int
    text: str = ""

    def __str__(self) -> str:
        return f"{self.path}:{self.line}" + (f": {self.text}" if self.text else "")


@dataclass(frozen=True, slots=True)
class Change:
    """What an operation did: APPLIED or ALREADY, a line that says so, and where."""

    outcome: Outcome
    summary: str
    places: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """A mistake in a file: what is wrong and what would be right."""

    path: str
    line: int
    message: str
    right: str = ""

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}" + (
            f" ({self.right})" if self.right else ""
        )


@dataclass(frozen=True, slots=True)
class Stopped:
    """A place where an operation stops: the file, the line (from 1, of the file with its markers),
    and why.

    `definition` is the function, class or section around it, where there is one. `kind` is
    `content` or `add/add` where markers show it, `check` for what the checks found, `skill` for an
    operation of a skill that finds no place, else what git calls such a conflict: `modify/delete`,
    `rename/rename`, `binary` and so on. `decided`: whether somebody has said what becomes of it.
    """

    path: str
    line: int
    reason: str
    kind: str = "content"
    definition: str = ""
    decided: bool = False

    def __str__(self) -> str:
        inside = f" in {self.definition}" if self.definition else ""
        at = f":{self.line}" if self.kind in {"content", "add/add", "check", "skill"} else ""
        return f"{self.path}{at}:{inside and inside + ':'} {self.reason}"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that a person who waits may want to know. `lasting` marks a note that should stay
    on the screen.
    """

    text: str
    lasting: bool = False


Progress = Generator[Event, None, T]
"""A computation that says what it is doing, and returns a T."""


def result(steps: Progress[T]) -> T:
    """Run a computation to its end, deaf to what it says."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            value: T = stop.value
            return value
