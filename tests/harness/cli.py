"""The program `skills`, as a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.forking import fits, run
from harness.repos import GIT, Repo

__all__ = ["QUICK", "Ran", "console", "environment", "skills", "skills_command"]

UNTRIED = ("--no-test", "--no-install")
QUICK = (*UNTRIED, "-q")
"""For verbs that change a fork, where a test is about the fork alone."""

_PROJECT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Ran:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        return self.out + self.err

    @property
    def document(self) -> Any:
        """What `--json` printed."""
        return json.loads(self.out)


def environment(home: Path, **more: str) -> dict[str, str]:
    """An environment in which only the repository itself says anything, and time stands still."""
    home.mkdir(parents=True, exist_ok=True)
    kept = {key: os.environ[key] for key in ("PATH", "TMPDIR") if key in os.environ}
    return {
        **kept,
        **GIT,
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "PYTHONPATH": str(_PROJECT),
        **more,
    }


def skills_command(*args: str) -> list[str]:
    return [sys.executable, "-m", "skills_engine", *args]


def skills(
    fork: Repo | Path, *args: str, env: Mapping[str, str] | None = None, prefix: Sequence[str] = ()
) -> Ran:
    """Run `skills ARGS` in a fork, with a home beside it. `prefix` may be `setpriv …` and the like."""
    path = fork.path if isinstance(fork, Repo) else fork
    usual = environment(path.parent / "home")
    given = dict(env) if env is not None else usual
    if not prefix and fits(given, usual):
        code, out, err = run(args, path, given)
        return Ran(code, os.fsdecode(out), os.fsdecode(err))
    done = subprocess.run(
        [*prefix, *skills_command(*args)],
        cwd=path,
        env=given,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    return Ran(done.returncode, os.fsdecode(done.stdout), os.fsdecode(done.stderr))


def console(fork: Repo | Path, *args: str) -> Ran:
    """The same by the console script, as people run it: in a clone of this repository the engine is
    still the one that is installed, and not the clone's.
    """
    path = fork.path if isinstance(fork, Repo) else fork
    env = environment(path.parent / "home")
    del env["PYTHONPATH"]
    done = subprocess.run(
        [Path(sys.executable).with_name("skills"), *args],
        cwd=path,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    return Ran(done.returncode, os.fsdecode(done.stdout), os.fsdecode(done.stderr))
