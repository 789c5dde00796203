"""`[tool.skills]`: what a repository says of itself to the engine."""

from __future__ import annotations

import pytest
from harness import Repo, fork_of, skills, upstream
from harness.forks import skill

from skills_engine.package.capabilities import beyond

pytest_plugins = ("harness.plugin",)

QUICK = ("--no-test", "--no-install", "-q")
PACKAGE = {
    path.replace(".claude/skills/", "../packages/"): text
    for path, text in skill(
        "add-x",
        'version: 1.0.0\ncore: ">=0.1,<1"\nadds: [parrot/x.py]',
        "- {ensure: docstring, in: parrot/help.py, docstring: Helps.}",
        **{"parrot/x.py": "x = 1\n"},
    ).items()
}


def says(fork: Repo, table: str) -> None:
    fork.commit(
        "Table", {"pyproject.toml": fork.read("pyproject.toml") + f"\n[tool.skills]\n{table}\n"}
    )


def test_a_skill_may_change_its_home_without_trust(fork: Repo) -> None:
    fork.write(PACKAGE)
    refused = skills(fork, "apply", "../packages/add-x", *QUICK)
    assert refused.code == 1
    assert "changes parrot/x.py" in refused.err
    says(fork, 'home = ["parrot/**"]')
    assert skills(fork, "apply", "../packages/add-x", *QUICK).code == 0


@pytest.mark.parametrize(
    ("home", "path", "inside"),
    [
        ("a/**", "a/b/c.py", True),
        ("a/*", "a/b/c.py", False),
        ("a/*", "a/c.py", True),
        ("*/lib/**", "x/lib/c.py", True),
        ("a/**", "ab/c.py", False),
        ("a.b/**", "axb/c.py", False),
        ("**", "pyproject.toml", False),
        ("**", "skills.toml", False),
        ("**", "a/conftest.py", False),
    ],
)
def test_globs_and_what_no_glob_opens(home: str, path: str, inside: bool) -> None:
    assert (not list(beyond([path], home=[home]))) is inside
    assert list(beyond([path], home=[]))


@pytest.mark.parametrize(
    ("table", "says_"),
    [
        ('homes = ["a"]', "has no key 'homes'"),
        ('home = "a"', "home in [tool.skills] is no list of texts"),
        ("home = [1]", "home in [tool.skills] is no list of texts"),
        ("templates = 1", "templates in [tool.skills] is no text"),
    ],
)
def test_a_table_that_cannot_be_read_is_named(fork: Repo, table: str, says_: str) -> None:
    says(fork, table)
    ran = skills(fork, "show", "add-dice")
    assert ran.code == 1
    assert says_ in ran.err


def test_init_shows_what_holds(fork: Repo) -> None:
    up = upstream(fork.path.parent / "up")
    one = fork_of(up, fork.path.parent / "one", managed=False)
    assert 'put home = ["parrot/**"] into [tool.skills]' in skills(one, "init").said
    two = fork_of(up, fork.path.parent / "two", managed=False)
    says(two, 'home = ["parrot/**"]')
    assert "skills may change parrot/** without --trust" in skills(two, "init").said
