"""The record of whose code the engine may run: digests that the owner accepted, kept outside any
repository, and written only when the owner accepted code.

A fork cannot say of itself that it is trusted. What stands in the base is
upstream's, and the owner runs upstream's code anyway. Code that was accepted
where it runs in a room of its own (`sandbox`) is not accepted for a machine
that can make none: there the record has another line for it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from skills_engine.sandbox import unconfined

if TYPE_CHECKING:
    from skills_engine.package.model import Package

__all__ = ["is_accepted", "remember", "runs_own_code"]


def runs_own_code(package: Package) -> bool:
    """Whether applying the package means running a codemod class that it brings."""
    return any(
        entry.keys.get("ensure") == "custom" for step in package.steps for entry in step.entries
    )


def is_accepted(digest: str) -> bool:
    try:
        return _line(digest) in _store().read_text(encoding="utf-8").split()
    except OSError:
        return False


def remember(digest: str) -> None:
    path = _store()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(_line(digest) + "\n")


def _line(digest: str) -> str:
    return f"{digest}:unconfined" if unconfined() else digest


def _store() -> Path:
    """`$XDG_CONFIG_HOME/graftbot/trusted-digests`, one a line."""
    config = os.environ.get("XDG_CONFIG_HOME", "")
    base = Path(config) if config.startswith("/") else Path.home() / ".config"
    return base / "graftbot" / "trusted-digests"
