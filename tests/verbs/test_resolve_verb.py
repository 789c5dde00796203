"""`skills resolve`: conflicts are shown with what is offered, and decided one by one."""

from __future__ import annotations

import os
import pty
import select
import signal
import termios
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from harness import Repo, skills
from harness.cli import UNTRIED, environment, skills_command
from harness.conflicts import parted, worktree
from test_conflict_kinds import BARE

CODE = "def f():\n    return one(1)\n\n\ndef g():\n    return two(1)\n"
OURS, THEIRS = (CODE.replace("(1)", f"({n})") for n in (2, 3))


@pytest.fixture
def fork(tmp_path: Path) -> Repo:
    """Stopped at three regions in two files."""
    fork = parted(
        tmp_path,
        {"a.txt": "1\n", "m.py": CODE},
        {"a.txt": "mine\n", "m.py": OURS},
        {"a.txt": "his\n", "m.py": THEIRS},
    )
    assert skills(fork, "rebase", *UNTRIED).code == 3
    return fork


def test_what_waits_is_shown_with_both_sides_and_what_is_offered(fork: Repo) -> None:
    found = skills(fork, "resolve", "--json").document["result"]
    assert found["folder"] == str(worktree(fork).path)
    first, second, third = found["conflicts"]
    assert (first["path"], first["ours"], first["base"], first["theirs"]) == (
        "a.txt",
        "mine\n",
        "1\n",
        "his\n",
    )
    assert [each["definition"] for each in (second, third)] == ["f", "g"]
    names = {each["name"]: each["text"] for each in first["candidates"]}
    assert names == {
        "theirs": "his\n",
        "ours": "mine\n",
        "ours+theirs": "mine\nhis\n",
        "theirs+ours": "his\nmine\n",
    }
    said = skills(fork, "resolve")
    assert said.code == 0
    for text in ("m.py:2 in f", "| mine", "| his", "3 conflicts left in "):
        assert text in said.out


@pytest.mark.parametrize(
    ("choice", "text"),
    [("--ours", "mine\n"), ("--theirs", "his\n"), ("--both", "mine\nhis\n")],
)
def test_a_choice_decides_a_file(fork: Repo, choice: str, text: str) -> None:
    left = skills(fork, "resolve", "a.txt", choice, "--json").document["result"]
    assert {each["path"] for each in left["conflicts"]} == {"m.py"}
    assert worktree(fork).read("a.txt") == text
    assert "a.txt" not in worktree(fork).git("diff", "--name-only", "--diff-filter=U")


def test_a_line_says_which_region(fork: Repo) -> None:
    second = skills(fork, "resolve", "--json").document["result"]["conflicts"][2]
    assert skills(fork, "resolve", f"m.py:{second['line'] + 1}", "--theirs").code == 0
    left = skills(fork, "resolve", "--json").document["result"]["conflicts"]
    assert [each["definition"] for each in left] == ["", "f"]
    assert skills(fork, "resolve", "m.py", "--take", "1").code == 0
    took = next(each["text"] for each in left[1]["candidates"])
    assert took in worktree(fork).read("m.py")
    deeper = fork.path / "deeper"
    deeper.mkdir()
    home = environment(fork.path.parent / "home")
    assert skills(deeper, "resolve", "../a.txt", "--ours", env=home).code == 0
    assert "all is decided" in skills(fork, "resolve").out
    ran = skills(fork, "continue", *UNTRIED)
    assert ran.code == 0, ran.said
    assert "two(3)" in fork.read("m.py")


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("b.txt", "--ours"), 1, "not in conflict"),
        (("a.txt:99", "--ours"), 1, "no conflict of a.txt is at line 99"),
        (("a.txt", "--take", "9"), 2, "has 4 candidates, not 9"),
        (("a.txt", "--ours", "--theirs"), 2, "one way"),
        (("--ours",), 2, "one file"),
    ],
)
def test_what_is_not_there_is_refused(
    fork: Repo, words: tuple[str, ...], code: int, says: str
) -> None:
    before = worktree(fork).git("diff")
    ran = skills(fork, "resolve", *words)
    assert (ran.code, says in ran.err) == (code, True), ran.said
    assert worktree(fork).git("diff") == before


def test_an_editor_is_gits(fork: Repo, tmp_path: Path) -> None:
    editor = tmp_path / "my editor"
    editor.write_text('#!/bin/sh\necho edited > "$1"\n')
    editor.chmod(0o755)
    env = environment(tmp_path / "home", GIT_EDITOR=f"'{editor}'")
    assert skills(fork, "resolve", "a.txt", "--edit", env=env).code == 0
    assert worktree(fork).read("a.txt") == "edited\n"
    env = environment(tmp_path / "home", GIT_EDITOR="false")
    assert skills(fork, "resolve", "m.py", "--edit", env=env).code == 1


AFTER: Mapping[str, tuple[Mapping[str, str | None], Mapping[str, str | None]]] = {
    # what is there after --ours, and after --theirs
    "modify/delete, mine gone": ({"a": None}, {"a": "b\n"}),
    "modify/delete, theirs gone": ({"a": "b\n"}, {"a": None}),
    "binary": ({"a": "\0\1\x021"}, {"a": "\0\1\x022"}),
    "binary added by both": ({"a": "\0\1\x021"}, {"a": "\0\1\x022"}),
    "both renamed": ({"his.py": None}, {"mine.py": None}),
    "renamed here, gone there": ({"old.py": None}, {"mine.py": None}),
    "gone here, renamed there": ({"his.py": None}, {"old.py": None}),
    "renamed there to what is new here": ({"new.py": "mine = 1\n"}, {"new.py~theirs": None}),
    "a folder there, a file here": ({"a": "file\n", "a~theirs": None}, {}),
}


@pytest.mark.parametrize("name", AFTER)
@pytest.mark.parametrize("choice", ["--ours", "--theirs"])
def test_of_what_has_no_markers_a_sides_file_is_taken(
    tmp_path: Path, name: str, choice: str
) -> None:
    base, ours, theirs, _ = BARE[name]
    fork = parted(tmp_path, base, ours, theirs)
    assert skills(fork, "rebase", *UNTRIED).code == 3
    (path,) = {
        each["path"] for each in skills(fork, "resolve", "--json").document["result"]["conflicts"]
    }
    ran = skills(fork, "resolve", path, choice)
    if name.startswith("a folder") and choice == "--theirs":
        assert ran.code == 1
        assert "where a file of yours is" in ran.err
        return
    assert ran.code == 0, ran.said
    assert "all is decided" in ran.out
    done = skills(fork, "continue", *UNTRIED)
    assert done.code == 0, done.said
    for file, text in AFTER[name][choice == "--theirs"].items():
        there = fork.path / file
        assert (there.read_bytes().decode() if there.exists() else None) == text
    assert not [each for each in fork.tree() if "~" in each]


def test_what_would_not_stand_is_not_offered(tmp_path: Path) -> None:
    """Both sides of a function's header: neither after the other parses; both bodies would define
    a name twice.
    """
    base = "x = 0\n\n\ndef f(a):\n    return a\n"
    fork = parted(
        tmp_path,
        {"m.py": base},
        {"m.py": base.replace("f(a)", "f(a, b)")},
        {"m.py": base.replace("f(a)", "f(a, *, c)")},
    )
    assert skills(fork, "rebase", *UNTRIED).code == 3
    (found,) = skills(fork, "resolve", "--json").document["result"]["conflicts"]
    assert {each["name"] for each in found["candidates"]} == {"ours", "theirs"}


def test_on_a_terminal_one_key_takes_one(fork: Repo, tmp_path: Path) -> None:
    pid, terminal = pty.fork()
    if not pid:
        os.chdir(fork.path)
        command = skills_command("resolve")
        os.execve(command[0], command, environment(tmp_path / "home"))  # noqa: S606
    shown, keys, asked = b"", [b"o", b"x", b"2", b"s"], 0
    while select.select([terminal], [], [], 60)[0]:
        try:
            shown += os.read(terminal, 4096)
        except OSError:
            break
        if shown.count(b"q enough") > asked and keys:
            asked += 1
            while termios.tcgetattr(terminal)[3] & termios.ICANON:  # it listens for one key then
                time.sleep(0.01)
            os.write(terminal, keys.pop(0))
    else:
        os.kill(pid, signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, shown
    assert b"\x1b[31m  | mine" in shown
    assert b"\x1b[32m  | his" in shown
    assert worktree(fork).read("a.txt") == "mine\n"
    (left,) = skills(fork, "resolve", "--json").document["result"]["conflicts"]
    assert left["definition"] == "g"
