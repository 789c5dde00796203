"""`[tool.skills]`: what a repository says of itself to the engine."""

from __future__ import annotations

import pytest
from harness import Repo, console, fork_of, skills, upstream
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
    fork.commit("Mine", {"skills.toml": 'home = ["parrot/**"]\n'})
    assert skills(fork, "apply", "../packages/add-x", "--dry-run", *QUICK).code == 0
    fork.git("rm", "-q", "skills.toml")
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
    ("table", "own", "says_"),
    [
        ('homes = ["a"]', None, "has no key 'homes'"),
        ('home = "a"', None, "home in [tool.skills] is no list of texts"),
        ("home = [1]", None, "home in [tool.skills] is no list of texts"),
        ("templates = 1", None, "templates in [tool.skills] is no text"),
        ('environment = "/etc/environment"', None, "'/etc/environment' is absolute"),
        ('dependencies = "../a.txt"', None, "dependencies in [tool.skills]: '../a.txt' has the"),
        ("test = 'pytest \"x'", None, "test in [tool.skills]: No closing quotation"),
        ("home = [", None, "pyproject.toml cannot be read"),
        ("", 'home = ["a"]', "pyproject.toml has [tool.skills], and skills.toml is there as well"),
        (None, "home = [", "skills.toml cannot be read"),
        (None, 'homes = ["a"]', "skills.toml: [tool.skills] has no key 'homes'"),
    ],
)
def test_a_table_that_cannot_be_read_is_named(
    fork: Repo, table: str | None, own: str | None, says_: str
) -> None:
    if table is not None:
        says(fork, table)
    if own is not None:
        fork.commit("Own", {"skills.toml": own + "\n"})
    ran = skills(fork, "show", "add-dice")
    assert ran.code == 1
    assert says_ in ran.err


def test_init_shows_what_holds(fork: Repo) -> None:
    up = upstream(fork.path.parent / "up")
    one = fork_of(up, fork.path.parent / "one", managed=False)
    assert 'put home = ["parrot/**"] into [tool.skills]' in skills(one, "init").said
    two = fork_of(up, fork.path.parent / "two", managed=False)
    says(two, 'home = ["parrot/**", "parrot", "nowhere/**", "**/help.py"]')
    assert "skills may change parrot/**, **/help.py without --trust" in skills(two, "init").said


def test_a_clone_that_init_has_not_seen_is_taken_as_what_it_is(fork: Repo) -> None:
    up = upstream(fork.path.parent / "up")
    one = fork_of(up, fork.path.parent / "one", managed=False)
    head, start = one.git("rev-parse", "HEAD"), one.git("rev-parse", "HEAD^{tree}")
    dry = console(one, "apply", "add-dice", "--dry-run", *QUICK)
    assert (dry.code, one.git("rev-parse", "HEAD"), one.git("status", "--short")) == (0, head, "")
    ran = console(one, "apply", "add-dice", *QUICK[:2])
    assert ran.code == 0, ran.said
    assert f"follows {up.path} (main)" in ran.out
    assert f"the base is {head[:12]}" in ran.out
    verbs = [line.split(" ", 2)[2] for line in console(one, "log").out.splitlines()]
    assert verbs == ["Apply add-dice 1.0.0", f"Follow {up.path} (main)"]
    assert console(one, "uninstall", "add-dice", *QUICK).code == 0
    one.git("rm", "-rq", "manifests")
    assert one.git("write-tree") == start

    two = fork_of(up, fork.path.parent / "two", managed=False)
    two.git("remote", "add", "mine", "https://example.org/mine.git")
    ran = console(two, "apply", "add-dice", *QUICK)
    assert ran.code == 1
    assert "upstream" in ran.err
    assert "mine (https://example.org/mine.git)" in ran.err
    assert two.git("rev-parse", "HEAD") == head


def test_a_clone_that_init_has_not_seen_is_continued_in(fork: Repo) -> None:
    up = upstream(fork.path.parent / "up")
    one = fork_of(up, fork.path.parent / "one", managed=False)
    one.commit("Mine", {"parrot/dice.py": "mine = 1\n"})
    head = one.git("rev-parse", "HEAD")
    ran = console(one, "apply", "add-dice", *QUICK)
    assert (ran.code, one.git("rev-parse", "HEAD")) == (3, head), ran.said
    assert console(one, "resolve", "parrot/dice.py", "--theirs").code == 0
    assert console(one, "continue", *QUICK).code == 0
    verbs = [line.split(" ", 2)[2] for line in console(one, "log").out.splitlines()]
    assert verbs == ["Apply add-dice 1.0.0", f"Follow {up.path} (main)"]


KEPT_OTHERWISE: dict[str, tuple[dict[str, str | None], str, str, str]] = {
    "setup.cfg, and the version in a module": (
        {
            "setup.cfg": "[metadata]\nname = parrot\nversion = attr: parrot.__version__\n\n"
            "[options]\npackages = find:\ninstall_requires =\n    packaging>=24\n",
            "parrot/__init__.py": '__version__ = "0.1.7"\n',
            "pyproject.toml": None,
        },
        "0.1.7",
        "setup.cfg",
        "    packaging>=24\n    tzdata>=2025\n",
    ),
    "Poetry": (
        {
            "pyproject.toml": '[tool.poetry]\nname = "parrot"\nversion = "0.3"\n\n'
            '[tool.poetry.dependencies]\npython = "^3.11"\n'
        },
        "0.3",
        "pyproject.toml",
        'python = "^3.11"\ntzdata = ">=2025"\n',
    ),
    "a member of a workspace, and the version in git": (
        {
            "pyproject.toml": '[project]\nname = "top"\ndynamic = ["version"]\n\n'
            '[tool.uv.workspace]\nmembers = ["libs/*"]\n\n'
            '[tool.skills]\ndependencies = "libs/a/pyproject.toml"\n',
            "libs/a/pyproject.toml": '[project]\nname = "a"\ndependencies = []\n',
        },
        "0.2.1",
        "libs/a/pyproject.toml",
        'dependencies = [\n    "tzdata>=2025",\n]\n',
    ),
}


@pytest.mark.parametrize("name", KEPT_OTHERWISE)
def test_a_repository_that_is_kept_otherwise(fork: Repo, name: str) -> None:
    files, version, path, has = KEPT_OTHERWISE[name]
    up = upstream(fork.path.parent / "up")
    up.commit("Kept otherwise", files)
    up.git("tag", "v0.2.1")
    one = fork_of(up, fork.path.parent / "one", managed=False)
    start = one.git("rev-parse", "HEAD^{tree}")
    said = console(one, "init").said
    assert f"core {version}; what skills require goes into {path}" in said
    ran = console(one, "apply", "add-clock", *QUICK)
    assert ran.code == 0, ran.said
    assert has in one.read(path)
    assert console(one, "replay").code == 0
    assert console(one, "uninstall", "add-clock", *QUICK).code == 0
    one.git("rm", "-rq", "manifests")
    assert one.git("write-tree") == start


def test_another_command_runs_the_tests_and_has_nothing_of_the_engines(fork: Repo) -> None:
    test = """\
import importlib.metadata
import importlib.util
import unittest

from parrot.x import x


class Test(unittest.TestCase):
    def test(self) -> None:
        self.assertEqual((x, importlib.metadata.version("parrot")), (1, "0.1.0"))
        for name in ("libcst", "skills_engine", "pytest"):
            self.assertIsNone(importlib.util.find_spec(name))
"""
    page = PACKAGE["../packages/add-x/SKILL.md"].replace(
        "adds: [parrot/x.py]", "adds: [parrot/x.py, tests/test_x.py]\ntests: [tests/test_x.py]"
    )
    fork.write({**PACKAGE, "../packages/add-x/SKILL.md": page})
    fork.write({"../packages/add-x/add/tests/test_x.py": test})
    says(fork, 'test = "python -m unittest {tests}"\ntest-requires = ["packaging"]')
    ran = console(fork, "apply", "../packages/add-x", "--trust", "--no-install")
    assert ran.code == 0, ran.said
    assert "1 test file passed" in ran.out
