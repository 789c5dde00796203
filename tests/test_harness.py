"""The tests' way of running the program is a run of the program: it says and does the same."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from harness import Repo, console, environment, fork_of, skills, upstream
from harness.cli import QUICK
from harness.forking import fits


@pytest.mark.parametrize(
    "args",
    [
        ("status", "--json"),
        ("list",),
        ("plan", "telegram"),
        ("apply", "telegram", *QUICK),
        ("apply", "no-such-skill", "--json"),
        ("rebase", "--no-such-option"),
        ("--version",),
        ("--help",),
    ],
    ids=" ".join,
)
def test_both_say_and_leave_the_same(tmp_path: Path, args: tuple[str, ...]) -> None:
    ends = []
    for run in (skills, console):
        here = tmp_path / "here"
        here.mkdir()
        fork = fork_of(upstream(here / "upstream"), here / "fork")
        ran = run(fork, *args)
        ends.append((ran, fork.git("rev-parse", "HEAD^{tree}"), fork.git("status", "--porcelain")))
        shutil.rmtree(here)
    assert ends[0] == ends[1]


def test_a_run_has_its_own_folder_environment_and_end(tmp_path: Path) -> None:
    one, other = (Repo.init(tmp_path / name / "repo") for name in ("one", "other"))
    assert "no commit" in skills(one, "status").said
    other.commit("Base", {"a": "a\n"})
    there = skills(other, "status", env={**environment(tmp_path / "home"), "NO_COLOR": "1"})
    assert "no commit" not in there.said
    assert "no commit" in skills(one, "status").said


def test_what_a_process_reads_as_it_starts_needs_a_process_of_its_own(tmp_path: Path) -> None:
    usual = environment(tmp_path / "home")
    assert fits({**usual, "HOME": "/nowhere"}, usual)
    for name in ("PYTHONPATH", "PYTHONWARNINGS", "LC_ALL", "LANG", "LD_PRELOAD"):
        assert not fits({**usual, name: "other"}, usual)
    assert not fits({name: usual[name] for name in usual if name != "PYTHONPATH"}, usual)


def test_what_forks_ends_with_who_asked() -> None:
    """However that ends: here as a worker of a test run does, with nothing cleaned up."""
    folder = Path(tempfile.mkdtemp())  # the path of a socket is short
    asks = (
        "import os; from harness import forking as f; print(f._server(), flush=True); os._exit(0)"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "TMPDIR": str(folder)}
    said = subprocess.run([sys.executable, "-c", asks], env=env, capture_output=True, check=True)
    assert os.fsdecode(said.stdout).startswith(str(folder))
    while any(folder.iterdir()):
        time.sleep(0.01)
    folder.rmdir()
