"""`skills test` tries what it was asked to try, however that was named."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from harness import Repo, skills
from harness.forks import skill

pytest_plugins = ("harness.plugin",)

FAILS = skill(
    "add-wrong",
    'version: 1.0.0\ncore: ">=0.1,<1"\nadds: [tests/test_wrong.py]\ntests: [tests/test_wrong.py]',
    "- {ensure: docstring, in: parrot/help.py, docstring: Wrong.}",
    **{"tests/test_wrong.py": "def test() -> None:\n    assert 0, 'tried'\n"},
)


@pytest.fixture
def package(fork: Repo) -> Path:
    """A package in the fork whose test fails."""
    fork.commit("Wrong", FAILS)
    return fork.path / ".claude/skills/add-wrong"


def tried(fork: Repo, *words: str) -> list[list[str]]:
    """The skills that were tried: each of them failed, and the program says so."""
    ran = skills(fork, "test", *words, "--json")
    assert ran.code == 4, ran.said
    assert all("tried" in trial["output"] for trial in ran.document["result"])
    return [trial["skills"] for trial in ran.document["result"]]


def test_by_name_by_path_and_by_a_path_of_another_name(fork: Repo, package: Path) -> None:
    outside = fork.path.parent / "some other folder"
    shutil.copytree(package, outside)
    inside = package.relative_to(fork.path)
    for name in ("add-wrong", str(package), f"./{inside}", f"{inside}/", str(outside)):
        assert tried(fork, name) == [["add-wrong"]], name
    os.chdir(fork.path)
    assert tried(fork, os.path.relpath(outside, fork.path)) == [["add-wrong"]]


def test_where_one_stands(fork: Repo, package: Path) -> None:
    ran = skills(package, "test", ".", "--json")
    assert ran.code == 4, ran.said
    assert skills(package, "lint", ".").code == 0


def test_the_one_that_was_named_is_the_one_that_is_tried(fork: Repo, package: Path) -> None:
    """Also where the fork has one of the same name, whose tests pass."""
    copy = fork.path.parent / "add-wrong"
    shutil.copytree(package, copy)
    (package / "add/tests/test_wrong.py").write_text("def test() -> None:\n    pass\n")
    assert skills(fork, "test", "add-wrong").code == 0
    assert tried(fork, str(copy)) == [["add-wrong"]]


def test_in_pairs_by_path(fork: Repo, package: Path) -> None:
    ran = skills(fork, "test", "--pairs", "--no-test", str(package), "--json")
    assert ran.code == 0, ran.said
    names = [tuple(trial["skills"]) for trial in ran.document["result"]]
    assert ("add-wrong",) in names
    assert ("add-clock", "add-wrong") in names
    assert ("add-clock", "add-dice") not in names, "nobody asked for it"


def test_nothing_tried_is_no_success(fork: Repo) -> None:
    for words in (("no-such-skill",), ("nowhere/at/all",), (str(fork.path),)):
        assert skills(fork, "test", *words).code == 1
    fork.git("rm", "-rq", ".claude/skills")
    fork.commit("No skills")
    ran = skills(fork, "test", "--all")
    assert ran.code == 1
    assert "there is no skill to try" in ran.err
