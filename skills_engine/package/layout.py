"""The files of a package: what may be there, and whether they are those that the manifest names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skills_engine.package.model import ADD
from skills_engine.package.paths import RESERVED, reserved, unsafe
from skills_engine.package.problems import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from skills_engine.package.model import PackageFiles
    from skills_engine.package.problems import Problems

__all__ = ["CODE", "LARGEST", "LARGEST_PAGE", "check_adds", "check_files"]

CODE = "codemods/"
"""Below this directory lies the package's own codemod code."""

LARGEST = 5_000_000
"""Bytes of a file."""

LARGEST_PAGE = 500_000
"""Bytes of SKILL.md."""
_ENGINE = ("add", "codemods")


def check_files(files: PackageFiles, links: frozenset[str], problems: Problems) -> None:
    """Paths, sizes and kinds, whatever SKILL.md says."""
    for path in sorted(links):
        problems.add(1, "this is a link or a submodule", "a copy of the file itself", file=path)
    seen: dict[str, str] = {}
    directories: set[str] = set()
    for path, data in sorted(files.items()):
        if (wrong := unsafe(path)) is not None:
            problems.add(1, wrong.message, wrong.right, file=path)
        other = seen.setdefault(path.casefold(), path)
        if other != path:
            problems.add(
                1,
                f"its name differs from {other} only in case",
                "names that differ everywhere",
                file=path,
            )
        most = LARGEST_PAGE if path == "SKILL.md" else LARGEST
        if len(data) > most:
            problems.add(1, f"the file has {len(data):,} bytes", f"at most {most:,}", file=path)
        if path.startswith(ADD) and reserved(path.removeprefix(ADD)):
            problems.add(
                1,
                "what lies there is the engine's own",
                f"nothing below {' or '.join(RESERVED)}",
                file=path,
            )
        directory = path.partition("/")[0]
        if "/" in path and directory not in directories:
            directories.add(directory)
            right = did_you_mean(directory.casefold(), _ENGINE)
            if directory not in _ENGINE and right.startswith("did"):
                problems.add(1, f"nothing reads the directory {directory!r}", right, file=path)


def check_adds(
    added: Mapping[str, int],
    adds_line: int,
    files: PackageFiles,
    links: frozenset[str],
    problems: Problems,
) -> None:
    """`adds` of the manifest against the files below `add/`; `added` has the line of each path."""
    there = {path.removeprefix(ADD) for path in (*files, *links) if path.startswith(ADD)}
    for path, line in added.items():
        if path not in there and unsafe(path) is None:
            problems.add(
                line, f"the package has no file {ADD}{path}", "add the file, or leave out the line"
            )
    for path in sorted(there - added.keys()):
        problems.add(adds_line, f"'adds' does not name {path}, which lies below {ADD}", f"- {path}")
