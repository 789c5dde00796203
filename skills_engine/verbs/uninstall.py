"""`uninstall`: take skills off; what they alone brought goes with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skills_engine.graft.goal import for_uninstall
from skills_engine.verbs.request import Request, run

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from skills_engine.graft.fork import Fork
    from skills_engine.types import Progress
    from skills_engine.verbs.reports import ChangeReport, Options

__all__ = ["uninstall"]


def uninstall(directory: Path, names: Sequence[str], options: Options) -> Progress[ChangeReport]:
    """Take skills off, but none that another needs."""

    def ask(fork: Fork) -> Request:
        resolved = for_uninstall(fork, names)
        title = "Uninstall " + ", ".join(pin.name for pin in resolved.removed)
        return Request("uninstall", title, resolved)

    return (yield from run(directory, "uninstall", ask, options))
