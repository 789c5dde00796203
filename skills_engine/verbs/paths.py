"""Paths as people name them, from where they stand, and as git has them."""

from __future__ import annotations

import os
from pathlib import Path

from skills_engine.errors import Refused

__all__ = ["from_top"]


def from_top(root: Path, directory: Path, path: str) -> str:
    """A path as git has it. The folders above it may be links; if it is one itself, git tracks the
    link.
    """
    whole = os.path.normpath(directory.resolve() / path)
    place = Path(whole).parent.resolve() / Path(whole).name
    if not place.is_relative_to(root.resolve()):
        raise Refused(f"{path} is outside {root}")
    return place.relative_to(root.resolve()).as_posix()
