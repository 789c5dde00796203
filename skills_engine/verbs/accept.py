"""Acceptance: what a package from elsewhere makes the engine do is shown, and accepted by the
owner, before any of it happens.

accept         before an operation is computed: what its packages ask for
accept_effects before it is published: what they turned out to change beyond that
accept_tests   before tests run: whose code they will run, whichever verb it is
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from skills_engine.errors import Untrusted
from skills_engine.graft.project import read_project
from skills_engine.graft.trust import is_accepted, remember, runs_own_code
from skills_engine.sandbox import unconfined
from skills_engine.verbs.reports import Asked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skills_engine.graft.fork import Fork
    from skills_engine.graft.goal import Resolved
    from skills_engine.graft.intent import Goal
    from skills_engine.graft.operation import Computed
    from skills_engine.manifest import Pin
    from skills_engine.package.capabilities import Capabilities
    from skills_engine.verbs.reports import Options

__all__ = ["NOT_CONFINED", "accept", "accept_effects", "accept_tests", "accept_trial", "tested_by"]

NOT_CONFINED = "with all that you can read, and the network"


def accept(fork: Fork, resolved: Resolved, options: Options) -> tuple[Asked, ...]:
    """Raises Untrusted for a package that the base does not have and whose capabilities nobody
    accepted.

    An installed package is asked about again only where its code will run on a machine whose
    owner never accepted it: by its own codemod, or by tests. A dry run changes nothing and needs
    nothing accepted, but for a codemod; it gets what the real one would have to accept.
    """
    waiting: list[Asked] = []
    for pin, wants in _unaccepted(fork, resolved.goal, tests=options.test):
        asked = _asked(pin, wants, options, added=pin in resolved.added)
        if not asked and not (options.trust and wants.code):
            continue
        codemod = runs_own_code(fork.pinned(pin))
        if options.dry_run and not codemod:
            waiting += asked
            continue
        _settle(fork, pin, asked, options, code=bool(wants.code))
    return tuple(waiting)


def accept_effects(fork: Fork, computed: Computed, options: Options) -> tuple[Asked, ...]:
    """Raises Untrusted where a package changed a file that it did not name, and may not without
    being asked.

    A renamed function reaches whatever uses it, a moved module is followed to where it is now.
    """
    from skills_engine.package.capabilities import Capabilities, beyond, capabilities  # noqa: PLC0415

    wrote = dict(computed.wanted.wrote)
    changing = {pin.name for pin in computed.intent.skills}
    waiting: list[Asked] = []
    for pin, _ in _unaccepted(fork, computed.intent.after, tests=False):
        if pin.name not in changing or pin.name not in wrote:
            continue
        home = read_project(fork.tree).home
        known = set(capabilities(fork.pinned(pin), home=home).items)
        named = {item.what for item in known}
        more = {item for item in beyond(wrote[pin.name], home=home) if item.what not in named}
        wants = Capabilities(tuple(sorted(more - known)))
        asked = _asked(pin, wants, options, added=True)
        if options.dry_run:
            waiting += asked
        elif asked:
            _settle(fork, pin, asked, options, code=bool(wants.code))
    return tuple(waiting)


def accept_tests(fork: Fork, goal: Goal, options: Options) -> None:
    """Raises Untrusted for an installed package whose code the tests of this fork will run, and
    that nobody accepted here.
    """
    for pin, wants in _unaccepted(fork, goal, tests=True):
        asked = _asked(pin, wants, options, added=False)
        if wants.run:
            _settle(fork, pin, asked, options, code=True)


def accept_trial(fork: Fork, goal: Goal, options: Options) -> None:
    """The same for `skills test`, whose user asked for the tests by name: only where no room can be
    made for them.
    """
    if unconfined():
        accept_tests(fork, goal, options)


def tested_by(fork: Fork, goal: Goal) -> tuple[str, ...]:
    """The skills of a goal that bring tests: they will run whatever stands in the merged tree."""
    return tuple(
        pin.name
        for pin in goal.pins
        if (manifest := fork.pinned(pin).manifest) is not None and manifest.tests
    )


def _unaccepted(fork: Fork, goal: Goal, *, tests: bool) -> Iterator[tuple[Pin, Capabilities]]:
    """The packages of a goal that are neither upstream's nor accepted, with what they ask for."""
    from skills_engine.package.capabilities import capabilities  # noqa: PLC0415

    for pin in goal.pins:
        if pin.digest in fork.accepted or fork.is_from_base(pin, goal.core.base):
            continue
        if not is_accepted(pin.digest):
            by = tested_by(fork, goal) if tests else ()
            home = read_project(fork.tree).home
            yield pin, capabilities(fork.pinned(pin), home=home, tested_by=by, tests=tests)


def _asked(pin: Pin, wants: Capabilities, options: Options, *, added: bool) -> tuple[Asked, ...]:
    """What of it is not accepted yet. Of a package that is installed, only what the engine runs."""
    lines = () if options.trust else wants.code if added else wants.run
    more = wants.other if added and not options.yes else ()
    why = unconfined() if wants.run else ""
    where = f" ({NOT_CONFINED}: {why})" if why else ""
    return (
        *(Asked(pin.name, "--trust", line + where * (line in wants.run)) for line in lines),
        *(Asked(pin.name, "--yes", line) for line in more),
    )


def _settle(
    fork: Fork, pin: Pin, asked: tuple[Asked, ...], options: Options, *, code: bool
) -> None:
    """Ask, or refuse; and keep that the owner trusts the package's code, if that was accepted."""
    lines = tuple(item.what for item in asked)
    if asked and not (options.ask is not None and options.ask(pin.name, lines)):
        place = fork.asked_for.get(pin.name, pin.name)
        needed = " ".join(dict.fromkeys(item.option for item in asked))
        raise Untrusted(
            f"{pin.name} is not from upstream, and it: " + "; ".join(lines),
            hint=f"read it (skills show -v {place}), then accept it with {needed}",
        )
    trusted = code and (options.trust or any(item.option == "--trust" for item in asked))
    if trusted:
        fork.accepted.add(pin.digest)
        if not options.dry_run:
            remember(pin.digest)
