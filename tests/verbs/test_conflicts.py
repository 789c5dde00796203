"""What stops at a conflict, on real repositories: said before, said with the right exit code, and
nothing changed.
"""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest
from harness import Repo, fork_of, skills, state, upstream
from harness.cli import QUICK, console
from harness.conflicts import parted, worktree
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


def test_a_skill_that_finds_no_place_is_named_with_the_line_that_asks_for_it(
    tmp_path: Path,
) -> None:
    source = upstream(tmp_path / "upstream")
    source.commit("Care", WRAPS)
    fork = fork_of(source, tmp_path / "fork")
    assert skills(fork, "apply", *QUICK, "add-care").code == 0
    source.edit("parrot/commands.py", "    command = COMMANDS.get(text)\n", "    command = None\n")
    source.commit("No commands")
    page = ".claude/skills/add-care/SKILL.md"
    line = fork.read(page).splitlines().index("- ensure: wrap") + 1
    for verb, code in (("rebase", 3), ("status", 0)):
        told = skills(fork, verb)
        assert (told.code, f"{page}:{line}: " in told.said) == (code, True), told.said


# --- git's own clean merges

CLASS = "class A:\n    def one(self): ...\n\n    def two(self): ...\n\n    def three(self): ...\n"
CALLS = "def f(x):\n    x.one()\n    x.two()\n    x.three()\n    x.four()\n    x.five()\n"
LOOP = "def f(x):\n    for y in x:\n        y.one()\n        y.two()\n        y.three()\n\n    x.four()\n"
TABLE = "[a]\none = 1\ntwo = 2\nthree = 3\nfour = 4\n"
MAPPING = "a:\n  one: 1\n  two: 2\n  three: 3\n  four: 4\n"
LIST = "a:\n  - one\n  - two\n  - three\n  - four\n"
OBJECT = '{\n  "a": {\n    "one": 1,\n    "two": 2,\n    "three": 3\n  }\n}\n'
APART = {
    "cases/a_class.py": (CLASS, ("    def two", "\nclass B:\n    def two"), ("three(self): ...\n", "three(self): ...\n\n    def four(self): ...\n")),
    "cases/a_function.py": (CALLS, ("    x.three", "\n\ndef g(x):\n    x.three"), ("five()\n", "five()\n    x.six()\n")),
    "cases/a_text.py": (CALLS, ("    x.two()\n    x.three()\n    x.four()\n", "    \'\'\'\n    x.two()\n    x.three()\n    x.four()\n    \'\'\'\n"), ("three()\n", "three()\n    x.six()\n")),
    "cases/an_else.py": (LOOP, ("        y.two", "    else:\n        y.two"), ("three()\n", "three()\n        y.six()\n")),
    "cases/a_table.toml": (TABLE, ("two", "\n[b]\ntwo"), ("four = 4\n", "four = 4\nfive = 5\n")),
    "cases/a_mapping.yaml": (MAPPING, ("  two", "b:\n  two"), ("four: 4\n", "four: 4\n  five: 5\n")),
    "cases/a_list.yaml": (LIST, ("  - two", "b:\n  - two"), ("- four\n", "- four\n  - five\n")),
    "cases/an_object.json": (OBJECT, ("1,\n", '1\n  },\n  "b": {\n'), ('"three": 3', '"three": 3,\n    "four": 4')),
}  # fmt: skip
"""A file, what its owner puts between its lines, and what upstream adds at its end."""
IN_ITS_PLACE = {
    "cases/a_class.py": "class A:\n    def one(self): ...\n\n    def four(self): ...\n",
    "cases/a_table.toml": "[a]\none = 1\nfive = 5\n",
    "cases/a_mapping.yaml": "a:\n  one: 1\n  five: 5\n",
    "cases/a_list.yaml": "a:\n  - one\n  - five\n",
    "cases/an_object.json": '{\n  "a": {\n    "one": 1,\n    "four": 4\n  },\n',
}
"""How those begin of which the addition has a place all the same."""


def test_what_upstream_adds_never_lands_in_what_the_owner_began(tmp_path: Path) -> None:
    source = upstream(tmp_path / "upstream")
    source.commit("Cases", {path: base for path, (base, _, _) in APART.items()})
    fork = fork_of(source, tmp_path / "fork")
    for path, (base, mine, his) in APART.items():
        assert base.count(mine[0]) == base.count(his[0]) == 1
        fork.edit(path, *mine)
        source.edit(path, *his)
    fork.commit("Apart")
    source.commit("More")
    stopped = console(fork, "rebase", *QUICK)
    assert stopped.code == 3, stopped.said
    for path in APART:
        if path in IN_ITS_PLACE:
            made = fork.read(f".git/skills/conflict/{path}")
            assert made.startswith(IN_ITS_PLACE[path]), path
        else:
            assert f"{path}:" in stopped.said, path


SHOWN = {
    "line ends": ("a.txt text eol=crlf", "\r\n", "utf-8"),
    "an encoding": ("a.txt text working-tree-encoding=UTF-16LE", "\n", "utf-16-le"),
    "a filter": ("a.txt filter=turned", "\n", "rot13"),
}


@pytest.mark.parametrize("how", SHOWN)
@pytest.mark.parametrize("kept", [False, True])
def test_a_conflict_is_seen_in_whatever_form_git_shows_the_file(
    tmp_path: Path, how: str, *, kept: bool
) -> None:
    """What lies in the worktree is not what git stores: markers are looked for in the latter."""
    fork = parted(
        tmp_path, {"a.txt": "one\ntwo\n"}, {"a.txt": "one\nmine\n"}, {"a.txt": "one\ntheirs\n"}
    )
    attribute, end, encoding = SHOWN[how]
    for name in ("clean", "smudge"):
        fork.git("config", f"filter.turned.{name}", "tr a-zA-Z n-za-mN-ZA-M")
    (fork.git_dir / "info").mkdir(exist_ok=True)
    (fork.git_dir / "info" / "attributes").write_text(attribute + "\n")
    (fork.path / "a.txt").unlink()
    fork.git("checkout", "--quiet", "--", "a.txt")
    assert skills(fork, "rebase", *QUICK).code == 3
    place = worktree(fork).path / "a.txt"

    def shown() -> str:
        return place.read_bytes().decode("ascii" if how == "a filter" else encoding)

    text = shown() if how != "a filter" else codecs.decode(shown(), "rot13")
    assert text.startswith(f"one{end}<<<<<<< ours{end}mine{end}")
    undecided = skills(fork, "continue", *QUICK)
    assert undecided.code == 3, undecided.said
    assert "still has conflict markers" in undecided.said
    if kept:
        assert skills(fork, "abort", "--json").document["result"]["kept"] == []
        assert skills(fork, "rebase", *QUICK).code == 3
    ran = skills(fork, "resolve", "a.txt", "--both")
    assert ran.code == 0, ran.said
    ran = skills(fork, "continue", *QUICK)
    assert ran.code == 0, ran.said
    assert fork.git("show", "HEAD:a.txt") == "one\nmine\ntheirs"
    assert fork.git("status", "--porcelain") == ""


def test_a_conflict_in_a_file_whose_name_is_not_utf_8(tmp_path: Path) -> None:
    name = "\udcff.txt"
    fork = parted(tmp_path, {name: "1\n"}, {name: "2\n"}, {name: "3\n"})
    assert skills(fork, "rebase", *QUICK).code == 3
    assert skills(fork, "resolve", name, "--both").code == 0
    ran = skills(fork, "continue", *QUICK)
    assert ran.code == 0, ran.said
    assert fork.git("show", f"HEAD:{name}") == "2\n3"


@pytest.mark.parametrize("verb", ["continue", "abort"])
def test_what_waits_is_not_collected(tmp_path: Path, verb: str) -> None:
    """Nothing but the note names the merge that stopped, and git collects what no ref names."""
    fork = parted(tmp_path, {"a.txt": "1\n"}, {"a.txt": "2\n"}, {"a.txt": "3\n"})
    assert skills(fork, "rebase", *QUICK).code == 3
    fork.git("reflog", "expire", "--expire=now", "--all")
    fork.git("gc", "--quiet", "--prune=now")
    assert skills(fork, "resolve", "a.txt", "--both").code == 0
    ran = skills(fork, verb, *(QUICK if verb == "continue" else ()))
    assert ran.code == 0, ran.said
    assert "refs/skills/waiting" not in fork.git("for-each-ref")
    assert fork.read("a.txt") == ("2\n3\n" if verb == "continue" else "2\n")
