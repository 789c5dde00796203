"""Nothing that nobody decided is published: every kind of conflict, on real repositories."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness import Repo, skills, state
from harness.cli import UNTRIED
from harness.conflicts import Files, parted, worktree
from harness.forks import fork_of, upstream
from test_merge_driver import KINDS, assert_labelled

BINARY = b"\0\1\2"
CODE = "".join(f"def f{n}():\n    return {n}\n\n\n" for n in range(6))


BARE: dict[str, tuple[Files, Files, Files, str]] = {
    "modify/delete, mine gone": ({"a": "a\n"}, {"a": None}, {"a": "b\n"}, "modify/delete"),
    "modify/delete, theirs gone": ({"a": "a\n"}, {"a": "b\n"}, {"a": None}, "modify/delete"),
    "binary": ({"a": BINARY}, {"a": BINARY + b"1"}, {"a": BINARY + b"2"}, "binary"),
    "binary added by both": ({}, {"a": BINARY + b"1"}, {"a": BINARY + b"2"}, "add/add"),
    "both renamed": (
        {"old.py": CODE},
        {"old.py": None, "mine.py": CODE},
        {"old.py": None, "his.py": CODE.replace("return 2", "return 22")},
        "rename/rename",
    ),
    "renamed here, gone there": (
        {"old.py": CODE},
        {"old.py": None, "mine.py": CODE},
        {"old.py": None},
        "rename/delete",
    ),
    "gone here, renamed there": (
        {"old.py": CODE},
        {"old.py": None},
        {"old.py": None, "his.py": CODE + "x = 1\n"},
        "rename/delete",
    ),
    "renamed there to what is new here": (
        {"old.py": CODE},
        {"old.py": CODE + "x = 1\n", "new.py": "mine = 1\n"},
        {"old.py": None, "new.py": CODE},
        "rename/add",
    ),
    "a folder there, a file here": ({}, {"a": "file\n"}, {"a/b": "in it\n"}, "file/folder"),
    "a file there, a folder here": ({}, {"a/b": "in it\n"}, {"a": "file\n"}, "file/folder"),
}


@pytest.mark.parametrize("name", BARE)
def test_what_has_no_markers_is_undecided_until_it_is_decided(tmp_path: Path, name: str) -> None:
    """Not by `continue` alone; by `git add` or `git rm` in the worktree. And abort changes nothing."""
    base, ours, theirs, kind = BARE[name]
    fork = parted(tmp_path, base, ours, theirs)
    before = state(fork)
    told = skills(fork, "rebase", *UNTRIED, "--json")
    assert told.code == 3, told.said
    (conflict,) = told.document["error"]["conflicts"]
    assert conflict["kind"] == kind
    assert state(fork) == before
    for _ in range(2):
        ran = skills(fork, "continue", *UNTRIED)
        assert ran.code == 3, ran.said
        assert "is not decided" in ran.err
        assert state(fork) == before
    (status,) = skills(fork, "status", "--json").document["result"]["conflicts"]
    assert (status["kind"], status["decided"]) == (kind, False)
    there = worktree(fork)
    names = [line[3:] for line in there.git("status", "--porcelain", "-uno").splitlines()]
    unmerged = there.git("diff", "--name-only", "--diff-filter=U").splitlines()
    assert unmerged, names
    there.git("rm", "--quiet", "--force", unmerged[0], ok=(0,))
    there.git("add", "--all")
    (status,) = skills(fork, "status", "--json").document["result"]["conflicts"]
    assert status["decided"]
    ran = skills(fork, "continue", *UNTRIED)
    assert ran.code == 0, ran.said
    assert unmerged[0] not in fork.tree()
    assert skills(fork, "status", "--json").document["result"]["pending"] is None


def test_both_renamed_and_the_change_is_in_either(tmp_path: Path) -> None:
    base, ours, theirs, _ = BARE["both renamed"]
    fork = parted(tmp_path, base, ours, theirs)
    assert skills(fork, "rebase", *UNTRIED).code == 3
    there = worktree(fork)
    assert "return 22" in there.read("mine.py")
    there.git("add", "mine.py")
    there.git("rm", "--quiet", "--force", "his.py")
    assert skills(fork, "continue", *UNTRIED).code == 0
    assert "return 22" in fork.read("mine.py")
    assert {"old.py", "his.py"}.isdisjoint(fork.tree())


def test_both_renamed_alike_is_a_merge_and_no_conflict(tmp_path: Path) -> None:
    fork = parted(
        tmp_path,
        {"old.py": CODE},
        {"old.py": None, "new.py": CODE.replace("return 1", "return 11")},
        {"old.py": None, "new.py": CODE.replace("return 4", "return 44")},
    )
    assert skills(fork, "rebase", *UNTRIED).code == 0
    assert fork.read("new.py") == CODE.replace("return 1", "return 11").replace(
        "return 4", "return 44"
    )


@pytest.mark.parametrize("name", ["t.py", "requirements.txt", "a.toml", "a.yaml", "a.json", "a.md"])
def test_files_that_both_add_are_not_joined_without_a_word(tmp_path: Path, name: str) -> None:
    text = {
        "t.py": "def test_{}():\n    pass\n",
        "requirements.txt": "{}\n",
        "a.toml": "{} = 1\n",
        "a.yaml": "{}: 1\n",
        "a.json": '{{"{}": 1}}\n',
        "a.md": "# {}\n",
    }[name]
    fork = parted(tmp_path, {}, {name: text.format("mine")}, {name: text.format("his")})
    told = skills(fork, "rebase", *UNTRIED, "--json")
    assert told.code == 3, told.said
    (conflict,) = told.document["error"]["conflicts"]
    assert (conflict["path"], conflict["kind"]) == (name, "add/add")
    marked = worktree(fork).read(name)
    assert f"<<<<<<< ours\n{text.format('mine')}" in marked
    assert f"=======\n{text.format('his')}>>>>>>> theirs" in marked
    assert "still has conflict markers" in skills(fork, "continue", *UNTRIED).err


TOGETHER = {
    ".env.example": ("# mine\nA=1\n", "# his\nB=\n", "# mine\nA=1\n# his\nB=\n"),
    "a/.env": ("A=1\n", "A=1\nB=2\n", "A=1\nB=2\n"),
    "compose.yaml": (
        "services:\n  a:  # mine\n    image: a\n",
        "services:\n  b:\n    image: b\nvolumes:\n  data: {}\n",
        "services:\n  a:  # mine\n    image: a\n  b:\n    image: b\n\nvolumes:\n  data:\n",
    ),
}


@pytest.mark.parametrize("name", TOGETHER)
def test_files_that_are_filled_together_are_joined(tmp_path: Path, name: str) -> None:
    ours, theirs, both = TOGETHER[name]
    fork = parted(tmp_path, {}, {name: ours}, {name: theirs})
    told = skills(fork, "rebase", *UNTRIED)
    assert told.code == 0, told.said
    assert fork.read(name) == both
    assert f"{name}: both sides added it; their entries were joined" in told.out


@pytest.mark.parametrize(
    ("name", "ours", "theirs"),
    [
        (".env.example", "A=1\n", "A=2\nB=2\n"),
        ("compose.yaml", "services:\n  a:\n    image: a\n", "services:\n  a:\n    image: b\n"),
        ("compose.yaml", "services: {}\n", "name: his\nservices:\n  b:\n    image: b\n"),
        ("compose.yaml", "services: {}\n", "services:  # his\n  b:\n    image: b\n"),
    ],
)
def test_what_each_says_otherwise_is_not_joined(
    tmp_path: Path, name: str, ours: str, theirs: str
) -> None:
    fork = parted(tmp_path, {}, {name: ours}, {name: theirs})
    told = skills(fork, "rebase", *UNTRIED)
    assert told.code == 3, told.said
    assert "both sides added a file here" in told.err
    assert "joined" not in told.said


def test_every_conflict_is_named_in_every_place(tmp_path: Path) -> None:
    """Path, line, definition and reason of each: in the message, in `status`, in the preview, in
    JSON.
    """
    code = "class Bot:\n    def answer(self):\n        return one(1)\n\n    def greet(self):\n        return two(1)\n"
    fork = parted(
        tmp_path,
        {"a.txt": "a\n", "bot.py": code, "c.txt": "c\n", "d.txt": "d\n", "s.toml": "[t]\nx = 1\n"},
        {
            "a.txt": "mine\n",
            "bot.py": code.replace("(1)", "(2)"),
            "c.txt": "c2\n",
            "d.txt": None,
            "s.toml": "[t]\nx = 2\n",
        },
        {
            "a.txt": "his\n",
            "bot.py": code.replace("(1)", "(3)"),
            "c.txt": None,
            "d.txt": "d2\n",
            "s.toml": "[t]\nx = 3\n",
        },
    )
    preview = skills(fork, "rebase", "--preview", "--json").document["result"]["conflicts"]
    told = skills(fork, "rebase", *UNTRIED)
    assert told.code == 3
    assert "rebase stopped at 6 conflicts in a.txt, bot.py, c.txt, d.txt, s.toml" in told.err
    status = skills(fork, "status")
    found = skills(fork, "status", "--json").document["result"]["conflicts"]
    assert found == preview
    assert [(each["path"], each["kind"], each["definition"]) for each in found] == [
        ("a.txt", "content", ""),
        ("bot.py", "content", "Bot.answer"),
        ("bot.py", "content", "Bot.greet"),
        ("c.txt", "modify/delete", ""),
        ("d.txt", "modify/delete", ""),
        ("s.toml", "content", "t"),
    ]
    lines = worktree(fork).read("bot.py").splitlines()
    for each in found:
        at = f":{each['line']}" if each["kind"] == "content" else ""
        around = f" in {each['definition']}:" if each["definition"] else ""
        line = f"{each['path']}{at}:{around} {each['reason']}"
        assert line in told.err
        assert line in status.out
        if each["path"] == "bot.py":
            assert lines[each["line"] - 1] == "<<<<<<< ours"
    worktree(fork).write({"a.txt": "both\n"})
    left = skills(fork, "continue", *UNTRIED)
    assert left.code == 3
    assert "4 files are not decided yet" in left.err
    assert "a.txt" not in left.err
    decided = skills(fork, "status", "--json").document["result"]["conflicts"]
    assert [each["decided"] for each in decided] == [True, False, False, False, False, False]


@pytest.mark.parametrize("name", KINDS)
def test_which_text_stands_under_which_label_in_the_worktree(tmp_path: Path, name: str) -> None:
    base, old, *new = KINDS[name]
    fork = parted(
        tmp_path,
        {name: base},
        {name: base.replace(old, new[0])},
        {name: base.replace(old, new[1])},
    )
    assert skills(fork, "rebase", *UNTRIED).code == 3
    assert_labelled(worktree(fork).read(name), old, *new)


FOUR: tuple[Files, Files, Files] = (
    {"a.txt": "1\n2\n3\n4\n5\n6\n7\n", "b.txt": "b\n", "d.txt": "d\n"},
    {"a.txt": "1\nmine\n3\n4\n5\n6\n7\n", "b.txt": "mine\n", "d.txt": None},
    {"a.txt": "1\nhis\n3\n4\n5\n6\n7\n", "b.txt": "his\n", "d.txt": "d2\n"},
)


def _resolved(fork: Repo) -> None:
    there = worktree(fork)
    there.write({"a.txt": "1\nboth\n3\n4\n5\n6\n7\n", "b.txt": "both\n"})
    there.git("rm", "--quiet", "--force", "d.txt")


def test_a_commit_made_meanwhile_does_not_cost_the_resolution(tmp_path: Path) -> None:
    fork = parted(tmp_path, *FOUR)
    assert skills(fork, "rebase", *UNTRIED).code == 3
    _resolved(fork)
    fork.commit("A hotfix", {"hot.py": "fix = 1\n"})
    ran = skills(fork, "continue", *UNTRIED)
    assert ran.code == 0, ran.said
    assert fork.read("a.txt") == "1\nboth\n3\n4\n5\n6\n7\n"
    assert fork.read("b.txt") == "both\n"
    assert fork.read("hot.py") == "fix = 1\n"
    assert "d.txt" not in fork.tree()
    assert "A hotfix" in fork.git("log", "--format=%s", "--first-parent")


def test_a_commit_that_changes_a_conflict_asks_to_look_again(tmp_path: Path) -> None:
    """The resolution is carried over, and nothing is published before a person has seen it."""
    fork = parted(tmp_path, *FOUR)
    assert skills(fork, "rebase", *UNTRIED).code == 3
    _resolved(fork)
    fork.commit("A hotfix", {"a.txt": "1\nmine\n3\n4\n5\n6\nhot\n"})
    head = fork.head
    ran = skills(fork, "continue", *UNTRIED)
    assert ran.code == 3, ran.said
    assert "HEAD has moved" in ran.err
    assert "a.txt" in ran.err
    assert "b.txt" not in ran.err
    assert fork.head == head
    assert worktree(fork).read("a.txt") == "1\nboth\n3\n4\n5\n6\nhot\n"
    assert worktree(fork).read("b.txt") == "both\n"
    ran = skills(fork, "continue", *UNTRIED)
    assert ran.code == 0, ran.said
    assert fork.read("a.txt") == "1\nboth\n3\n4\n5\n6\nhot\n"
    assert "d.txt" not in fork.tree()


def test_what_cannot_be_carried_over_is_kept_beside(tmp_path: Path) -> None:
    fork = parted(tmp_path, *FOUR)
    assert skills(fork, "rebase", *UNTRIED).code == 3
    _resolved(fork)
    fork.commit("A hotfix", {"b.txt": "hot\n"})
    told = skills(fork, "continue", *UNTRIED, "--json")
    assert told.code == 3, told.said
    assert [each["path"] for each in told.document["error"]["conflicts"]] == ["b.txt"]
    assert "<<<<<<< ours\nhot\n" in worktree(fork).read("b.txt")
    (note,) = told.document["error"]["notes"]
    assert Path(note.rpartition(" ")[2]).read_text() == "both\n"
    assert worktree(fork).read("a.txt") == "1\nboth\n3\n4\n5\n6\n7\n"
    assert skills(fork, "continue", *UNTRIED).code == 3


@pytest.mark.parametrize("all_of_it", [True, False])
def test_abort_keeps_what_was_resolved_and_offers_it_again(tmp_path: Path, all_of_it: bool) -> None:
    """It decides nothing: the operation stops again, and `continue` takes it."""
    fork = parted(tmp_path, *FOUR)
    before = state(fork)
    assert skills(fork, "rebase", *UNTRIED).code == 3
    _resolved(fork)
    if not all_of_it:
        marked = worktree(fork).git("show", ":2:b.txt")
        assert marked == "mine"
        worktree(fork).git("checkout", "--quiet", "--merge", "--", "b.txt")
    given_up = skills(fork, "abort", "--json").document["result"]
    assert set(given_up["kept"]) >= {"a.txt", "d.txt"}
    assert state(fork) == before
    again = skills(fork, "rebase", *UNTRIED)
    assert again.code == 3, again.said
    assert "what you made of it before lies in the worktree again" in again.err
    assert worktree(fork).read("a.txt") == "1\nboth\n3\n4\n5\n6\n7\n"
    found = skills(fork, "status", "--json").document["result"]["conflicts"]
    assert {each["path"]: each["decided"] for each in found} == {
        "a.txt": True,
        "b.txt": all_of_it,
        "d.txt": True,
    }
    ran = skills(fork, "continue", *UNTRIED)
    assert ran.code == (0 if all_of_it else 3), ran.said
    if all_of_it:
        assert fork.read("b.txt") == "both\n"
        assert "d.txt" not in fork.tree()


def test_another_conflict_is_offered_nothing(tmp_path: Path) -> None:
    fork = parted(tmp_path, *FOUR)
    assert skills(fork, "rebase", *UNTRIED).code == 3
    _resolved(fork)
    assert skills(fork, "abort").code == 0
    fork.commit("More", {"b.txt": "mine, more\n"})
    again = skills(fork, "rebase", *UNTRIED)
    assert "again: a.txt, d.txt" in again.err
    assert "mine, more" in worktree(fork).read("b.txt")


def test_what_git_ignores_is_not_lost_in_the_worktree(tmp_path: Path) -> None:
    """A file that upstream tracks although `.gitignore` names it arrives with the rest."""
    fork = parted(tmp_path, {".gitignore": "*.log\n", "a": "a\n"}, {"a": "mine\n"}, {"a": "his\n"})
    up = Repo(tmp_path / "up")
    up.write({"kept.log": "kept\n"})
    up.git("add", "--force", "kept.log")
    up.commit("Kept")
    assert skills(fork, "rebase", *UNTRIED).code == 3
    worktree(fork).write({"a": "both\n"})
    assert skills(fork, "continue", *UNTRIED).code == 0
    assert "kept.log" in fork.tree()


def test_skills_that_find_no_place_are_named_and_left_out_together(tmp_path: Path) -> None:
    """And what a rebase has to say beside is said where it stops, and where it goes on."""
    up = upstream(tmp_path / "up")
    fork = fork_of(up, tmp_path / "fork", "add-loud", "add-clock")
    up.edit("parrot/channels.py", "CHANNELS = [\n    Console,\n]", "CHANNELS = made()")
    up.edit("parrot/commands.py", "COMMANDS = {", "COMMANDS = made({")
    up.edit("parrot/commands.py", "# always first\n}", "# always first\n})")
    up.commit("Made elsewhere")
    told = skills(fork, "rebase", *UNTRIED, "--json")
    assert told.code == 3, told.said
    found = told.document["error"]["conflicts"]
    assert [each["kind"] for each in found] == ["skill", "skill"]
    assert [each["path"].split("/")[2] for each in found] == ["add-clock", "add-dice"]
    skipped = skills(fork, "skip", *UNTRIED, "--json")
    assert skipped.code == 0, skipped.said
    assert "left out: add-clock, add-dice, add-loud" in skipped.document["result"]["notes"]


def test_a_skill_that_upstream_dropped_is_named_where_a_rebase_stops(tmp_path: Path) -> None:
    up = upstream(tmp_path / "up")
    fork = fork_of(up, tmp_path / "fork", "add-clock")
    fork.edit("parrot/help.py", "Say it.", "Do not say it.")
    fork.commit("Mine")
    up.edit("parrot/help.py", "Say it.", "Say it twice.")
    up.git("rm", "-r", "--quiet", ".claude/skills/add-clock")
    up.commit("Without it")
    notes = skills(fork, "rebase", "--preview", "--json").document["result"]["notes"]
    assert any("add-clock" in note for note in notes), notes
    told = skills(fork, "rebase", *UNTRIED, "--json").document["error"]
    assert set(notes) <= {*told["notes"]}
    assert skills(fork, "resolve", "parrot/help.py", "--ours").code == 0
    done = skills(fork, "continue", *UNTRIED, "--json").document["result"]
    assert set(notes) <= {*done["notes"]}


def test_yes_accepts_what_the_checks_find_in_a_resolution(tmp_path: Path) -> None:
    """But neither markers nor what does not parse."""
    base, *sides = "x = f(1)\n", "x = f(2)\n", "x = f(3)\n"
    fork = parted(tmp_path, {"m.py": base}, {"m.py": sides[0]}, {"m.py": sides[1]})
    assert skills(fork, "rebase", *UNTRIED).code == 3
    worktree(fork).write({"m.py": "x = g(2\n"})
    assert skills(fork, "continue", *UNTRIED, "--yes").code == 3
    worktree(fork).write({"m.py": "x = g(2)\n"})
    told = skills(fork, "continue", *UNTRIED)
    assert told.code == 3
    assert "m.py:1: the name 'g' is not defined" in told.err
    status = skills(fork, "status", "--json").document["result"]["conflicts"]
    assert [(each["kind"], each["decided"]) for each in status] == [
        ("content", True),
        ("check", False),
    ]
    assert skills(fork, "continue", *UNTRIED, "--yes").code == 0
    assert fork.read("m.py") == "x = g(2)\n"
