"""The verb `lint`: every mistake in packages as they are on disk."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from skills_engine.errors import Refused
from skills_engine.graft.fork import Fork, package_files
from skills_engine.graft.sources import read_directory
from skills_engine.manifest import SKILLS
from skills_engine.package.frontmatter import NAME
from skills_engine.package.problems import moved
from skills_engine.tree import Tree
from skills_engine.types import Event, Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skills_engine.types import Progress

__all__ = ["folders", "lint"]


def lint(directory: Path, names: Sequence[str]) -> Progress[tuple[Problem, ...]]:
    """Every mistake in the packages as they are on disk: the named ones (names or paths), or
    all.
    """
    from skills_engine.package.lint import lint as lint_package  # noqa: PLC0415

    fork = Fork.open(directory)
    try:
        problems: list[Problem] = []
        for folder in folders(fork, names):
            yield Event(f"lint {folder.name}")
            raw = package_files(Tree(fork.objects, read_directory(fork, folder)))
            found = lint_package(folder.name, raw.files, links=raw.links, executable=raw.executable)
            home = fork.repository.root / SKILLS / folder.name == folder
            problems += (
                found if home else (moved(problem, folder.name, str(folder)) for problem in found)
            )
        return tuple(problems)
    finally:
        fork.close()


def folders(fork: Fork, names: Sequence[str]) -> list[Path]:
    home = fork.repository.root / SKILLS
    if not names:
        return sorted(path.parent for path in home.glob("*/SKILL.md"))
    found = []
    for name in names:
        named = NAME.fullmatch(name) and (home / name).is_dir()
        folder = home / name if named else Path(name).expanduser()
        if not folder.is_dir():
            raise Refused(
                f"there is no package {name}", hint=f"name one in {SKILLS}, or its directory"
            )
        found.append(folder.resolve())
    return found
