"""The verb `lint`: every mistake in packages as they are on disk, and in what a fork lacks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from skills_engine.errors import Refused, SkillsError
from skills_engine.graft.files import GraftFiles
from skills_engine.graft.fold import steps_of
from skills_engine.graft.fork import Fork, package_files
from skills_engine.graft.sources import read_directory
from skills_engine.manifest import SKILLS
from skills_engine.package.problems import moved, skill_path
from skills_engine.tree import Tree
from skills_engine.types import Event, Problem
from skills_engine.verbs.paths import package_folders

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from skills_engine.package.model import Package
    from skills_engine.types import Progress

__all__ = ["lint"]


def lint(
    directory: Path, names: Sequence[str], *, here: bool = False
) -> Progress[tuple[Problem, ...]]:
    """Every mistake in the packages as they are on disk: the named ones (names or paths), or all.

    With `here`, each operation of a package without a mistake is carried out on this fork's core
    with the skills that it needs, and every one that is refused is a mistake, too.
    """
    from skills_engine.package.lint import lint as lint_package  # noqa: PLC0415

    fork = Fork.open(directory)
    try:
        problems: list[Problem] = []
        wanted = package_folders(fork, names)
        if not wanted:
            raise Refused(f"there are no skills in {SKILLS}", hint="name a package by its path")
        for folder in wanted:
            yield Event(f"lint {folder.name}")
            raw = package_files(Tree(fork.objects, read_directory(fork, folder)))
            found = list(
                lint_package(folder.name, raw.files, links=raw.links, executable=raw.executable)
            )
            if not found:
                package = fork.load(folder.name, read_directory(fork, folder))
                known = {*fork.names(), *(path.parent.name for path in _beside(fork, wanted))}
                found += _unknown(fork, package, known)
                if here and not found and package.manifest:
                    yield Event(f"resolve {folder.name} against this fork")
                    found += _refused(fork, folder, package)
            home = fork.repository.root / SKILLS / folder.name == folder
            problems += (
                found if home else (moved(problem, folder.name, str(folder)) for problem in found)
            )
        return tuple(problems)
    finally:
        fork.close()


def _beside(fork: Fork, wanted: Sequence[Path]) -> Iterator[Path]:
    """The pages of the packages in the fork, and of those that lie where the wanted ones do."""
    for parent in {fork.repository.root / SKILLS, *(folder.parent for folder in wanted)}:
        yield from parent.glob("*/SKILL.md")


def _unknown(fork: Fork, package: Package, known: set[str]) -> Iterator[Problem]:
    """What the manifest names and nobody has."""
    manifest = package.manifest
    if manifest is None:
        return
    for name, _ in manifest.depends:
        if name not in known:
            yield _problem(
                package,
                _line(package, name, after="depends"),
                f"it depends on {name}, and there is no such package",
                "a package of this repository, or one beside this",
            )
    for path in manifest.tests:
        if path not in manifest.adds and not fork.tree.exists(path):
            yield _problem(
                package,
                _line(package, path, after="tests"),
                f"the test {path} is nowhere",
                "a file that `adds` names, or that the repository has",
            )


def _problem(package: Package, line: int, message: str, right: str) -> Problem:
    return Problem(skill_path(package.name), line, message, right)


def _line(package: Package, word: str, *, after: str) -> int:
    """The line of a word in the page: the first below the key that it belongs to."""
    key = 0
    for number, line in enumerate(package.files["SKILL.md"].decode().splitlines(), 1):
        key = key or number * bool(re.match(rf"{after}\s*:", line))
        if key and word in line:
            return number
    return key or 1


def _refused(fork: Fork, folder: Path, package: Package) -> Iterator[Problem]:
    """The operations that find no place on this fork's core; the others are carried out, so that
    one failure is not told as several.
    """
    from skills_engine.verbs.trials.subjects import Subjects  # noqa: PLC0415

    subjects = Subjects.read(fork, (str(folder),))
    needed = subjects.closure((package.name,)) - {package.name}
    try:
        tree = Tree(fork.objects, subjects.graft(sorted(needed)).tree)
    except SkillsError as error:
        line = _line(package, "depends", after="depends")
        yield _problem(package, line, error.message, error.hint)
        return
    files = GraftFiles(fork.git, subjects.base.base, tree)
    for line, step in steps_of(package, files, subjects.base):
        try:
            step()
        except SkillsError as error:
            near = "; ".join(map(str, getattr(error, "candidates", ())[:3]))
            yield _problem(package, line, error.message, error.hint or near)
