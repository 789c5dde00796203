"""`skills dev` keeps a worktree with a skill; `record --into` takes what was edited back."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import pytest
from harness import Repo, environment, skills, skills_command
from harness.forks import skill

pytest_plugins = ("harness.plugin",)

PACKAGE = skill(
    "add-x",
    'version: 1.0.9\ncore: ">=0.1,<1"\nadds: [parrot/x.py, tests/test_x.py]\ntests: [tests/test_x.py]',
    "- {ensure: import, in: parrot/help.py, import: import os}",
    **{
        "parrot/x.py": "def x() -> int:\n    return 1\n",
        "tests/test_x.py": "from parrot.x import x\n\n\ndef test_one() -> None:\n    assert x() == 1\n"
        "\n\ndef test_two() -> None:\n    assert x() == 1\n",
    },
)
X = ".claude/skills/add-x/add/parrot/x.py"
PAGE = ".claude/skills/add-x/SKILL.md"


@pytest.fixture
def desk(fork: Repo) -> Path:
    """The worktree of the skill, which has been made once."""
    fork.write(PACKAGE)
    ran = skills(fork, "dev", "add-x", "--once")
    assert ran.code == 0, ran.said
    return fork.path / ".git/skills/dev/add-x"


def test_a_worktree_is_kept_and_follows_the_package(fork: Repo, desk: Path) -> None:
    assert (desk / "parrot/x.py").read_text() == "def x() -> int:\n    return 1\n"
    settings = desk / "parrot/settings.py"
    settings.write_text(settings.read_text() + "EDITED = 1\n")
    fork.write({X: "def x() -> int:\n    return 2\n"})
    failed = skills(fork, "dev", "add-x", "--once", "--", "-k", "two", "-x")
    assert failed.code == 4, failed.said
    assert "1 failed, 1 deselected" in failed.out, "pytest got its arguments"
    assert "tests failed" in failed.out
    assert (desk / "parrot/x.py").read_text() == "def x() -> int:\n    return 2\n"
    assert "EDITED" in settings.read_text(), "the edit stays"
    assert fork.git("status", "--porcelain") == "?? .claude/skills/add-x/"


def test_what_both_changed_is_said(fork: Repo, desk: Path) -> None:
    (desk / "parrot/x.py").write_text("def x() -> int:\n    return 3\n")
    fork.write({X: "def x() -> int:\n    return 2\n"})
    stopped = skills(fork, "dev", "add-x", "--once")
    assert stopped.code == 1
    assert "the package and the worktree changed the same" in stopped.err
    assert "<<<<<<<" in (desk / "parrot/x.py").read_text()


def test_it_watches(fork: Repo) -> None:
    fork.write(PACKAGE)
    log = fork.path.parent / "log"
    with log.open("w") as out:
        process = subprocess.Popen(
            skills_command("dev", "add-x"),
            cwd=fork.path,
            env=environment(fork.path.parent / "home"),
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait(log, "its tests pass", 1)
        fork.write({X: "def x() -> int:\n    return 2\n"})
        _wait(log, "tests failed", 1)
        fork.write({X: "def x(:\n"})
        fork.write({X: "def x() -> int:\n    return 1  # again\n"})
        _wait(log, "its tests pass", 2)
        applied = log.read_text().count(", applied in ")
        page = fork.read(PAGE)
        fork.write({PAGE: "nothing of a package\n"})
        _wait(log, "is not valid: ", 1)
        assert log.read_text().count(", applied in ") == applied
        fork.write({PAGE: page})
        _wait(log, "its tests pass", 3)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()
    assert process.returncode in {0, 130}


def _wait(log: Path, words: str, times: int) -> None:
    end = time.monotonic() + 120
    while log.read_text().count(words) < times:
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.1)


def test_what_was_edited_there_goes_back_into_the_package(fork: Repo, desk: Path) -> None:
    (desk / "parrot/x.py").write_text("def x() -> int:\n    return 1  # edited\n")
    (desk / "tests/test_y.py").write_text("def test_y() -> None:\n    pass\n")
    settings = desk / "parrot/settings.py"
    settings.write_text(settings.read_text() + '    sound: str = "Squawk"\n')
    example = desk / ".env.example"
    example.write_text(example.read_text() + "# how loud\nLOUD=9\n")
    recorded = skills(fork, "record", "add-x", "--into")
    assert recorded.code == 0, recorded.said
    assert "differs: .env.example" in recorded.out, "the engine leaves a line blank there"
    assert "differs: parrot" not in recorded.out
    assert fork.read(X) == "def x() -> int:\n    return 1  # edited\n"
    page = fork.read(PAGE)
    assert "version: 1.0.10" in page
    assert "What must be true." in page, "the prose stays"
    assert "tests/test_y.py" in page
    assert "LOUD" in page
    assert page.count("yaml manifest") == 1
    assert "- ensure: field" in page
    assert skills(fork, "lint", "--here", "add-x").code == 0
    again = skills(fork, "dev", "add-x", "--once")
    assert again.code == 0, again.said
    Repo(desk).git("checkout", "--", ".env.example")
    nothing = skills(fork, "record", "add-x", "--into")
    assert nothing.code == 1
    assert "nothing was edited" in nothing.err


def test_edits_in_a_fork_that_has_it(fork: Repo) -> None:
    fork.commit("A skill", PACKAGE)
    words = ("--no-test", "--no-install", "--trust", "--yes", "-q")
    assert skills(fork, "apply", "add-x", *words).code == 0
    fork.edit("parrot/x.py", "return 1", "return 10 - 9")
    fork.commit("An edit")
    assert skills(fork, "record", "add-x", "--into").code == 0
    assert "10 - 9" in fork.read(X)
    assert "version: 1.0.10" in fork.read(PAGE)
    fork.commit("Recorded")
    assert skills(fork, "upgrade", "add-x", *words).code == 0
    assert fork.read("manifests/add-x.yaml").count("1.0.10") == 1
    assert "10 - 9" in fork.read("parrot/x.py")


def test_where_it_is_applied_nowhere(fork: Repo) -> None:
    fork.write(PACKAGE)
    refused = skills(fork, "record", "add-x", "--into")
    assert refused.code == 1
    assert "skills dev add-x" in refused.err
