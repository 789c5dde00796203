"""`abort`: give up a stopped operation; the fork is as it was before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from skills_engine.errors import Refused
from skills_engine.graft.fork import Fork
from skills_engine.resolve.kept import keep
from skills_engine.resolve.pending import Unreadable, drop, load, set_aside
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
    conflict comes again. `aside` is where the files of one lie whose note could not be read.
    """

    verb: str
    title: str
    kept: tuple[str, ...] = ()
    aside: str = ""


def abort(directory: Path, options: Options) -> Progress[Aborted]:
    """Give up a stopped operation; what was resolved of it is kept aside."""
    fork = Fork.open(directory)
    try:
        with exclusive(fork.repository, "abort", wait=options.wait):
            try:
                pending = load(fork.repository)
            except Unreadable as why:
                return Aborted("", why.message, aside=str(set_aside(fork)))
            if pending is None:
                raise Refused("no operation waits to be aborted")
            yield Event("remove the conflict's worktree")
            kept = keep(fork, pending)
            drop(fork)
            return Aborted(pending.intent.verb, pending.intent.title, kept)
    finally:
        fork.close()
