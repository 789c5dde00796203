"""`upgrade`: bring skills to the version that their source has now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skills_engine.graft.goal import for_upgrade
from skills_engine.verbs.request import Request, run

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from skills_engine.graft.fork import Fork
    from skills_engine.types import Progress
    from skills_engine.verbs.reports import ChangeReport, Options

__all__ = ["upgrade"]


def upgrade(directory: Path, names: Sequence[str], options: Options) -> Progress[ChangeReport]:
    """Upgrade these skills, or all."""

    def ask(fork: Fork) -> Request:
        resolved = for_upgrade(fork, names)
        title = "Upgrade " + ", ".join(f"{pin.name} to {pin.version}" for pin in resolved.added)
        return Request("upgrade", title, resolved)

    return (yield from run(directory, "upgrade", ask, options))
