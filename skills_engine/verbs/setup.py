"""`init`: take a repository under management."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from skills_engine.errors import Refused
from skills_engine.graft.intent import Goal, Intent
from skills_engine.graft.project import read_project
from skills_engine.manifest import DEPENDENCIES, ENVIRONMENT, Core
from skills_engine.package.capabilities import within
from skills_engine.tree import difference
from skills_engine.types import Event
from skills_engine.verbs.plain import packages
from skills_engine.verbs.running import carry_out, locked

if TYPE_CHECKING:
    from pathlib import Path

    from skills_engine.graft.fork import Fork
    from skills_engine.types import Progress
    from skills_engine.verbs.reports import ChangeReport, Options

__all__ = ["begin", "init"]

_LOOKED_AT = 500


def init(
    directory: Path, upstream: str | None, branch: str | None, base: str | None, options: Options
) -> Progress[ChangeReport]:
    """Record upstream and the commit of it that the fork stands on, in manifests/core.yaml.

    `upstream` is a URL or a remote (default: the remote `upstream`, then
    `origin`); `base` is found as the merge base, or for a repository without
    common history as the upstream commit whose files are most like these.
    """

    def work(fork: Fork) -> Progress[ChangeReport]:
        if fork.managed:
            raise Refused(
                f"this fork is under management already: {fork.recorded.upstream}",
                hint="see: skills status",
            )
        remote, url = _remote(fork, upstream, add=not options.dry_run)
        core, note = yield from _core(fork, remote, url, branch, base, fetch=not options.dry_run)
        intent = Intent("init", f"Follow {url} ({core.branch})", None, Goal(core, ()))
        notes = (note, *_found(fork, core))
        return (yield from carry_out(fork, intent, options, notes=notes))

    return (yield from locked(directory, "init", work, options))


def begin(fork: Fork) -> Progress[tuple[str, ...]]:
    """Look at a clone that `init` has not seen as if it had: its one remote is upstream. What was
    found, in notes; none where the fork is under management.

    Raises Refused where there are several remotes, or none.
    """
    if fork.managed:
        return ()
    remotes = fork.git.text("remote").split()
    if len(remotes) > 1:
        raise Refused(
            "`skills init` was not run in this clone, and it has several remotes: "
            + ", ".join(f"{name} ({_address(fork, name)})" for name in remotes),
            hint=f"say which is upstream: skills init --upstream {remotes[0]}",
        )
    remote, url = _remote(fork, None, add=False)
    core, note = yield from _core(fork, remote, url, None, None, fetch=False)
    fork.begin(core)
    return (f"`skills init` was not run here: follows {url} ({core.branch})", note)


def _core(
    fork: Fork, remote: str, url: str, branch: str | None, base: str | None, *, fetch: bool
) -> Progress[tuple[Core, str]]:
    """What the fork stands on, and a note of how that was found."""
    known = branch or _default_branch(fork, remote)
    commit = None if fetch else fork.git.commit(f"refs/remotes/{remote}/{known}")
    if fetch:
        yield Event(f"fetch {known} from {remote}")
        commit = fork.git.fetch(remote, known)
    if commit is None:
        raise Refused(
            f"{remote} has no branch {known}", hint="name upstream's branch with --branch"
        )
    found, note = _base(fork, base, commit)
    return fork.core_at(found, url, known), note


def _found(fork: Fork, core: Core) -> tuple[str, ...]:
    """What else a repository says of itself, or is kept with, and where it may say otherwise."""
    from skills_engine.check.plan import default_requires  # noqa: PLC0415

    said = read_project(fork.tree)
    needed = said.test_requires or default_requires(fork.tree)
    these = f"these are installed: {', '.join(needed)}"
    installed = these if needed else "nothing else is installed"
    kept, example = core.dependencies or DEPENDENCIES, core.environment or ENVIRONMENT
    return (
        f"core {core.version}; what skills require goes into {kept}, settings into {example}",
        (
            f"their tests run with {said.test or 'python -m pytest'}, where {installed} "
            "([tool.skills] may say otherwise: docs/using.md)"
        ),
        _home(fork),
    )


def _remote(fork: Fork, wanted: str | None, *, add: bool) -> tuple[str, str]:
    remotes = fork.git.text("remote").split()
    for name in [wanted] if wanted else ["upstream", "origin"]:
        if name in remotes:
            return name, _public(fork.git.text("remote", "get-url", name))
    if wanted is None:
        raise Refused(
            "this repository has no remote", hint="name upstream: skills init --upstream URL"
        )
    for name in remotes:
        if fork.git.text("remote", "get-url", name) == wanted:
            return name, _public(wanted)
    if not re.search(r"[/:]", wanted):
        raise Refused(
            f"there is no remote {wanted}",
            hint=f"remotes: {', '.join(remotes) or 'none'}; or give a URL",
        )
    name = "upstream" if "upstream" not in remotes else "skills-upstream"
    if add:
        fork.git.run("remote", "add", name, wanted)
    return name, _public(wanted)


def _address(fork: Fork, remote: str) -> str:
    return _public(fork.git.text("remote", "get-url", remote))


def _home(fork: Fork) -> str:
    """Where skills from elsewhere may make changes without being trusted, and how to say another
    place.
    """
    home = read_project(fork.tree).home
    files = [path for path, _ in fork.tree.walk()]
    there = [glob for glob in home if any(within(path, [glob]) for path in files)]
    if there:
        return f"skills may change {', '.join(there)} without --trust ([tool.skills] home)"
    globs = [f'"{folder}**"' for folder in packages(fork.tree)]
    return (
        "skills from elsewhere may change nothing without --trust; to let them, put "
        f"home = [{', '.join(globs) or '…'}] into [tool.skills]"
    )


def _public(url: str) -> str:
    """An address without what may be a password in it: the manifest is committed."""
    return re.sub(r"^([a-z+]+://)[^/@]*@", r"\1", url)


def _default_branch(fork: Fork, remote: str) -> str:
    known = fork.git.text_or_none("symbolic-ref", f"refs/remotes/{remote}/HEAD")
    if known:
        return known.removeprefix(f"refs/remotes/{remote}/")
    asked = fork.git.text_or_none("ls-remote", "--symref", remote, "HEAD") or ""
    match = re.search(r"^ref: refs/heads/(\S+)\s+HEAD", asked, re.MULTILINE)
    return match[1] if match else "main"


def _base(fork: Fork, wanted: str | None, tip: str) -> tuple[str, str]:
    if wanted is not None:
        commit = fork.git.commit(wanted)
        if commit is None:
            hint = fork.git.how_to_get_more("fetch it first")
            raise Refused(f"{wanted} is no commit of this repository", hint=hint)
        return commit, f"the base is {commit[:12]}, as you said"
    common = fork.git.merge_base(fork.head, tip)
    if common is not None:
        return common, f"the base is {common[:12]}, where the histories part"
    log = fork.git.run(
        "log", f"--max-count={_LOOKED_AT}", "--first-parent", "--format=%H %T", tip
    ).decode()
    candidates = [line.split() for line in log.splitlines()]
    scored = [
        (sum(1 for _ in difference(fork.objects, tree, fork.tree_oid)), n)
        for n, (_, tree) in enumerate(candidates)
    ]
    differ, index = min(scored)
    commit = candidates[index][0]
    note = (
        f"no common history: the base is {commit[:12]}, from which {differ} files differ "
        "(another: --base COMMIT)"
    )
    return commit, note
