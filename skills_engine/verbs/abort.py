"""`abort`: give up a stopped operation; the fork is as it was before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from skills_engine.errors import Refused
from skills_engine.graft.fork import Fork
from skills_engine.resolve.kept import keep
from skills_engine.resolve.pending import drop, load
from skills_engine.transaction.lock import exclusive
from skills_engine.types import Event

if TYPE_CHECKING:
    from pathlib import Path

    from skills_engine.types import Progress
    from skills_engine.verbs.reports import Options

__all__ = ["Aborted", "abort"]


@dataclass(frozen=True, slots=True)
class Aborted:
    """Which operation was given up, and the paths whose resolutions are offered again if the same
    conflict comes again.
    """

    verb: str
    title: str
    kept: tuple[str, ...] = ()


def abort(directory: Path, options: Options) -> Progress[Aborted]:
    """Give up a stopped operation; what was resolved of it is kept aside."""
    fork = Fork.open(directory)
    try:
        with exclusive(fork.repository, "abort", wait=options.wait):
            pending = load(fork.repository)
            if pending is None:
                raise Refused("no operation waits to be aborted")
            yield Event("remove the conflict's worktree")
            kept = keep(fork, pending)
            drop(fork)
            return Aborted(pending.intent.verb, pending.intent.title, kept)
    finally:
        fork.close()
