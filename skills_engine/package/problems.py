"""Mistakes, gathered so that an author reads all of them at once."""

from __future__ import annotations

import difflib
from dataclasses import replace
from typing import TYPE_CHECKING

from skills_engine.types import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Problems", "did_you_mean", "moved", "skill_path"]


def skill_path(name: str, file: str = "SKILL.md") -> str:
    """A package's file, relative to the repository."""
    return f".claude/skills/{name}/{file}"


def moved(problem: Problem, name: str, place: str) -> Problem:
    """A mistake in a package that lies elsewhere than `.claude/skills/<name>`: at `place`."""
    return replace(problem, path=f"{place}/{problem.path.removeprefix(skill_path(name, ''))}")


class Problems:
    """A growing list of mistakes in the files of one package."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._found: list[Problem] = []

    def add(self, line: int, message: str, right: str = "", *, file: str = "SKILL.md") -> None:
        """Record a mistake: what is wrong and what would be right."""
        self._found.append(Problem(skill_path(self._name, file), line, message, right))

    def found(self) -> tuple[Problem, ...]:
        """Every mistake once, in file and line order."""
        return tuple(sorted(set(self._found)))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`did you mean 'adds'?` or, when nothing is near, `one of …`."""
    known = tuple(known)
    near = difflib.get_close_matches(word, known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"one of {', '.join(known)}"
