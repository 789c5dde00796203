"""`skip`: go on with a stopped operation, but without the skill that stopped it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skills_engine.errors import Refused
from skills_engine.resolve.kept import keep
from skills_engine.resolve.pending import Pending, drop
from skills_engine.verbs.continue_ import waiting_in
from skills_engine.verbs.running import carry_out, dependants, locked

if TYPE_CHECKING:
    from pathlib import Path

    from skills_engine.graft.fork import Fork
    from skills_engine.types import Progress
    from skills_engine.verbs.reports import ChangeReport, Options

__all__ = ["skip"]


def skip(directory: Path, options: Options) -> Progress[ChangeReport]:
    """Go on without the skills that stopped it, and those that need them. What was resolved of
    other conflicts is offered again where they come again.
    """

    def work(fork: Fork) -> Progress[ChangeReport]:
        pending = waiting_in(fork)
        names = {*pending.refused} or _skills_at(fork, pending)
        if not names:
            raise Refused(
                "no skill takes part in this conflict: it is between your edits and upstream's",
                hint="resolve it and run skills continue, or skills abort",
            )
        names |= dependants(fork, pending.intent.after, names)
        intent = pending.without(names)
        keep(fork, pending)
        if intent.before == intent.after:
            drop(fork)
            raise Refused(
                f"without {', '.join(sorted(names))} nothing is left to do; the operation is "
                "given up"
            )
        note = f"left out: {', '.join(sorted(names))}"
        return (yield from carry_out(fork, intent, options, notes=(*pending.notes, note)))

    return (yield from locked(directory, "skip", work, options, pending=True))


def _skills_at(fork: Fork, pending: Pending) -> set[str]:
    """The skills that come or change with this operation and that touch a path in conflict."""
    from skills_engine.package.decode import operations as decoded  # noqa: PLC0415

    names = set()
    for pin in pending.intent.skills:
        if pin not in pending.intent.after.pins:
            continue
        package = fork.pinned(pin)
        touched = set(package.manifest.adds) if package.manifest else set()
        for _, operation in decoded(package):
            touched.update(operation.touches())
        if touched.intersection(pending.paths):
            names.add(pin.name)
    return names
