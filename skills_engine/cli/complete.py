"""Completion of skill names in the shell."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

__all__ = ["available", "installed"]


def available(incomplete: str) -> list[str]:
    """Names of the packages in the current fork."""
    return _names(".claude/skills/*/SKILL.md", incomplete, lambda path: path.parent.name)


def installed(incomplete: str) -> list[str]:
    """Names of the skills that are installed."""
    names = _names("manifests/*.yaml", incomplete, lambda path: path.stem)
    return [name for name in names if name not in {"core", "migrations"}]


def _names(pattern: str, incomplete: str, name: Callable[[Path], str]) -> list[str]:
    top = next((d for d in (Path.cwd(), *Path.cwd().parents) if (d / ".git").exists()), Path.cwd())
    return sorted(
        found for path in top.glob(pattern) if (found := name(path)).startswith(incomplete)
    )
