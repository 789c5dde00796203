"""Every mistake in a package, what its codemod blocks mean included. Importing this imports
LibCST.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from skills_engine.package.decode import decode_steps
from skills_engine.package.markdown import Fence, normalised, split
from skills_engine.package.model import ADD
from skills_engine.package.problems import Problems
from skills_engine.package.reader import examine

if TYPE_CHECKING:
    from skills_engine.package.model import PackageFiles
    from skills_engine.types import Problem

__all__ = ["lint"]

_OPERATION = re.compile(r"^-\s+\{?\s*ensure\s*:", re.MULTILINE)


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
    _unmarked(files.get("SKILL.md", b"").decode("utf-8", "replace"), problems)
    _unparsable(files, problems)
    return tuple(sorted({*found.problems, *problems.found()}))


def _unmarked(text: str, problems: Problems) -> None:
    """Blocks of operations that nothing runs, for want of a word. Where a package is applied, that
    is no mistake: it may be an example.
    """
    for block in split(normalised(text)).blocks():
        if isinstance(block, Fence) and block.info.split() in ([], ["yaml"], ["yml"]):
            found = _OPERATION.search(block.text)
            if found is not None:
                problems.add(
                    block.line,
                    "this block has operations, and is not run",
                    "```yaml codemod; an example has another word, or stands in a longer fence",
                )


def _unparsable(files: PackageFiles, problems: Problems) -> None:
    """Added Python files that this Python cannot read."""
    for path, data in files.items():
        if path.startswith(ADD) and path.endswith(".py"):
            try:
                ast.parse(data)
            except SyntaxError as error:
                what = f"this does not parse: {error.msg}"
                problems.add(error.lineno or 1, what, "valid Python", file=path)
            except (ValueError, RecursionError) as error:
                problems.add(1, f"this does not parse: {error}", "valid Python", file=path)
