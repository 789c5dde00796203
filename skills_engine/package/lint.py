"""Every mistake in a package, what its codemod blocks mean included. Importing this imports
LibCST.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from skills_engine.package.decode import decode_steps
from skills_engine.package.problems import Problems
from skills_engine.package.reader import examine

if TYPE_CHECKING:
    from skills_engine.package.model import PackageFiles
    from skills_engine.types import Problem

__all__ = ["lint"]


def lint(
    name: str,
    files: PackageFiles,
    *,
    links: frozenset[str] = frozenset(),
    executable: frozenset[str] = frozenset(),
) -> tuple[Problem, ...]:
    """All mistakes at once, in file and line order; none: the package is valid. Never raises."""
    found = examine(name, files, links=links, executable=executable)
    problems = Problems(name)
    decode_steps(found.steps, files, problems)
    return tuple(sorted({*found.problems, *problems.found()}))
