"""`pin` and `unpin`: whether upgrades and rebases leave a skill as it is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from skills_engine.graft.goal import for_pin
from skills_engine.verbs.request import Request, run

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from skills_engine.graft.fork import Fork
    from skills_engine.types import Progress
    from skills_engine.verbs.reports import ChangeReport, Options

__all__ = ["pin"]


def pin(
    directory: Path, names: Sequence[str], options: Options, *, held: bool = True
) -> Progress[ChangeReport]:
    """Pin skills where they are, or with `held` false no longer; the manifests say so."""
    verb = "pin" if held else "unpin"

    def ask(fork: Fork) -> Request:
        resolved = for_pin(fork, names, held=held)
        return Request(verb, f"{verb.capitalize()} {', '.join(names)}", resolved)

    quietly = replace(options, test=False, install=False)
    return (yield from run(directory, verb, ask, quietly))
