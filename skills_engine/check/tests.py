"""Runs tests of a scratch worktree in a room of their own (`sandbox`), away from the user's
secrets.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from skills_engine.check.installer import plain_environment
from skills_engine.check.plan import TestPlan
from skills_engine.check.process import run
from skills_engine.sandbox import Room, enclosed, python_files

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["TestRun", "run_tests"]

_WHERE = 60
"""Seconds after which a test that still runs says where it is."""

_TESTS = "{tests}"
"""Where a test command has the files."""

_METADATA = ".metadata"

_ENDS = {
    1: "tests failed",
    2: "the test run was interrupted",
    3: "pytest met an error of its own",
    4: (
        "pytest was called wrongly: a test file is missing, or an option in pyproject.toml is "
        "unknown to it"
    ),
    5: "pytest found no tests in them",
}


@dataclass(frozen=True, slots=True)
class TestRun:
    """What became of the tests. `reason` says in a few words why they did not pass; `output` is
    what they printed.
    """

    __test__ = False

    passed: bool
    output: str
    seconds: float
    reason: str = ""


def run_tests(
    python: Path,
    worktree: Path,
    tests: Sequence[str],
    *,
    timeout: float,
    silence: float | None = None,
    report: Callable[[str], None],
    network: bool = False,
    words: Sequence[str] = (),
    on_line: Callable[[str], None] | None = None,
    plan: TestPlan | None = None,
) -> TestRun:
    """Run pytest, or the plan's command, on `tests`, paths below `worktree`; at most `timeout`
    seconds, and `silence` without a sign of it. No tests at all pass. `words` are more arguments
    of pytest's own; `on_line` gets each line as it comes.

    The tests see the worktree (and its src/) on their path, an empty home
    folder, and of the user's variables only those that cannot hold a secret.
    Other files and processes of the machine, and the network unless it is
    granted, are not in their room, where this machine can make one. They run
    in a session of their own, of which nothing is left afterwards.
    """
    if not tests:
        return TestRun(passed=True, output="", seconds=0.0)
    report(f"running {', '.join(tests)}")
    # ./ keeps a file whose name begins with a hyphen from being read as an option
    named = [f"./{path}" if path.startswith("-") else path for path in tests]
    plan = plan or TestPlan()
    command = _command(plan, python, named, words)
    if shutil.which(command[0]) is None:
        reason = (
            f"there is no program {command[0]} for the tests: [tool.skills] says that it runs "
            "them, and test-requires there what to install"
        )
        return TestRun(passed=False, output="", seconds=0.0, reason=reason)
    with tempfile.TemporaryDirectory(prefix="graftbot-home-", ignore_cleanup_errors=True) as home:
        room = Room(worktree, python_files(python), (worktree, Path(home)), network)
        _write(Path(home, _METADATA), plan.metadata)
        _write(worktree, plan.generated)
        with enclosed(command, room, _environment(python, worktree, Path(home), plan)) as inside:
            ran = run(
                inside.command,
                cwd=worktree,
                env=inside.env,
                timeout=timeout,
                silence=silence,
                on_line=on_line,
            )
    done = replace(ran, code=inside.status(ran.code))
    if done.code == 0:
        return TestRun(passed=True, output=done.output, seconds=done.seconds)
    if done.silent:
        reason = f"the tests hang: nothing came of them for {silence:g} seconds"
    elif done.code is None:
        reason = f"the tests took longer than {timeout:g} seconds"
    elif done.code < 0:
        reason = f"the tests were ended by signal {-done.code}"
    elif "No module named pytest" in done.output:
        reason = "pytest is not installed in the environment that the tests run in"
    elif any("pytest" in str(word) for word in command[:3]):
        reason = _ENDS.get(done.code, f"pytest ended with exit code {done.code}")
    else:
        reason = f"{Path(command[0]).name} ended with exit code {done.code}"
    return TestRun(passed=False, output=done.output, seconds=done.seconds, reason=reason)


def _command(
    plan: TestPlan, python: Path, tests: Sequence[str], words: Sequence[str]
) -> list[str | Path]:
    if not plan.command:
        quiet = ("-q", "-p", "no:cacheprovider", "--color=no", "--tb=short")
        hang = ("-o", f"faulthandler_timeout={_WHERE}")
        return [python, "-m", "pytest", *quiet, *hang, *words, *tests]
    first, *rest = plan.command
    beside = python.with_name(first)
    program = python if first in {"python", "python3"} else beside if beside.exists() else first
    if _TESTS not in rest:
        rest = [*rest, _TESTS]
    at = rest.index(_TESTS)
    return [program, *rest[:at], *words, *tests, *rest[at + 1 :]]


def _write(folder: Path, files: Mapping[str, str]) -> None:
    """Those that are not there yet."""
    for path, text in files.items():
        place = folder / path
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")


def _environment(python: Path, worktree: Path, home: Path, plan: TestPlan) -> dict[str, str]:
    variables = plain_environment()
    folders = {
        "HOME": home,
        "USERPROFILE": home,
        "XDG_CACHE_HOME": home / ".cache",
        "XDG_CONFIG_HOME": home / ".config",
        "XDG_DATA_HOME": home / ".local" / "share",
        "XDG_STATE_HOME": home / ".local" / "state",
        "HYPOTHESIS_STORAGE_DIRECTORY": home
        / ".hypothesis",  # else it is written into the worktree
    }
    path = [str(python.parent), *filter(None, [variables.get("PATH", "")])]
    seen = [str(worktree)]
    for glob in plan.folders:
        seen += [str(folder) for folder in sorted(worktree.glob(glob)) if folder.is_dir()]
    seen += [str(home / _METADATA)]
    return variables | {
        **{name: str(folder) for name, folder in folders.items()},
        "PATH": ":".join(path),
        "PYTHONPATH": ":".join(seen),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONNOUSERSITE": "1",
        "PYTHONUNBUFFERED": "1",
    }
