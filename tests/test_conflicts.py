"""What stops at a conflict, on real repositories: said before, said with the right exit code, and
nothing changed.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from harness import Repo, fork_of, skills, state, upstream
from harness.cli import QUICK
from harness.forks import skill

WRAPS = skill(
    "add-care",
    'version: 1.0.0\ncore: ">=0.1,<1"',
    """
- ensure: wrap
  of: parrot.commands:answer
  statements: command = COMMANDS.get(text)
  wrapper: |-
    try:
        $BODY
    except KeyError:
        command = None
""",
)


@pytest.fixture
def fork(tmp_path: Path) -> Repo:
    """A fork whose owner deleted, in a commit, the statement that a skill wraps, and edited around
    it.
    """
    source = upstream(tmp_path / "upstream")
    source.commit("Care", WRAPS)
    fork = fork_of(source, tmp_path / "fork")
    fork.edit("parrot/commands.py", "    command = COMMANDS.get(text)\n", "")
    fork.edit("parrot/commands.py", "return command() if command else text", "return text.strip()")
    fork.commit("No commands in mine")
    return fork


def test_what_the_owner_deleted_does_not_come_back_in_what_a_skill_wraps(fork: Repo) -> None:
    before = state(fork)
    stopped = skills(fork, "apply", *QUICK, "add-care")
    assert stopped.code == 3, stopped.said
    assert (
        "parrot/commands.py:12: in answer: ours no longer has what theirs wraps: " in stopped.said
    )
    marked = fork.read(".git/skills/conflict/parrot/commands.py")
    assert marked.count("<<<<<<<") == 1
    assert skills(fork, "abort").code == 0
    assert state(fork) == before


@pytest.mark.parametrize("verb", [("apply", "add-care", "--dry-run"), ("plan", "add-care")])
def test_what_would_stop_says_so_with_the_exit_code_of_the_real_run(
    fork: Repo, verb: tuple[str, ...]
) -> None:
    before = state(fork)
    told = skills(fork, *verb, "--json")
    assert told.code == 3, told.said
    report = told.document["result"]
    (conflict,) = report.get("report", report)["conflicts"]
    assert conflict["path"] == "parrot/commands.py"
    said = skills(fork, *verb)
    assert said.code == 3
    assert "conflict: parrot/commands.py:" in said.out
    assert state(fork) == before
