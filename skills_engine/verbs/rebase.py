"""`rebase`: stand on a newer upstream; skills and the owner's edits come along."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from skills_engine.errors import Refused, SkillsError
from skills_engine.graft.goal import for_rebase
from skills_engine.types import Event
from skills_engine.verbs.request import Request, run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skills_engine.graft.fork import Fork
    from skills_engine.types import Progress
    from skills_engine.verbs.reports import ChangeReport, Options

__all__ = ["rebase"]


def rebase(
    directory: Path, onto: str | None, options: Options, *, without: Sequence[str] = ()
) -> Progress[ChangeReport]:
    """Stand on `onto`. Without it upstream's branch is fetched first (for a dry run, into a place
    aside).
    """

    def ask(fork: Fork) -> Request:
        target = _target(fork, onto, Path(aside) if options.dry_run else None)
        resolved = for_rebase(fork, target, without=without)
        if onto is not None and (branch := _renamed(fork, onto)):
            core = replace(resolved.goal.core, branch=branch)
            note = (
                f"upstream has no branch {fork.recorded.branch}: {branch} is followed from now on"
            )
            goal = replace(resolved.goal, core=core)
            resolved = replace(resolved, goal=goal, notes=(*resolved.notes, note))
        version = resolved.goal.core.version
        return Request("rebase", f"Rebase onto {target[:12]} (core {version})", resolved, target)

    if onto is None:
        yield Event("fetch upstream")
    with tempfile.TemporaryDirectory(prefix="skills-") as aside:
        return (yield from run(directory, "rebase", ask, options))


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
            names = ", ".join(_branches(fork, remote)) or "none"
            raise Refused(
                f"upstream has no branch {branch}, but: {names}",
                hint=f"fetch, and say which is followed then: skills rebase --onto {remote}/NAME",
            )
    if commit != fork.core.base and fork.git.is_ancestor(commit, fork.core.base):
        raise Refused(
            f"{commit[:12]} is older than what the fork stands on ({fork.core.base[:12]})"
        )
    return commit


def _renamed(fork: Fork, onto: str) -> str:
    """Upstream's branch that `onto` names, where upstream has no more the one that is followed;
    empty otherwise, and where upstream cannot be asked.
    """
    remote, _, branch = onto.removeprefix("refs/remotes/").partition("/")
    if not branch or remote != fork.remote or branch == fork.recorded.branch:
        return ""
    try:
        branches = _branches(fork, remote)
    except SkillsError:
        return ""
    return branch if branch in branches and fork.recorded.branch not in branches else ""


def _branches(fork: Fork, remote: str) -> list[str]:
    lines = fork.git.text("ls-remote", "--heads", remote).splitlines()
    return [line.partition("\t")[2].removeprefix("refs/heads/") for line in lines]
