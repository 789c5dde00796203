"""The ways of `skills test`: order that matters, off again, drift, owners, mutants, cores, reports."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import pytest
from harness import Repo, skills
from harness.forks import skill

from skills_engine.verbs.trials.meaning import meaning

pytest_plugins = ("harness.plugin",)

HEAD = 'version: 1.0.0\ncore: ">=0.1,<1"'


def wraps(name: str, wrapper: str) -> dict[str, str]:
    """A skill that puts the console's answer into a call."""
    entry = (
        "- {ensure: replace, of: parrot.channels:Console.receive, pattern: answer($A),"
        f" with: {wrapper}(answer($A))}}"
    )
    return skill(name, HEAD, entry)


def trials(fork: Repo, *words: str, code: int = 0) -> list[dict[str, Any]]:
    ran = skills(fork, "test", *words, "--json")
    assert ran.code == code, ran.said
    found: list[dict[str, Any]] = ran.document["result"]
    return found


def test_two_wrappers_of_one_call_are_seen(fork: Repo) -> None:
    """They have the same words in either order, and another meaning."""
    fork.commit("Wrappers", {**wraps("in-repr", "repr"), **wraps("in-str", "str")})
    found = trials(fork, "in-repr", "in-str", "--pairs", "--no-test", code=4)
    by_names = {tuple(trial["skills"]): trial for trial in found}
    pair = by_names.pop(("in-repr", "in-str"))
    assert pair["found"] == "the order matters in parrot/channels.py"
    assert all(trial["ok"] for trial in by_names.values())


def test_pairs_and_threes(fork: Repo) -> None:
    found = trials(fork, "add-clock", "--pairs", "--triples", "--no-test")
    assert [tuple(trial["skills"]) for trial in found] == [
        ("add-clock",),
        ("add-clock", "add-dice"),
        ("add-clock", "add-loud"),
        ("add-clock", "add-dice", "add-loud"),
    ]


@pytest.mark.parametrize(
    ("path", "one", "other", "same"),
    [
        ("a.py", "X = [1, 2]", "X = [2, 1]", True),
        ("a.py", "X = {1: 2, 3: 4}", "X = {3: 4, 1: 2}", True),
        ("a.py", "from a import b, c", "from a import c\nfrom a import b", True),
        ("a.py", "class A:\n    x: int\n    y: int", "class A:\n    y: int\n    x: int", True),
        ("a.py", "def f(): ...\ndef g(): ...", "def g(): ...\ndef f(): ...", True),
        ("a.py", "f(g(x))", "g(f(x))", False),
        ("a.py", "f(1, 2)", "f(2, 1)", False),
        ("a.py", "def f():\n    a()\n    b()", "def f():\n    b()\n    a()", False),
        ("a.py", "a, b = c", "b, a = c", False),
        ("a.py", "x = 1\ny = x", "y = x\nx = 1", False),
        ("a.toml", "x = [1, 2]", "x = [2, 1]", True),
        ("a.toml", "x = 1", "x = '1'", False),
        ("a.yaml", "{a: 1, b: 2}", "{b: 2, a: 1}", True),
        (".env.example", "A=1\nB=2", "B=2\nA=1", True),
        ("a.txt", "a b", "b a", False),
    ],
)
def test_what_has_an_order(path: str, one: str, other: str, same: bool) -> None:
    assert (meaning(path, one.encode()) == meaning(path, other.encode())) is same


@pytest.mark.slow
def test_on_a_core_that_changed_before_or_meanwhile(fork: Repo) -> None:
    found = trials(fork, "add-clock", "add-dice", "--drift", "--owner", "--no-test", "-j", "2")
    changed = [trial for trial in found if trial["kind"] != "together"]
    assert {trial["kind"] for trial in changed} == {"drift", "owner"}
    whats = {trial["what"] for trial in changed if trial["skills"] == ["add-dice"]}
    assert {"tabs", "an element in front", "COMMANDS is renamed"} <= whats
    assert {trial["verdict"] for trial in changed} <= {"right", "refused", "stopped"}
    layouts = ("written anew", "tabs", "an element in front", "a function at the end")
    assert all(trial["verdict"] == "right" for trial in changed if trial["what"] in layouts)


def test_a_part_that_no_test_misses_is_named(fork: Repo) -> None:
    test = (
        "from parrot.die import roll\n\n\ndef test() -> None:\n    assert roll() == 'Hello, 6.'\n"
    )
    code = (
        "from parrot.commands import greeting\n\n\ndef roll() -> str:\n    return greeting('6')\n"
        "\n\ndef again() -> str:\n    return greeting('7')\n"
    )
    fork.commit(
        "Die",
        skill(
            "add-die",
            f"{HEAD}\nadds: [parrot/die.py, tests/test_die.py]\ntests: [tests/test_die.py]",
            "- {ensure: docstring, in: parrot/help.py, docstring: Helps.}",
            **{"parrot/die.py": code, "tests/test_die.py": test},
        ),
    )
    found = trials(fork, "add-die", "--mutate", code=4)
    assert {trial["what"]: trial["verdict"] for trial in found if trial["kind"] == "mutate"} == {
        "SKILL.md:19: docstring": "wrong",
        "parrot/die.py:5": "right",
        "parrot/die.py:9": "wrong",
    }


def test_of_tests_that_fail_anyhow_nothing_is_said(fork: Repo) -> None:
    head = f"{HEAD}\nadds: [tests/test_die.py]\ntests: [tests/test_die.py]"
    entry = "- {ensure: docstring, in: parrot/help.py, docstring: Helps.}"
    red = {"tests/test_die.py": "def test() -> None:\n    assert False\n"}
    fork.commit("Die", skill("add-die", head, entry, **red))
    found = trials(fork, "add-die", "--mutate", "--no-test", code=4)
    broken = [(t["verdict"], t["found"]) for t in found if t["kind"] == "mutate"]
    assert broken == [("refused", "the tests fail with no part broken, so nothing is known")]


def test_a_way_in_which_there_is_nothing_to_try_is_named(fork: Repo) -> None:
    skills(fork, "new", "plain", "add-die")
    ran = skills(fork, "test", "add-die", "--drift", "--mutate", "--no-test")
    assert ran.code == 0
    nothing = "nothing to try: no operation, and no call of the core"
    assert ran.out.splitlines()[-2:] == [f"drift: {nothing}", f"mutate: {nothing}"]


def test_a_run_that_was_ended_goes_on(fork: Repo) -> None:
    """What it tried is taken over, for as long as it is of the same packages on the same core."""
    cache = fork.path.parent / "home/cache/graftbot/trials"

    def taken_over(*more: str) -> list[bool]:
        found = trials(fork, "add-clock", "add-loud", "--no-test", *more)
        return [trial["found"] == "before" for trial in found]

    assert taken_over() == [False, False]
    (journal,) = cache.iterdir()
    one, other = re.sub(
        r'"files changed[^"]*"', '"before"', journal.read_text().strip()
    ).splitlines()
    journal.write_text(f"{one}\n{other[:60]}")
    assert taken_over("--resume") == [True, False]
    fork.edit(".claude/skills/add-clock/SKILL.md", "version: 1.0.0", "version: 1.0.1")
    assert taken_over("--resume") == [False, False]


def test_on_commits_that_are_named_and_a_report_for_ci(fork: Repo, tmp_path: Path) -> None:
    fork.commit("Other", {"parrot/commands.py": "COMMANDS = None\n"})
    report = tmp_path / "report.xml"
    words = ("add-dice", "--no-test", "--core", "HEAD~1", "--core", "HEAD", "--junit", str(report))
    good, bad = trials(fork, *words, code=4)
    assert (good["ok"], bad["ok"], bad["verdict"]) == (True, False, "refused")
    suite = Xml.parse(report).getroot()  # noqa: S314  (it is our own)
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    assert [case.get("classname") for case in suite] == ["add-dice", "add-dice"]
    nowhere = skills(fork, "test", "add-dice", "--no-test", "--junit", str(tmp_path / "no/x.xml"))
    assert (nowhere.code, nowhere.out) == (1, "")
    assert "there is no commit nowhere" in skills(fork, "test", "--all", "--core", "nowhere").err
