"""The operation log: undo and redo walk along it, and a fork can be brought to any of it."""

from __future__ import annotations

from typing import Any

import pytest
from harness import Repo, console, state

pytest_plugins = ("harness.plugin",)

QUICK = ("--no-test", "--no-install", "-q")


def tree(fork: Repo) -> str:
    return fork.git("rev-parse", "HEAD^{tree}")


def go(fork: Repo, *words: str) -> str:
    ran = console(fork, *words, *QUICK)
    assert ran.code == 0, ran.said
    return tree(fork)


def logged(fork: Repo) -> list[tuple[str, str]]:
    found: Any = console(fork, "op", "log", "--json").document["result"]
    return [(each["title"], each["state"]) for each in found]


def test_undo_walks_back_and_redo_forwards(fork: Repo) -> None:
    trees = [tree(fork), go(fork, "apply", "add-dice"), go(fork, "apply", "add-clock")]
    assert go(fork, "undo") == trees[1]
    assert go(fork, "undo") == trees[0]
    assert "began the management" in console(fork, "undo", *QUICK).err
    assert go(fork, "redo") == trees[1]
    assert go(fork, "undo") == trees[0]
    assert go(fork, "redo") == trees[1]
    assert go(fork, "redo") == trees[2]
    before = state(fork)
    assert "nothing to redo" in console(fork, "redo", *QUICK).err
    assert state(fork) == before
    fork.edit("parrot/help.py", "Say it.", "Do say it.")
    fork.commit("Mine")
    go(fork, "undo")
    assert "Do say it." in fork.read("parrot/help.py")
    go(fork, "apply", "add-loud")
    assert console(fork, "redo", *QUICK).code == 1
    assert logged(fork)[:3] == [
        ("Apply add-loud 1.0.0", "done"),
        ("Undo: Apply add-clock 1.0.0", "superseded"),
        ("Redo: Apply add-clock 1.0.0", "superseded"),
    ]
    assert console(fork, "replay").code == 0


def test_a_skill_that_was_taken_off_comes_again_whole(fork: Repo) -> None:
    """What its owner had taken out of it went with it; `undo` is what gives that back."""
    whole = go(fork, "apply", "add-dice")
    fork.edit("parrot/commands.py", '    "/roll": roll,\n', "")
    fork.commit("No roll")
    go(fork, "uninstall", "add-dice")
    assert console(fork, "diff").out == ""
    assert go(fork, "apply", "add-dice") == whole


def test_any_operation_can_be_looked_at_and_gone_back_to(fork: Repo) -> None:
    one = go(fork, "apply", "add-dice")
    two = go(fork, "apply", "add-clock")
    go(fork, "uninstall", "add-dice")
    go(fork, "undo")
    shown = console(fork, "op", "show", "@-", "--json").document["result"]
    assert shown["title"] == "Uninstall add-dice"
    assert {"how": "removed", "path": "parrot/dice.py"} in shown["files"]
    assert "-def roll() -> str:" in shown["diff"]
    log = console(fork, "op", "log", "--json").document["result"]
    dice = next(each["commit"] for each in log if each["title"].endswith("dice 1.0.0"))
    then = console(fork, "status", "--at", dice[:10], "--json").document["result"]
    assert [skill["name"] for skill in then["skills"]] == ["add-dice"]
    assert "+class Tower" in console(fork, "op", "diff", "--from", dice[:10]).out
    assert console(fork, "op", "restore", dice[:10], "--dry-run", *QUICK).code == 0
    assert tree(fork) == two
    assert go(fork, "op", "restore", dice[:10]) == one
    assert go(fork, "undo") == two
    assert go(fork, "redo") == one
    assert go(fork, "op", "restore", "@--") == one
    assert console(fork, "op", "restore", "nonsense", *QUICK).code == 1


def test_operations_of_a_clone_that_was_merged_are_operations(fork: Repo) -> None:
    go(fork, "apply", "add-dice")
    mine = fork.git("branch", "--show-current")
    fork.git("checkout", "-q", "-b", "elsewhere")
    go(fork, "apply", "add-clock")
    fork.git("checkout", "-q", mine)
    fork.edit("parrot/help.py", "Say it.", "Do say it.")
    fork.commit("Mine")
    before = tree(fork)
    fork.git("merge", "-q", "--no-edit", "elsewhere")
    assert logged(fork)[:2] == [("Apply add-clock 1.0.0", "done"), ("Apply add-dice 1.0.0", "done")]
    said = console(fork, "undo", "--no-test", "--no-install").said
    assert "add-clock 1.0.0 uninstalled" in said
    assert "add-dice" not in said
    assert tree(fork) == before


def test_a_history_that_was_rewritten_keeps_what_was_undone(fork: Repo) -> None:
    base = fork.git("rev-parse", "HEAD")
    one = go(fork, "apply", "add-dice")
    two = go(fork, "apply", "add-clock")
    go(fork, "undo")
    go(fork, "undo")
    go(fork, "redo")
    theirs = fork.git("commit-tree", "-m", "Theirs", "-p", base, f"{base}^{{tree}}")
    fork.git("rebase", "-q", theirs)
    assert [title for title, state in logged(fork) if state == "undone"] == [
        "Apply add-clock 1.0.0"
    ]
    assert go(fork, "redo") == two
    assert go(fork, "undo") == one
    go(fork, "undo")
    assert "began the management" in console(fork, "undo", *QUICK).err


@pytest.mark.parametrize(
    ("revert", "left", "undone"),
    [
        pytest.param(("HEAD~2",), ["clock"], "clock", id="one below"),
        pytest.param(("HEAD~1", "HEAD~2"), [], None, id="both, as one"),
    ],
)
def test_what_plain_git_takes_back_or_does_again_is_known(
    fork: Repo, revert: tuple[str, ...], left: list[str], undone: str | None
) -> None:
    """With a message that says nothing."""

    def stand() -> list[str]:
        done = [title for title, state in logged(fork) if state == "done" and "Apply" in title]
        return sorted(title.split("add-")[1].split()[0] for title in done)

    zero = tree(fork)
    go(fork, "apply", "add-dice")
    go(fork, "apply", "add-clock")
    fork.commit("Mine", {"parrot/mine.py": "mine = 1\n"})
    both = tree(fork)
    fork.git("revert", "--no-commit", *revert)
    fork.commit("Some of that away")
    after = tree(fork)
    assert stand() == left
    if undone is None:
        assert "began the management" in console(fork, "undo", *QUICK).err
    else:
        said = console(fork, "undo", "--no-test", "--no-install").said
        assert f"add-{undone} 1.0.0 uninstalled" in said
        assert go(fork, "redo") == after
    fork.git("checkout", both, "--", ".")
    fork.commit("And back")
    assert tree(fork) == both
    assert stand() == ["clock", "dice"]
    go(fork, "undo")
    go(fork, "undo")
    fork.git("rm", "-q", "parrot/mine.py")
    fork.commit("Nothing of mine")
    assert tree(fork) == zero


def test_an_undo_that_plain_git_reverts_is_none(fork: Repo) -> None:
    zero = tree(fork)
    one = go(fork, "apply", "add-dice")
    go(fork, "undo")
    fork.git("revert", "--no-edit", "HEAD")
    assert tree(fork) == one
    assert "nothing to redo" in console(fork, "redo", *QUICK).err
    assert go(fork, "undo") == zero
    assert go(fork, "redo") == one
    go(fork, "uninstall", "add-dice")
    fork.git("revert", "--no-edit", "HEAD")
    assert go(fork, "undo") == zero
    assert "began the management" in console(fork, "undo", *QUICK).err


def test_a_restore_to_skills_that_no_operation_brings_is_refused(fork: Repo) -> None:
    go(fork, "apply", "add-dice")
    fork.write({"manifests/add-dice.yaml": None, "parrot/dice.py": None})
    fork.commit("Half away, and a manifest otherwise", {"manifests/core.yaml": core(fork)})
    before = state(fork)
    ran = console(fork, "op", "restore", "@", *QUICK)
    assert ran.code == 1
    assert "add-dice came, went or changed since by no operation" in ran.err
    assert state(fork) == before


def core(fork: Repo) -> str:
    return fork.read("manifests/core.yaml").replace("branch: main", "branch: trunk")


def test_what_its_owner_amended_an_operation_with_stays(fork: Repo) -> None:
    before = tree(fork)
    go(fork, "apply", "add-dice")
    fork.edit("parrot/help.py", "Say it.", "Do say it.")
    fork.git("commit", "-a", "--amend", "--no-edit")
    amended = tree(fork)
    go(fork, "undo")
    assert "Do say it." in fork.read("parrot/help.py")
    assert not (fork.path / "parrot/dice.py").exists()
    assert go(fork, "redo") == amended
    go(fork, "undo")
    fork.edit("parrot/help.py", "Do say it.", "Say it.")
    fork.git("commit", "-qam", "Mine")
    assert tree(fork) == before


def test_a_shallow_clone_says_that_it_is_one(fork: Repo) -> None:
    go(fork, "apply", "add-dice")
    go(fork, "undo")
    there = fork.path.with_name("shallow")
    fork.git("clone", "-q", "--depth", "1", f"file://{fork.path}", str(there))
    for verb in ("redo", "undo"):
        assert "--unshallow" in console(Repo(there), verb, *QUICK).err
