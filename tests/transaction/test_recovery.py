"""After a crash, wherever the fork is by then: moved, copied, its worktree gone, its HEAD damaged."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from harness import Repo, environment, skills, state
from harness.cli import QUICK
from killpoints.scenarios import SCENARIOS

pytest_plugins = ("harness.plugin",)

CUT = """
import os, runpy, sys
import skills_engine.transaction.publish as publish
publish.{where} = lambda *a, **b: os._exit(9)
sys.argv = ["skills", *{command}]
runpy.run_module("skills_engine", run_name="__main__")
"""


APPLY = ("apply", *QUICK, "add-dice")


def cut(path: Path, where: str = "place_files", command: tuple[str, ...] = APPLY) -> None:
    """An apply that is killed right after the branch has moved, or right before."""
    done = subprocess.run(
        [sys.executable, "-c", CUT.format(where=where, command=command)],
        cwd=path,
        env=environment(path.parent / "home"),
        check=False,
    )
    assert done.returncode == 9


def whole(path: Path, *, applied: bool) -> None:
    """doctor is content, git too, and the fork is exactly before or after."""
    ran = skills(path, "doctor", env=environment(path.parent / "home"))
    assert ran.code == 0, ran.said
    fork = Repo(path)
    assert fork.git("status", "--porcelain") == ""
    assert (path / "parrot/dice.py").exists() is applied
    assert not [*fork.git_dir.rglob("*.lock")]
    again = ("uninstall" if applied else "apply", *QUICK, "add-dice")
    assert skills(path, *again, env=environment(path.parent / "home")).code == 0


@pytest.mark.parametrize("where", ["place_files", "_move_branch"])
def test_a_fork_that_was_moved(fork: Repo, tmp_path: Path, where: str) -> None:
    cut(fork.path, where)
    assert skills(fork, "apply", *QUICK, "add-clock").code == 1, "first doctor"
    moved = tmp_path / "elsewhere/moved"
    moved.parent.mkdir()
    fork.path.rename(moved)
    whole(moved, applied=where == "place_files")


@pytest.mark.parametrize("how", [("-a",), ("-r", "--preserve=timestamps")])
def test_a_fork_that_was_copied(fork: Repo, tmp_path: Path, how: tuple[str, ...]) -> None:
    """Other inodes, and a file that had two names is two."""
    cut(fork.path)
    subprocess.run(["cp", *how, str(fork.path), str(tmp_path / "copy")], check=True)
    shutil.rmtree(fork.path)
    whole(tmp_path / "copy", applied=True)


@pytest.mark.parametrize("pruned", [True, False])
def test_a_linked_worktree_that_is_gone(fork: Repo, tmp_path: Path, pruned: bool) -> None:
    linked = tmp_path / "linked"
    fork.git("worktree", "add", "-q", "-b", "side", str(linked))
    cut(linked)
    shutil.rmtree(linked)
    if pruned:
        fork.git("worktree", "prune")
    ran = skills(fork, "doctor", "--json")
    assert ran.code == 0, ran.said
    found = ran.document["result"]["recovered"]
    assert (found["outcome"], found["gone"] != "") == ("completed", True)
    assert "parrot/dice.py" in fork.tree("side"), "its branch is after"
    assert skills(fork, "apply", *QUICK, "add-clock").code == 0


def test_a_linked_worktree_is_recovered_from_the_main_one(fork: Repo, tmp_path: Path) -> None:
    linked = tmp_path / "linked"
    fork.git("worktree", "add", "-q", "-b", "side", str(linked))
    cut(linked)
    assert skills(fork, "doctor").code == 0
    assert (linked / "parrot/dice.py").exists()
    assert Repo(linked).git("status", "--porcelain") == ""


def damaged(fork: Repo) -> Path:
    """The file of HEAD's commit, which is a loose object."""
    head = fork.head
    return fork.git_dir / "objects" / head[:2] / head[2:]


@pytest.mark.parametrize("how", ["empty", "gone", "ref"])
def test_a_head_that_cannot_be_read_is_not_taken_for_none(fork: Repo, how: str) -> None:
    before = fork.head
    assert skills(fork, "apply", *QUICK, "add-dice").code == 0
    file = damaged(fork) if how != "ref" else fork.git_dir / "refs/heads/main"
    file.chmod(0o644)
    if how == "gone":
        file.unlink()
    else:
        file.write_bytes(b"")
    for verb in ("status", "doctor"):
        ran = skills(fork, verb)
        assert ran.code == 1
        assert "commit something first" not in ran.err
        assert "cannot be read" in ran.err
        assert "commit nothing" in ran.err
    backup = next(word for word in ran.err.split() if word.startswith("refs/skills/backup/"))
    backup = backup.rstrip(";.,")
    assert fork.git("rev-parse", backup) == before
    if how != "ref":
        fork.git(*ran.err.rpartition("git ")[2].split())
    else:
        fork.git("update-ref", "-d", "refs/heads/main", ok=(0, 1))
        file.unlink(missing_ok=True)
        fork.git("update-ref", "HEAD", backup)
    assert fork.head == before


def test_a_lost_commit_is_taken_back(fork: Repo) -> None:
    """The branch has moved, the journal is there, and what it moved to was never on the disk."""
    before = state(fork)
    cut(fork.path)
    damaged(fork).chmod(0o644)
    damaged(fork).write_bytes(b"")
    ran = skills(fork, "doctor", "--json")
    assert ran.code == 0, ran.said
    assert ran.document["result"]["recovered"]["outcome"] == "undone"
    assert state(fork) == before


def test_a_published_continuation_waits_no_more(tmp_path: Path) -> None:
    scenario = next(each for each in SCENARIOS if each.name == "continue")
    fork = scenario.prepare(tmp_path)
    cut(fork.path, command=scenario.command)
    assert skills(fork, "doctor").code == 0
    assert skills(fork, "status", "--json").document["result"]["pending"] is None
    assert "Say it once" in fork.read("parrot/help.py")
    assert not (fork.git_dir / "skills/conflict").exists()


def test_an_unborn_branch_is_told_so(tmp_path: Path) -> None:
    repo = Repo.init(tmp_path / "new")
    ran = skills(repo, "status")
    assert ran.code == 1
    assert "no commit yet" in ran.err


def test_a_head_that_is_no_head(fork: Repo) -> None:
    (fork.git_dir / "HEAD").write_bytes(b"")
    ran = skills(fork.path, "status")
    assert ran.code == 1
    assert "git cannot read the repository" in ran.err


def test_a_hooks_variables_speak_of_another_command(fork: Repo, tmp_path: Path) -> None:
    """As they are in a pre-commit hook, in one that git runs for another repository, and worse."""
    other = Repo.init(tmp_path / "other")
    other.commit("Other", {"x": "y\n"})
    hostile = {
        "GIT_DIR": str(other.git_dir),
        "GIT_WORK_TREE": str(other.path),
        "GIT_INDEX_FILE": str(tmp_path / "index"),
        "GIT_COMMON_DIR": str(other.git_dir),
        "GIT_OBJECT_DIRECTORY": str(other.git_dir / "objects"),
        "GIT_PREFIX": "x/",
        "GIT_NAMESPACE": "n",
        "GIT_LITERAL_PATHSPECS": "0",
        "GIT_CONFIG_PARAMETERS": "'core.bare'='true'",
        "GIT_EXTERNAL_DIFF": "false",
        "GIT_QUARANTINE_PATH": str(tmp_path),
    }
    ran = skills(fork, "apply", *QUICK, "add-dice", env=environment(tmp_path / "home", **hostile))
    assert ran.code == 0, ran.said
    assert fork.git("status", "--porcelain") == ""
    assert "parrot/dice.py" in fork.tree()
    assert not (tmp_path / "index").exists()
    assert other.git("status", "--porcelain") == ""


@pytest.mark.parametrize(
    "change",
    [
        {"verb": None},
        {"staging": "../../.."},
        {"staging": "/"},
        {"files": [{"path": "../victim", "staged": None, "before": None}]},
        {"files": [{"path": "/etc/passwd", "staged": None, "before": None}]},
        {"files": [{"path": "x", "staged": "../../x", "before": None}]},
        {"folders": ["../made"]},
        {"files": 7},
        {"more": 1},
    ],
)
def test_a_journal_that_leads_elsewhere_is_not_followed(
    fork: Repo, tmp_path: Path, change: dict[str, object]
) -> None:
    cut(fork.path)
    (tmp_path / "victim").write_text("stays")
    path = fork.git_dir / "skills/journal.json"
    found = json.loads(path.read_text()) | change
    if change == {"verb": None}:
        del found["old"]
    path.write_text(json.dumps(found))
    ran = skills(fork, "doctor")
    assert ran.code == 1, ran.said
    assert "cannot be read" in ran.err
    assert "Traceback" not in ran.err
    assert (tmp_path / "victim").read_text() == "stays"
    assert not (tmp_path / "made").exists()
    assert Path("/etc/passwd").exists()
