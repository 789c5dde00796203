"""`rebase`: stand on a newer upstream; skills and the owner's edits come along."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from skills_engine.errors import Refused
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
            raise Refused(f"upstream has no branch {branch}", hint="name a commit: --onto REF")
    if commit != fork.core.base and fork.git.is_ancestor(commit, fork.core.base):
        raise Refused(
            f"{commit[:12]} is older than what the fork stands on ({fork.core.base[:12]})"
        )
    return commit
