"""`plan`, and `apply FILE`: exactly that plan, or a refusal."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from skills_engine.errors import Refused, Stale, UsageError
from skills_engine.graft.fork import Fork
from skills_engine.graft.goal import for_apply
from skills_engine.graft.operation import compute
from skills_engine.resolve.ladder import climb
from skills_engine.verbs.accept import accept, accept_effects
from skills_engine.verbs.apply import apply, request
from skills_engine.verbs.describe import describe, diff_of
from skills_engine.verbs.setup import begin

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from skills_engine.types import Progress
    from skills_engine.verbs.reports import ChangeReport, Options

__all__ = ["Plan", "apply_plan", "plan", "read_plan", "write_plan"]

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Plan:
    """What `apply` of these skills would do to the fork at `head`: the tree that it would publish,
    and the report.
    """

    wanted: tuple[str, ...]
    head: str
    tree: str
    digests: tuple[tuple[str, str], ...]
    report: ChangeReport


def plan(directory: Path, wanted: Sequence[str], options: Options) -> Progress[Plan]:
    """Compute an apply, diff included, and write nothing."""
    dry = replace(options, dry_run=True)
    fork = Fork.open(directory)
    try:
        began = yield from begin(fork)
        resolved = for_apply(fork, wanted)
        asks = accept(fork, resolved, dry)
        computed = yield from compute(fork, request(resolved).intent(fork))
        computed = yield from climb(fork, computed, assistant=False)
        asks = (*asks, *accept_effects(fork, computed, dry))
        report = describe(fork, computed, (*began, *resolved.notes))
        diff = diff_of(fork, fork.begun or computed.head_tree, computed.tree)
        digests = tuple((pin.name, pin.digest) for pin in resolved.added)
        return Plan(
            tuple(wanted),
            fork.head,
            computed.tree,
            digests,
            replace(report, dry_run=True, diff=diff, asks=asks),
        )
    finally:
        fork.close()


def write_plan(plan: Plan, path: Path) -> None:
    """Save a plan. Raises Refused where the file cannot be written."""
    document = {"format": _FORMAT, **asdict(plan)}
    try:
        path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise Refused(f"{path} cannot be written: {error.strerror}") from None


def read_plan(path: Path) -> tuple[tuple[str, ...], str, str, dict[str, str]]:
    """What a saved plan wanted, the HEAD it was for, the tree it gives and the digests of its
    packages.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if found["format"] != _FORMAT:
            raise UsageError(
                f"{path} is a plan of format {found['format']}", hint="make it again: skills plan"
            )
        return (
            tuple(found["wanted"]),
            str(found["head"]),
            str(found["tree"]),
            dict(found["digests"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{path} is not a plan: {error}", hint="make one: skills plan NAME -o FILE"
        ) from None


def apply_plan(directory: Path, path: Path, options: Options) -> Progress[ChangeReport]:
    """Apply a saved plan. Raises Stale when HEAD or a package is no longer what it was."""
    wanted, head, tree, digests = read_plan(path)
    fork = Fork.open(directory)
    try:
        if fork.head != head:
            raise Stale(
                f"the plan is for {head[:12]}, and HEAD is {fork.head[:12]}", hint="make a new plan"
            )
        yield from begin(fork)
        resolved = for_apply(fork, wanted)
        if {pin.name: pin.digest for pin in resolved.added} != digests:
            raise Stale(
                "a package is no longer what the plan was made with", hint="make a new plan"
            )
    finally:
        fork.close()
    return (yield from apply(directory, wanted, options, expected=tree))
