"""The forks that are killed at, and the commands: each fork has an owner's loose ends in the files
that change.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.cli import QUICK, environment, skills
from harness.forks import advance, fork_of, live_in, upgrade_package, upstream
from harness.repos import Repo

__all__ = ["SCENARIOS", "Scenario"]


@dataclass(frozen=True)
class Scenario:
    """A command on a fork that `prepare` makes in a new directory. With code 3 the operation stops
    at a conflict.
    """

    name: str
    command: tuple[str, ...]
    prepare: Callable[[Path], Repo]
    code: int = 0


def _apply(path: Path) -> Repo:
    fork = fork_of(upstream(path / "upstream"), path / "fork")
    live_in(fork)
    return fork


def _uninstall(path: Path) -> Repo:
    fork = fork_of(upstream(path / "upstream"), path / "fork", "add-loud", "add-clock")
    live_in(fork)
    return fork


def _upgrade(path: Path) -> Repo:
    fork = fork_of(upstream(path / "upstream"), path / "fork", "add-loud")
    upgrade_package(fork)
    live_in(fork)
    return fork


def _rebase(path: Path) -> Repo:
    source = upstream(path / "upstream")
    fork = fork_of(source, path / "fork", "add-loud", "add-clock")
    live_in(fork)
    advance(source)
    return fork


def _after(path: Path, *commands: tuple[str, ...]) -> Repo:
    fork = _apply(path)
    for verb, *words in commands:
        ran = skills(fork, verb, *QUICK, *words, env=environment(path / "home"))
        assert ran.code == 0, ran.said
    return fork


def _undo(path: Path) -> Repo:
    return _after(path, ("apply", "add-loud"))


def _redo(path: Path) -> Repo:
    return _after(path, ("apply", "add-loud"), ("undo",))


def _restore(path: Path) -> Repo:
    """The way back takes one operation away, and does another again."""
    return _after(path, ("apply", "add-loud"), ("undo",), ("apply", "add-clock"))


def _conflict(path: Path) -> Repo:
    source = upstream(path / "upstream")
    fork = fork_of(source, path / "fork", "add-loud", "add-clock")
    fork.edit("parrot/help.py", "Say it.", "Do not say it.")
    fork.commit("Help mine")
    live_in(fork)
    advance(source)
    source.edit("parrot/help.py", "Say it.", "Say it twice.")
    source.commit("Help")
    return fork


def _resolved(path: Path) -> Repo:
    """A rebase that stopped, and whose conflict the owner has resolved."""
    fork = _conflict(path)
    ran = skills(fork, "rebase", *QUICK, env=environment(path / "home"))
    assert ran.code == 3, ran.said
    waits = fork.git_dir / "skills/conflict/parrot/help.py"
    text = waits.read_text()
    start, end = text.index("<<<<<<<"), text.index("\n", text.index(">>>>>>>")) + 1
    waits.write_text(text[:start] + '    return "Say it once."\n' + text[end:])
    return fork


SCENARIOS = (
    Scenario("apply", ("apply", *QUICK, "add-loud", "add-clock"), _apply),
    Scenario("uninstall", ("uninstall", *QUICK, "add-loud", "add-dice"), _uninstall),
    Scenario("upgrade", ("upgrade", *QUICK, "--trust", "--yes", "add-dice"), _upgrade),
    Scenario("rebase", ("rebase", *QUICK), _rebase),
    Scenario("undo", ("undo", *QUICK), _undo),
    Scenario("redo", ("redo", *QUICK), _redo),
    Scenario("restore", ("op", "restore", *QUICK, "@--"), _restore),
    Scenario("continue", ("continue", *QUICK), _resolved),
    Scenario("conflict", ("rebase", *QUICK), _conflict, code=3),
)
