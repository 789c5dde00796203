"""The program `skills`, in this process: the same code from the arguments to the exit code, without
starting Python.

Tests that need a process of its own use `harness.skills`.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

from harness import Ran, Repo, environment

from skills_engine.cli.app import app, run
from skills_engine.cli.options import state

__all__ = ["skills", "surroundings"]


@contextmanager
def surroundings(home: Path) -> Iterator[None]:
    """An environment in which only the repository says anything, for as long as it takes."""
    kept = dict(os.environ)
    os.environ.clear()
    os.environ.update(environment(home))
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(kept)


def skills(fork: Repo, *args: str) -> Ran:
    """Run `skills -C FORK ARGS`."""
    out, err = io.StringIO(), io.StringIO()
    here = Path.cwd()
    argv, sys.argv = sys.argv, ["skills", "-C", str(fork.path), *args]
    state.directory, state.output = None, None
    app.registered_commands.clear()  # a process has one verb, and this one has many
    app.registered_groups.clear()
    try:
        with surroundings(fork.path.parent / "home"), redirect_stdout(out), redirect_stderr(err):
            code = _code()
    finally:
        sys.argv = argv
        os.chdir(here)
    return Ran(code, out.getvalue(), err.getvalue())


def _code() -> int:
    try:
        run()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0
