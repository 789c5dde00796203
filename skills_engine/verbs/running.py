"""The run of a verb that changes a fork: under the lock, computed, resolved, checked, published."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from skills_engine.errors import Conflict, Locked, Refused, Stale, TestsFailed
from skills_engine.graft.fold import SkillRefused
from skills_engine.graft.fork import Fork
from skills_engine.graft.operation import (
    Computed,
    compute,
    networked_tests,
    publish_computed,
    tests_of,
)
from skills_engine.manifest import skill_path
from skills_engine.resolve.kept import forget, offers
from skills_engine.resolve.ladder import climb
from skills_engine.resolve.pending import Pending, check_none, drop, note, save
from skills_engine.sandbox import unconfined
from skills_engine.transaction.journal import interrupted
from skills_engine.transaction.lock import exclusive
from skills_engine.transaction.worktree import check_quiet
from skills_engine.tree import Tree
from skills_engine.types import Event, Stopped
from skills_engine.verbs.accept import NOT_CONFINED, accept_effects, accept_tests
from skills_engine.verbs.describe import describe
from skills_engine.verbs.environment import bring_up_to_date, run_skill_tests
from skills_engine.verbs.in_use import tell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from skills_engine.graft.intent import Goal, Intent
    from skills_engine.types import Progress
    from skills_engine.verbs.reports import ChangeReport, Options

__all__ = ["carry_out", "dependants", "locked", "settle", "stop", "told"]

_SHOWN = 5
"""So many files are named in a message; the lines below it have all."""


def locked(
    directory: Path,
    verb: str,
    work: Callable[[Fork], Progress[ChangeReport]],
    options: Options,
    *,
    pending: bool = False,
) -> Progress[ChangeReport]:
    """Run a verb under the lock (a dry run needs none), on a fork with nothing interrupted or
    pending.
    """
    fork = Fork.open(directory)
    try:
        if options.dry_run:
            return (yield from work(fork))
        with ExitStack() as stack:
            try:
                stack.enter_context(exclusive(fork.repository, verb))
            except Locked as taken:
                if not options.wait:
                    raise
                yield Event(f"wait: {taken.message}", lasting=True)
                stack.enter_context(exclusive(fork.repository, verb, wait=True))
                fork.close()
                fork = Fork.open(directory)  # the other operation may have changed everything
            _check_ready(fork, pending=pending)
            return (yield from work(fork))
    finally:
        fork.close()


def _check_ready(fork: Fork, *, pending: bool) -> None:
    if interrupted(fork.repository):
        raise Refused("an earlier operation was cut short", hint="run: skills doctor")
    check_quiet(fork.repository)
    if not pending:
        check_none(fork.repository)


def carry_out(
    fork: Fork,
    intent: Intent,
    options: Options,
    *,
    notes: tuple[str, ...] = (),
    expected: str | None = None,
) -> Progress[ChangeReport]:
    """Compute, check, test, publish, bring the environment up to date. Raises Conflict with the
    pending state kept.
    """
    try:
        computed = yield from compute(fork, intent)
    except SkillRefused as refused:
        if intent.verb != "rebase":
            raise
        if options.dry_run:
            return (yield from _without(fork, intent, refused, options, notes))
        pending = Pending.refused_by(
            intent, fork.head, (yield from _all_refused(fork, intent, refused)), notes
        )
        save(fork, pending)
        raise Conflict(
            told(intent.verb, pending.places),
            hint="run: skills skip (to go on without it), or skills abort",
            conflicts=pending.places,
            notes=notes,
        ) from refused
    computed = yield from climb(fork, computed, assistant=not options.dry_run)
    if expected is not None and computed.tree != expected:
        raise Stale("what would be done is not what the plan says", hint="make a new plan")
    return (yield from settle(fork, computed, options, notes=notes))


def _all_refused(fork: Fork, intent: Intent, first: SkillRefused) -> Progress[list[SkillRefused]]:
    """It, and the skills that would find no place either, were those before them left out."""
    found = [first]
    while True:
        names = {each.skill for each in found}
        names |= dependants(fork, intent.after, names)
        others = Pending.refused_by(intent, fork.head, found).without(names)
        try:
            yield from compute(fork, others)
        except SkillRefused as another:
            found.append(another)
        else:
            return found


def dependants(fork: Fork, goal: Goal, names: set[str]) -> set[str]:
    """The skills of a goal that need any of these, directly or not."""
    found: set[str] = set()
    while True:
        more = {
            pin.name
            for pin in goal.pins
            if pin.name not in names | found
            and (manifest := fork.pinned(pin).manifest) is not None
            and any(other in names | found for other, _ in manifest.depends)
        }
        if not more:
            return found
        found |= more


def _without(
    fork: Fork, intent: Intent, refused: SkillRefused, options: Options, notes: tuple[str, ...]
) -> Progress[ChangeReport]:
    """What a rebase would do that stops at a skill: the conflict, and how the others would fare."""
    pending = Pending.refused_by(intent, fork.head, [refused])
    names = {refused.skill} | dependants(fork, intent.after, {refused.skill})
    report = yield from carry_out(fork, pending.without(names), options, notes=notes)
    conflict = Stopped(
        f"{skill_path(refused.skill)}/SKILL.md", refused.line, refused.message, "skill"
    )
    skills = tuple(
        replace(skill, how="finds no place") if skill.name == refused.skill else skill
        for skill in report.skills
    )
    return replace(
        report, title=intent.title, skills=skills, conflicts=(conflict, *report.conflicts)
    )


def settle(
    fork: Fork,
    computed: Computed,
    options: Options,
    *,
    notes: tuple[str, ...] = (),
    continued: Pending | None = None,
) -> Progress[ChangeReport]:
    """From what was computed to what is published. `continued`: the operation that waited."""
    report = replace(describe(fork, computed, notes), asks=accept_effects(fork, computed, options))
    if options.dry_run:
        return replace(report, dry_run=True)
    if not computed.clean:
        raise stop(fork, computed, report.notes, continued)
    if not computed.changes_nothing:
        tests = tests_of(fork, computed) if options.test else ()
        if tests:
            accept_tests(fork, computed.intent.after, options)
            networked = networked_tests(fork, computed.intent.after.pins)
            failed = yield from run_skill_tests(fork, computed.tree, tests, networked)
            if failed is not None:
                raise TestsFailed(
                    f"the skills' own tests failed: {', '.join(tests)}",
                    output=failed,
                    hint="nothing was changed; --no-test goes on without them",
                )
        yield Event("publish")
        commit = publish_computed(fork, computed)
        report = replace(report, commit=commit, tests=tests)
        if tests and (why := unconfined()):
            said = f"the tests ran {NOT_CONFINED}: {why}"
            report = replace(report, notes=(*report.notes, said))
    if continued is not None:
        forget(fork.repository, continued.conflicts)
    drop(fork)
    if computed.changes_nothing:
        return report
    more = (yield from bring_up_to_date(fork, computed)) if options.install else ()
    programs = yield from tell(fork.repository, restart=options.restart)
    return replace(report, notes=(*report.notes, *more, *programs))


def stop(
    fork: Fork, computed: Computed, notes: tuple[str, ...], continued: Pending | None
) -> Conflict:
    """Keep an operation that cannot be published as it is; the error that says so."""
    pending = Pending.of(fork, computed, notes)
    if continued is None:
        found = offers(fork.repository, pending.conflicts)
        shown = Tree(fork.objects, computed.tree)
        for offer in found:
            offer.put(fork, shown)
        settled = [offer.waiting for offer in found if not offer.waiting.marked]
        save(fork, pending, shown.oid() if found else None, settled)
        paths = ", ".join(dict.fromkeys(offer.waiting.path for offer in found))
        if found:
            notes = (*notes, f"what you made of it before lies in the worktree again: {paths}")
    else:
        waited = tuple(each for each in continued.conflicts if each.kind != "check")
        note(fork.repository, replace(continued, conflicts=(*waited, *pending.conflicts)))
    folder = Pending.folder(fork.repository)
    return Conflict(
        told(computed.intent.verb, pending.places),
        hint=f"run: skills resolve, or edit in {folder}; then: skills continue (or skip, or abort)",
        conflicts=pending.places,
        notes=notes,
    )


def told(verb: str, places: Iterable[Stopped]) -> str:
    """Where an operation stopped, in a line."""
    first, *more = places
    if not more:
        return f"{verb} stopped at a conflict: {first}"
    files = list(dict.fromkeys(place.path for place in (first, *more)))
    shown = ", ".join(files[:_SHOWN]) + (", …" if len(files) > _SHOWN else "")
    return f"{verb} stopped at {len(more) + 1} conflicts in {shown}"
