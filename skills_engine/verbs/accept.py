"""What a package from elsewhere may do is shown, and accepted by the owner, before any of it
happens.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from skills_engine.errors import Untrusted
from skills_engine.graft.trust import is_accepted, remember, runs_own_code

if TYPE_CHECKING:
    from skills_engine.graft.fork import Fork
    from skills_engine.graft.goal import Resolved
    from skills_engine.manifest import Pin
    from skills_engine.verbs.reports import Options

__all__ = ["accept"]


def accept(fork: Fork, resolved: Resolved, options: Options) -> None:
    """Raises Untrusted for a package that the base does not have and whose capabilities nobody
    accepted.

    An installed package is asked about again only where its own codemod code
    would have to run on a machine whose owner never accepted it. A dry run
    changes nothing and needs nothing accepted, but for such code.
    """
    for pin in resolved.goal.pins:
        if is_accepted(pin.digest) or fork.is_from_base(pin, resolved.goal.core.base):
            continue
        code = runs_own_code(fork.pinned(pin))
        wants = (
            _asked(fork, pin, options)
            if pin in resolved.added or (code and not options.trust)
            else {}
        )
        asked = tuple(chain.from_iterable(wants.values()))
        if asked and not (options.ask is not None and options.ask(pin.name, asked)):
            if options.dry_run and not code:
                continue
            place = fork.asked_for.get(pin.name, pin.name)
            raise Untrusted(
                f"{pin.name} is not from upstream, and it: " + "; ".join(asked),
                hint=f"read it (skills show -v {place}), then accept it with {' '.join(wants)}",
            )
        fork.accepted.add(pin.digest)
        if not options.dry_run:
            remember(pin.digest)


def _asked(fork: Fork, pin: Pin, options: Options) -> dict[str, tuple[str, ...]]:
    """What the package may do that is not accepted yet, by the option that accepts it."""
    from skills_engine.package.capabilities import capabilities  # noqa: PLC0415

    wants = capabilities(fork.pinned(pin))
    accepts = {"--trust": (options.trust, wants.code), "--yes": (options.yes, wants.other)}
    return {option: lines for option, (given, lines) in accepts.items() if lines and not given}
