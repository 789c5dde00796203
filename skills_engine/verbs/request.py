"""A verb's goal, asked for and accepted: from what the owner named to an intent that can be run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from skills_engine.graft.intent import Intent
from skills_engine.verbs.accept import accept
from skills_engine.verbs.running import carry_out, locked
from skills_engine.verbs.setup import begin

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from skills_engine.graft.fork import Fork
    from skills_engine.graft.goal import Resolved
    from skills_engine.types import Progress
    from skills_engine.verbs.reports import ChangeReport, Options

__all__ = ["Request", "run"]


@dataclass(frozen=True, slots=True)
class Request:
    """A verb's goal, and how its commit is called."""

    verb: str
    title: str
    resolved: Resolved
    second_parent: str | None = None

    def intent(self, fork: Fork) -> Intent:
        second = self.second_parent
        if second is not None and fork.git.is_ancestor(second, fork.head):
            second = None
        resolved = self.resolved
        skills = (*resolved.added, *resolved.removed)
        return Intent(self.verb, self.title, fork.goal, resolved.goal, skills, second)


def run(
    directory: Path,
    verb: str,
    ask: Callable[[Fork], Request],
    options: Options,
    *,
    expected: str | None = None,
) -> Progress[ChangeReport]:
    """Under the lock: what `ask` wants, if it is accepted. With `expected`, to that very tree or
    not at all. `apply` begins the management of a clone that has none yet.
    """

    def work(fork: Fork) -> Progress[ChangeReport]:
        began = (yield from begin(fork)) if verb == "apply" else ()
        request = ask(fork)
        asks = accept(fork, request.resolved, options)
        intent, notes = request.intent(fork), (*began, *request.resolved.notes)
        report = yield from carry_out(fork, intent, options, notes=notes, expected=expected)
        if report.commit:
            _remember(fork, request.resolved)
        return replace(report, asks=(*asks, *report.asks))

    return (yield from locked(directory, verb, work, options))


def _remember(fork: Fork, resolved: Resolved) -> None:
    """Where packages were applied from, for `upgrade`: in this clone's settings, for a path means
    nothing on another machine.
    """
    for pin in resolved.removed:
        fork.git.configure("--unset", f"skills.{pin.name}.path")
    for pin in resolved.added:
        if pin.source.kind == "local" and pin.name in fork.found_in:
            fork.git.configure(f"skills.{pin.name}.path", str(fork.found_in[pin.name]))
