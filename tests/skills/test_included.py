"""Skills that the core has taken in: a fork that has them applied, with its owner's edits in their
files, follows by a rebase that takes them off and keeps the edits.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
INCLUDED = ("add-mounts", "add-scheduler", "add-whatsapp")
IDENTITY = {
    f"GIT_{who}_{what}": "a@example.org"
    for who in ("AUTHOR", "COMMITTER")
    for what in ("NAME", "EMAIL")
}
EDITS = {
    "bot/scheduler.py": ("LONGEST_SLEEP = 60.0", "LONGEST_SLEEP = 45.0"),
    "bot/channels/whatsapp.py": ('name: ClassVar[str] = "whatsapp"', 'name: ClassVar[str] = "wa"'),
    "bot/mounts.py": ('    "docker",\n', '    "docker",\n    "diary",\n'),
    "bot/prompt.py": ("LONGEST = 8_000", "LONGEST = 9_000"),
}


def run(*command: str, cwd: Path) -> str:
    ended = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, check=False, env=os.environ | IDENTITY
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout.strip()


def skills(*arguments: str, cwd: Path) -> str:
    return run(str(Path(sys.executable).with_name("skills")), *arguments, cwd=cwd)


@pytest.mark.slow
@pytest.mark.parametrize("onto", ["the version that took them in", "today's"])
def test_a_fork_with_the_skills_applied_follows_and_keeps_what_its_owner_changed(
    tmp_path: Path, onto: str
) -> None:
    log = ("git", "log", "--diff-filter=D", "--format=%H", "-n", "1", "--")
    taken_in = run(*log, ".claude/skills/add-scheduler/SKILL.md", cwd=ROOT)
    assert taken_in, "this clone has no history: git fetch --unshallow"
    up, fork = tmp_path / "up", tmp_path / "fork"
    run("git", "clone", "-q", "--no-checkout", str(ROOT), str(up), cwd=tmp_path)
    run("git", "checkout", "-q", "-B", "main", f"{taken_in}^", cwd=up)
    run("git", "clone", "-q", str(up), str(fork), cwd=tmp_path)
    skills("init", cwd=fork)
    skills("apply", *INCLUDED, "--yes", "--no-test", "--no-install", cwd=fork)
    for path, (old, new) in EDITS.items():
        text = (fork / path).read_text("utf-8")
        assert text.count(old) == 1, path
        (fork / path).write_text(text.replace(old, new), "utf-8")
    run("git", "commit", "-qam", "My own words", cwd=fork)
    newer = taken_in if onto != "today's" else run("git", "rev-parse", "HEAD", cwd=ROOT)
    run("git", "checkout", "-q", "-B", "main", newer, cwd=up)

    said = skills("rebase", "--yes", "--no-test", "--no-install", cwd=fork)

    for name in INCLUDED:
        assert name in said
        assert not (fork / f"manifests/{name}.yaml").exists()
    changed = run("git", "diff", "--stat", "--name-only", newer, "HEAD", cwd=fork).splitlines()
    assert set(changed) == {*EDITS, "manifests/core.yaml"}
    for path, (_, new) in EDITS.items():
        lines = (fork / path).read_text("utf-8").splitlines()
        wanted = new.strip().splitlines()
        assert all(any(one.strip() in line for line in lines) for one in wanted), path
    assert "is part of the core" in skills("apply", "add-scheduler", cwd=fork)
