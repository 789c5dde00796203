"""Paths and packages as people name them, from where they stand, and as git has them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from skills_engine.errors import Refused
from skills_engine.manifest import AGENTS, SKILLS
from skills_engine.package.frontmatter import NAME

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skills_engine.graft.fork import Fork

__all__ = ["from_top", "package_folders"]


def from_top(root: Path, directory: Path, path: str) -> str:
    """A path as git has it. The folders above it may be links; if it is one itself, git tracks the
    link.
    """
    whole = os.path.normpath(directory.resolve() / path)
    place = Path(whole).parent.resolve() / Path(whole).name
    if not place.is_relative_to(root.resolve()):
        raise Refused(f"{path} is outside {root}")
    return place.relative_to(root.resolve()).as_posix()


def package_folders(fork: Fork, names: Sequence[str]) -> list[Path]:
    """The directories of packages by name or path; of all in the fork without any. Raises Refused
    where there is none.
    """
    home = fork.repository.root / SKILLS
    other = fork.repository.root / AGENTS
    if not names:
        every = {path.parent.name: path.parent for path in other.glob("*/SKILL.md")}
        every |= {path.parent.name: path.parent for path in home.glob("*/SKILL.md")}
        return [every[name] for name in sorted(every)]
    found = []
    for name in names:
        named = next((top / name for top in (home, other) if (top / name).is_dir()), None)
        folder = named if named and NAME.fullmatch(name) else Path(name).expanduser()
        if not folder.is_dir():
            raise Refused(
                f"there is no package {name}", hint=f"name one in {SKILLS}, or its directory"
            )
        found.append(folder.resolve())
    return found
