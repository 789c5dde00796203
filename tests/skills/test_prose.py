"""The skills that are prose for an assistant: each command in them runs, in order, in a fork; and
`starter` leaves no trace.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from forks import ROOT, SKILLS, package
from harness.shell import USER, sh

SH = re.compile(r"^```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)
TESTED_ELSEWHERE = ("skills apply", "skills rebase --yes")
OWN, THEIRS = "SORRY_BUT_MINE = 1\n", "THEIRS_AND_NEW = 2\n"


def run(command: str, cwd: Path) -> str:
    """What a line of a shell prints, with the fork's own code."""
    settings = {"ANTHROPIC_API_KEY": "", "CLAUDE_CODE_OAUTH_TOKEN": "", "CONSOLE": "yes"}
    return sh(command, cwd, {**os.environ, **USER, **settings, "PYTHONPATH": str(cwd)})


def commands(name: str) -> list[str]:
    text = (SKILLS / name / "SKILL.md").read_text("utf-8")
    return [line for block in SH.findall(text) for line in block.splitlines()]


@pytest.fixture
def fork(tmp_path: Path) -> Path:
    """A clone of a clone of this repository, as it is committed."""
    run(
        f"git clone -q {ROOT} up && git -C up checkout -q -B main && git clone -q up fork", tmp_path
    )
    return tmp_path / "fork"


def follow(name: str, fork: Path) -> str:
    """All that the commands of a page print."""
    said = ""
    for one in commands(name):
        more = " --no-test --no-install" if one.startswith(TESTED_ELSEWHERE) else ""
        said += run(one + more, fork)
    return said


@pytest.mark.slow
def test_setup_brings_the_starter_which_leaves_no_trace(fork: Path) -> None:
    said = follow("setup", fork)
    assert "No model is connected" in said
    assert (fork / "manifests/remember.yaml").exists()
    manifest = package("starter").manifest
    assert manifest
    names = ["starter", *(name for name, *_ in manifest.depends)]
    run(f"skills uninstall {' '.join(names)} --no-test --no-install", fork)
    kept = run("git diff --name-only origin/main HEAD", fork).split()
    assert kept == ["manifests/core.yaml"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["customize", "debug"])
def test_each_command_runs(fork: Path, name: str) -> None:
    run("skills init", fork)
    assert follow(name, fork)


@pytest.mark.slow
def test_update_brings_upstream_and_keeps_skills_and_edits(fork: Path) -> None:
    run("skills init && skills apply add-calculator --no-test --no-install", fork)
    for place, line in ((fork, OWN), (fork.parent / "up", THEIRS)):
        page = "bot/prompt.py" if place == fork else "bot/text.py"
        with (place / page).open("a") as file:
            file.write(f"\n\n{line}")
        run("git commit -qam 'A line'", place)
    follow("update", fork)
    assert OWN in (fork / "bot/prompt.py").read_text("utf-8")
    assert THEIRS in (fork / "bot/text.py").read_text("utf-8")
    assert (fork / "manifests/add-calculator.yaml").exists()


@pytest.mark.parametrize("name", ["setup", "customize", "debug", "update"])
def test_a_page_has_commands(name: str) -> None:
    assert len(commands(name)) > 5
