"""One kill point: a fresh copy of the fork, the kill, the doctor, and what the fork is then."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from harness import Repo, State, environment, state

from killpoints.scenarios import Scenario
from killpoints.tracer import Step, trace

__all__ = [
    "FAULTS",
    "Bench",
    "How",
    "Point",
    "Verdict",
    "damage",
    "leftovers",
    "run_skills",
    "warm_up",
]


How = str
"""`kill`, `git-lives`, `full`, one of FAULTS, or who comes in between (`pairs`)."""
_ERRORS = {"eio": errno.EIO, "enospc": errno.ENOSPC, "eacces": errno.EACCES}
FAULTS: tuple[How, ...] = ("eio", "enospc", "eacces", "short")
"""What fails once, and lets everybody live."""


@dataclass(frozen=True)
class Point:
    """A step of a scenario, and what happens just before it.

    `kill`: engine and git die. `git-lives`: the engine alone dies, and git
    goes on. `full`: nobody dies, but the disk is full from then on. `eio`,
    `enospc`, `eacces`, `short`: that one call fails so, or writes half.
    """

    scenario: str
    step: int
    how: How = "kill"

    def __str__(self) -> str:
        return f"{self.scenario}:{self.step}:{self.how}"


@dataclass(frozen=True)
class Verdict:
    """What a fork was after kill and doctor: `before`, `after`, or `neither`, which says why."""

    point: Point
    what: str
    found: str
    why: str = ""


class Bench:
    """A prepared fork, how the command changes it when nobody kills it, and every step on the way."""

    def __init__(self, scenario: Scenario, folder: Path) -> None:
        self.scenario = scenario
        self.folder = folder / scenario.name
        self.folder.mkdir(parents=True)
        self._original = self.folder / "original"
        scenario.prepare(self.folder).path.rename(self._original)
        fork = self._copy("whole")
        self.before = state(fork)
        traced = trace(self._program(fork, *scenario.command), fork.path)
        assert traced.code == scenario.code, (
            f"{scenario.name} ended with {traced.code}: run it by hand in {fork.path}"
        )
        self.steps: list[Step] = traced.steps
        self.after = state(fork)
        assert (self.after == self.before) == (scenario.code == 3), self.before.differences(
            self.after
        )
        left = list(leftovers(fork, pending=scenario.code == 3))
        assert not left, f"{scenario.name} leaves {', '.join(left)}"

    def points(self) -> Iterator[Point]:
        """Every step, as many times as something can go wrong there."""
        for number, step in enumerate(self.steps):
            yield Point(self.scenario.name, number)
            if step.git:
                yield Point(self.scenario.name, number, "git-lives")
            if step.grows and not step.there:
                yield Point(self.scenario.name, number, "full")

    def faults(self) -> Iterator[Point]:
        """Every call, with each way in which it may fail once; and killed there."""
        for number, step in enumerate(self.steps):
            yield Point(self.scenario.name, number)
            for how in FAULTS if step.call != "start" else ():
                if step.shortens if how == "short" else (step.grows or how != "enospc"):
                    yield Point(self.scenario.name, number, how)

    def judge(self, point: Point) -> Verdict:
        """Let it happen there, call the doctor, look; then do it again if it was undone."""
        fork = self._copy(str(point))
        program = self._program(
            fork, *self.scenario.command, said=self.folder / f"said-{os.getpid()}"
        )
        full, once = point.how == "full", point.how in FAULTS
        traced = trace(
            program,
            fork.path,
            kill_before=None if full or once else point.step,
            git_lives=point.how == "git-lives",
            full_from=point.step if full else None,
            fail_at=point.step if once else None,
            error=_ERRORS.get(point.how, 0),
            short=point.how == "short",
        )
        step = str(traced.steps[point.step]) if len(traced.steps) > point.step else "(past the end)"
        what, why = self._full(fork, traced.code) if full else ("", "")
        what, why = self._once(fork, traced.code) if once else (what, why)
        if what != "neither":
            alone = what
            what, why = self._look(fork)
            if alone not in {"", what} and self.scenario.code == 0:
                what, why = "neither", f"it was {alone}, and the doctor made it {what}: {why}"
        if what != "neither" and (why := self._again(fork, what)):
            what = "neither"
        if what != "neither":
            shutil.rmtree(fork.path)
        return Verdict(point, what, step, why)

    def _full(self, fork: Repo, code: int) -> tuple[str, str]:
        """A full disk kills nobody: the exit code must say what became of the fork, before any
        doctor comes.
        """
        said = (self.folder / f"said-{os.getpid()}").read_text(encoding="utf-8")
        found = state(fork)
        if code == 1 and found == self.before:
            clear = (
                " space" in said or "write" in said
            )  # git does not always give the system's reason
            return ("before", "") if clear else ("neither", f"a poor message: {said}")
        if code == self.scenario.code and found == self.after:
            return "after", ""
        return (
            "neither",
            f"it ended with {code} ({said.strip()}): {_difference(found, self.before)}",
        )

    def _once(self, fork: Repo, code: int) -> tuple[str, str]:
        """A call that failed: it was got over, or nothing was changed and the message says what
        failed; or it says that the doctor is needed, who then decides.
        """
        said = (self.folder / f"said-{os.getpid()}").read_text(encoding="utf-8")
        found = state(fork)
        if "Traceback" in said or (code and not said.strip()):
            return "neither", f"a poor message: {said}"
        if code == self.scenario.code and found == self.after:
            return "after", ""
        if code == 1 and (found == self.before or "skills doctor" in said):
            return ("before", "") if found == self.before else ("", "")
        return (
            "neither",
            f"it ended with {code} ({said.strip()}): {_difference(found, self.before)}",
        )

    def _look(self, fork: Repo) -> tuple[str, str]:
        code, said = self._run(fork, "doctor", "--json")
        pending = (fork.git_dir / "skills/pending.json").exists()
        if code != (1 if pending else 0):
            return "neither", f"doctor ended with {code}: {said}"
        found = state(fork)
        recovered = (json.loads(said)["result"]["recovered"] or {}).get("outcome")
        if left := list(leftovers(fork, pending=pending)):
            return "neither", f"left over: {', '.join(left)}"
        if said := damage(fork):
            return "neither", f"git fsck: {said}"
        if self.scenario.code == 3:
            if found != self.before:
                return "neither", _difference(found, self.before)
            return ("after" if pending else "before"), ""
        if found == self.before:
            return (
                ("before", "")
                if recovered != "completed"
                else ("neither", "doctor says completed, and it is as before")
            )
        if found == self.after:
            return (
                ("after", "")
                if recovered != "undone"
                else ("neither", "doctor says undone, and it is as after")
            )
        return (
            "neither",
            f"before: {_difference(found, self.before)}; after: {_difference(found, self.after)}",
        )

    def _again(self, fork: Repo, what: str) -> str:
        """What is wrong when the operation is run again after it was undone, and the conflict then
        given up.
        """
        if what == "before":
            code, said = self._run(fork, *self.scenario.command)
            if code != self.scenario.code:
                return f"run again, it ended with {code}: {said}"
            if state(fork) != self.after:
                return f"run again: {_difference(state(fork), self.after)}"
        if self.scenario.code == 3:
            code, said = self._run(fork, "abort", "-q")
            if code:
                return f"abort ended with {code}: {said}"
            if state(fork) != self.before:
                return f"aborted: {_difference(state(fork), self.before)}"
        left = list(leftovers(fork, pending=False))
        return f"at the end left over: {', '.join(left)}" if left else ""

    # --- forks and programs

    def _copy(self, name: str) -> Repo:
        path = self.folder / name.replace(":", "-")
        subprocess.run(["cp", "-a", str(self._original), str(path)], check=True)
        fork = Repo(path)
        fork.git("update-index", "-q", "--refresh", ok=(0, 1))
        return fork

    def _program(self, fork: Repo, *args: str, said: Path | None = None) -> Callable[[], int]:
        env = environment(self.folder / "home", PYTHONDONTWRITEBYTECODE="1")
        return lambda: run_skills(fork.path, args, env, said)

    def _run(self, fork: Repo, *args: str) -> tuple[int, str]:
        said = self.folder / f"said-{os.getpid()}"
        program = self._program(fork, *args, said=said)
        child = os.fork()
        if child == 0:
            code = 126
            try:
                code = program()
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
        return os.waitstatus_to_exitcode(status), said.read_text(encoding="utf-8")


def run_skills(
    directory: Path, args: tuple[str, ...], env: dict[str, str], said: Path | None
) -> int:
    """The whole program, in a process that was forked from one which has imported it already."""
    from skills_engine.cli import main  # noqa: PLC0415

    os.chdir(directory)
    os.environ.clear()
    os.environ.update(env)
    to = os.open(said or os.devnull, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(to, 1)
    os.dup2(nothing if "--json" in args else to, 2)
    sys.argv = ["skills", *args]
    code: Any = 0
    try:
        main()
    except SystemExit as end:
        code = end.code or 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return int(code)


def warm_up() -> None:
    """Import what the verbs import, once, so that each of some thousand runs need not."""
    for name in (
        "filelock",
        "gitdb",
        "yaml",
        "libcst",
        "tomlkit",
        "ruamel.yaml",
        "skills_engine.cli",
    ):
        import_module(name)
    for name in ("running", "rebase", "care", "continue_", "describe"):
        import_module(f"skills_engine.verbs.{name}")
    for name in ("codemods.registry", "package.decode", "package.reader", "check.checks"):
        import_module(f"skills_engine.{name}")


def _difference(found: State, wanted: State) -> str:
    return ", ".join(found.differences(wanted)) or "nothing"


def damage(fork: Repo) -> str:
    done = subprocess.run(
        ["git", "fsck", "--no-dangling", "--no-progress"],
        cwd=fork.path,
        capture_output=True,
        text=True,
        check=False,
    )
    return (done.stdout + done.stderr).strip()


def leftovers(fork: Repo, *, pending: bool) -> Iterator[str]:
    """Traces of the engine in the git directory, and locks of git's that nobody holds."""
    folder = fork.git_dir
    ours = {"lock", *(("pending.json", "conflict") if pending else ())}
    there = folder / "skills"
    found = [path for path in there.glob("*") if not (path.is_dir() and not any(path.iterdir()))]
    yield from (f"skills/{path.name}" for path in sorted(found) if path.name not in ours)
    yield from (
        str(path.relative_to(folder))
        for path in folder.rglob("*.lock")
        if "objects" not in path.parts and "skills/conflict" not in str(path)
    )
    yield from (str(path.relative_to(folder)) for path in (folder / "objects").glob("obj*"))
    worktrees = folder / "worktrees"
    if worktrees.exists() and not pending:
        yield "worktrees"
    refs = fork.git("for-each-ref", "--format=%(refname)").split()
    known = (
        "refs/heads/",
        "refs/tags/",
        "refs/remotes/",
        "refs/stash",
        "refs/skills/backup/",
        "refs/skills/graft/",
        *(("refs/skills/waiting/",) if pending else ()),
    )
    yield from (ref for ref in refs if not ref.startswith(known))
