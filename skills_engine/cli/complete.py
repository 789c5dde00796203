"""Completion of skill names in the shell."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

__all__ = ["available", "installed"]

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
"""Those of skills: a folder of another name is not offered, and not printed."""


def available(incomplete: str) -> list[str]:
    """Names of the packages in the current fork."""
    pages = ".claude/skills/*/SKILL.md", ".agents/skills/*/SKILL.md"
    found = {each for page in pages for each in _names(page, incomplete, _folder)}
    return sorted(found)


def installed(incomplete: str) -> list[str]:
    """Names of the skills that are installed."""
    names = _names("manifests/*.yaml", incomplete, lambda path: path.stem)
    return [name for name in names if name not in {"core", "migrations"}]


def _folder(page: Path) -> str:
    return page.parent.name


def _names(pattern: str, incomplete: str, name: Callable[[Path], str]) -> list[str]:
    top = next((d for d in (Path.cwd(), *Path.cwd().parents) if (d / ".git").exists()), Path.cwd())
    found = {name(path) for path in top.glob(pattern)}
    return sorted(it for it in found if it.startswith(incomplete) and _NAME.fullmatch(it))
