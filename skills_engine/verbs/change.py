"""The verbs that change a fork: each resolves a goal, and `carry_out` does the rest."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from skills_engine.errors import Conflict, Locked, Refused, Stale, TestsFailed
from skills_engine.graft.fold import SkillRefused
from skills_engine.graft.fork import Fork
from skills_engine.graft.goal import Resolved, for_apply, for_rebase, for_uninstall, for_upgrade
from skills_engine.graft.intent import Intent
from skills_engine.graft.operation import Computed, compute, publish_computed, tests_of
from skills_engine.manifest import skill_path
from skills_engine.resolve.ladder import climb
from skills_engine.resolve.pending import Pending, check_none, drop, save
from skills_engine.transaction.journal import interrupted
from skills_engine.transaction.lock import exclusive
from skills_engine.transaction.worktree import check_quiet
from skills_engine.types import Event
from skills_engine.verbs.accept import accept, accept_effects, accept_tests
from skills_engine.verbs.describe import describe, stopped
from skills_engine.verbs.environment import bring_up_to_date, run_skill_tests
from skills_engine.verbs.reports import Stopped

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from skills_engine.types import Progress
    from skills_engine.verbs.reports import ChangeReport, Options

__all__ = ["apply", "apply_intent", "carry_out", "locked", "rebase", "uninstall", "upgrade"]


@dataclass(frozen=True, slots=True)
class Request:
    """A verb's goal, and how its commit is called."""

    verb: str
    title: str
    resolved: Resolved
    second_parent: str | None = None


def apply(
    directory: Path, wanted: Sequence[str], options: Options, *, expected: str | None = None
) -> Progress[ChangeReport]:
    """Add skills by name, path or git URL, dependencies first. With `expected`, to that very tree
    or not at all.
    """

    def work(fork: Fork) -> Progress[ChangeReport]:
        resolved = for_apply(fork, wanted)
        asks = accept(fork, resolved, options)
        intent = apply_intent(fork, resolved)
        report = yield from carry_out(
            fork, intent, options, notes=resolved.notes, expected=expected
        )
        return replace(report, asks=(*asks, *report.asks))

    return (yield from locked(directory, "apply", work, options))


def apply_intent(fork: Fork, resolved: Resolved) -> Intent:
    """The intent of an apply, the same for `apply` and `plan`."""
    title = "Apply " + ", ".join(f"{pin.name} {pin.version}" for pin in resolved.added)
    return _intent(fork, Request("apply", title, resolved))


def uninstall(directory: Path, names: Sequence[str], options: Options) -> Progress[ChangeReport]:
    """Take skills off; what they alone brought goes with them."""

    def ask(fork: Fork) -> Request:
        resolved = for_uninstall(fork, names)
        return Request(
            "uninstall", "Uninstall " + ", ".join(pin.name for pin in resolved.removed), resolved
        )

    return (yield from _change(directory, "uninstall", ask, options))


def upgrade(directory: Path, names: Sequence[str], options: Options) -> Progress[ChangeReport]:
    """Bring skills to the version that their source has now."""

    def ask(fork: Fork) -> Request:
        resolved = for_upgrade(fork, names)
        title = "Upgrade " + ", ".join(f"{pin.name} to {pin.version}" for pin in resolved.added)
        return Request("upgrade", title, resolved)

    return (yield from _change(directory, "upgrade", ask, options))


def rebase(
    directory: Path, onto: str | None, options: Options, *, without: Sequence[str] = ()
) -> Progress[ChangeReport]:
    """Stand on a newer upstream. Without `onto` its branch is fetched first (for a dry run, into a
    place aside).
    """

    def ask(fork: Fork) -> Request:
        target = _target(fork, onto, Path(aside) if options.dry_run else None)
        resolved = for_rebase(fork, target, without=without)
        version = resolved.goal.core.version
        return Request("rebase", f"Rebase onto {target[:12]} (core {version})", resolved, target)

    if onto is None:
        yield Event("fetch upstream")
    with tempfile.TemporaryDirectory(prefix="skills-") as aside:
        return (yield from _change(directory, "rebase", ask, options))


def _target(fork: Fork, onto: str | None, aside: Path | None) -> str:
    if onto is not None:
        commit = fork.git.commit(onto)
        if commit is None:
            raise Refused(
                f"{onto} is no commit of this repository",
                hint="fetch it, or name another with --onto",
            )
    else:
        remote = fork.remote
        if remote is None:
            raise Refused(
                f"no remote of this repository is {fork.recorded.upstream}",
                hint=f"run: git remote add upstream {fork.recorded.upstream}, or use --onto REF",
            )
        branch = fork.recorded.branch
        commit = (
            fork.git.fetch_aside(remote, branch, aside) if aside else fork.git.fetch(remote, branch)
        )
        if commit is None:
            raise Refused(f"upstream has no branch {branch}", hint="name a commit: --onto REF")
    if commit != fork.core.base and fork.git.is_ancestor(commit, fork.core.base):
        raise Refused(
            f"{commit[:12]} is older than what the fork stands on ({fork.core.base[:12]})"
        )
    return commit


def _change(
    directory: Path, verb: str, ask: Callable[[Fork], Request], options: Options
) -> Progress[ChangeReport]:
    def work(fork: Fork) -> Progress[ChangeReport]:
        request = ask(fork)
        asks = accept(fork, request.resolved, options)
        report = yield from carry_out(
            fork, _intent(fork, request), options, notes=request.resolved.notes
        )
        return replace(report, asks=(*asks, *report.asks))

    return (yield from locked(directory, verb, work, options))


def _intent(fork: Fork, request: Request) -> Intent:
    resolved, second = request.resolved, request.second_parent
    before = fork.goal
    if second is not None and fork.git.is_ancestor(second, fork.head):
        second = None
    return Intent(
        request.verb,
        request.title,
        before,
        resolved.goal,
        (*resolved.added, *resolved.removed),
        second,
    )


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
        save(fork, Pending.refused_by(intent, fork.head, refused))
        raise Conflict(
            refused.message, hint="run: skills skip (to go on without it), or skills abort"
        ) from refused
    computed = yield from climb(fork, computed, assistant=not options.dry_run)
    if expected is not None and computed.tree != expected:
        raise Stale("what would be done is not what the plan says", hint="make a new plan")
    return (yield from settle(fork, computed, options, notes=notes))


def _without(
    fork: Fork, intent: Intent, refused: SkillRefused, options: Options, notes: tuple[str, ...]
) -> Progress[ChangeReport]:
    """What a rebase would do that stops at a skill: the conflict, and how the others would fare."""
    pending = Pending.refused_by(intent, fork.head, refused)
    report = yield from carry_out(fork, pending.without({refused.skill}), options, notes=notes)
    conflict = Stopped(f"{skill_path(refused.skill)}/SKILL.md", 1, refused.message)
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
    resolving: bool = False,
) -> Progress[ChangeReport]:
    """From what was computed to what is published."""
    report = replace(describe(fork, computed, notes), asks=accept_effects(fork, computed, options))
    if options.dry_run:
        return replace(report, dry_run=True)
    if not computed.clean:
        if not resolving:
            pending = Pending.of(fork, computed)
            save(fork, pending)
        first = stopped(computed)[0]
        raise Conflict(
            f"{computed.intent.verb} stopped at a conflict: {first.path}: {first.reason}",
            hint=(
                f"resolve it in {Pending.folder(fork.repository)}, then: skills continue (or "
                "skip, or abort)"
            ),
        )
    if computed.changes_nothing:
        return report
    tests = tests_of(fork, computed) if options.test else ()
    if tests:
        accept_tests(fork, computed.intent.after, options)
        failed = yield from run_skill_tests(fork, computed.tree, tests)
        if failed is not None:
            raise TestsFailed(
                f"the skills' own tests failed: {', '.join(tests)}",
                output=failed,
                hint="nothing was changed; --no-test goes on without them",
            )
    yield Event("publish")
    commit = publish_computed(fork, computed)
    drop(fork)
    more = (yield from bring_up_to_date(fork, computed)) if options.install else ()
    return replace(report, commit=commit, tests=tests, notes=(*report.notes, *more))
