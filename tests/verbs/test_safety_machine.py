"""A machine as it can be: busy, full, read-only, with more than one file system."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import Ran, Repo, environment, live_in, skills, skills_command, state
from harness.cli import QUICK
from harness.verdicts import applied

pytest_plugins = ("harness.plugin",)


ROOT = os.geteuid() == 0


def test_two_at_once(fork: Repo, tmp_path: Path) -> None:
    """One works; the other is told so at once, or waits for its turn. Who only reads is not kept
    out.
    """
    gate, env = tmp_path / "gate", environment(tmp_path / "home")
    os.mkfifo(gate)
    hook = fork.git_dir / "hooks/reference-transaction"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f'#!/bin/sh\n[ "$1" != prepared ] || cat "{gate}"\n')
    hook.chmod(0o755)
    first = subprocess.Popen(skills_command("apply", *QUICK, "add-dice"), cwd=fork.path, env=env)
    with gate.open("w"):  # opened once the first one is about to move the branch
        refused_now = skills(fork, "apply", *QUICK, "add-clock")
        assert refused_now.code == 5, refused_now.said
        assert f"(skills apply, process {first.pid})\n  → wait, or add --wait" in refused_now.err
        assert skills(fork, "status").code == 0
        hook.unlink()
        command = skills_command("apply", "--no-test", "--no-install", "--wait", "add-clock")
        second = subprocess.Popen(command, cwd=fork.path, env=env, stderr=subprocess.PIPE)
        assert second.stderr is not None
        assert b"wait: another operation" in second.stderr.readline()
    assert first.wait() == 0
    assert second.wait() == 0, second.stderr.read()
    second.stderr.close()
    assert fork.git("log", "-2", "--format=%s").splitlines() == [
        "Apply add-clock 1.0.0",
        "Apply add-dice 1.0.0",
    ]
    assert fork.git("status", "--porcelain") == ""


@pytest.mark.parametrize("free", [0, 16, 40, 80])
def test_a_full_disk(prepared: Path, tmp_path: Path, free: int) -> None:
    """On a real one, full to some kilobytes; `tests/killpoints` lets the disk fill up at every
    single step.
    """
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)], check=False
    ).returncode:
        assert not (ROOT and "CI" in os.environ), "a machine for CI must be able to mount a tmpfs"
        pytest.skip("mounting a small disk is not permitted here")
    try:
        subprocess.run(["cp", "-a", str(prepared / "fork"), str(disk / "fork")], check=True)
        fork = Repo(disk / "fork")
        live_in(fork)
        filler, chunk = disk / "filler", b"\0" * 4096
        with filler.open("wb", buffering=0) as file:
            while os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize > max(free * 1024, 4096):
                file.write(chunk)
            while free == 0 and os.statvfs(disk).f_bavail:
                file.write(chunk)
        before = state(fork)
        ran = skills(
            fork, "apply", *QUICK, "add-loud", "add-clock", env=environment(tmp_path / "home")
        )
        assert ran.code == 1, ran.said
        assert "Traceback" not in ran.err
        assert "space" in ran.err or "write" in ran.err, ran.err
        assert state(fork) == before, state(fork).differences(before)
        filler.unlink()
        assert skills(fork, "doctor", env=environment(tmp_path / "home")).code == 0
        ran = skills(
            fork, "apply", *QUICK, "add-loud", "add-clock", env=environment(tmp_path / "home")
        )
        assert ran.code == 0, ran.said
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def _as_nobody(fork: Repo, *args: str) -> Ran:
    """Run it without root's power to write anywhere."""
    home = fork.path.parent / "nobody"
    env = environment(home)
    if not ROOT:
        return skills(fork, *args, env=env)
    home.chmod(0o777)
    prefix = (
        "setpriv",
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        "--inh-caps=-all",
        "--bounding-set=-all",
    )
    return skills(fork, *args, env=env, prefix=prefix)


@pytest.fixture
def open_fork(fork: Repo) -> Iterator[Repo]:
    """One that another user gets to. The folder above those of all tests is closed to others by
    each run of pytest that begins, such as a skill's tests in another test.
    """
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Repo(shutil.copytree(fork.path, Path(folder) / "fork", symlinks=True))


@pytest.mark.parametrize("place", ["parrot", ".", ".git", ".git/objects", ".git/refs/heads"])
def test_a_folder_that_cannot_be_written(open_fork: Repo, place: str) -> None:
    """Run as an unprivileged user who owns everything but one folder."""
    fork = open_fork
    if ROOT:
        subprocess.run(["chown", "-R", "65534:65534", str(fork.path)], check=True)
        subprocess.run(["chown", "root", str(fork.path / place)], check=True)
    mode = (fork.path / place).stat().st_mode
    (fork.path / place).chmod(0o555)
    if ROOT and _as_nobody(fork, "--version").code:
        pytest.skip("the interpreter cannot be run by another user here")
    unlocked = "add-clock" if place == "." else "add-dice"
    before = state(fork)
    ran = _as_nobody(fork, "apply", *QUICK, unlocked)
    assert ran.code == 1, ran.said
    assert "Traceback" not in ran.err
    assert "ermission denied" in ran.err or "read-only" in ran.err, ran.err
    assert state(fork) == before
    (fork.path / place).chmod(mode | 0o777)
    assert _as_nobody(fork, "apply", *QUICK, unlocked).code == 0


def test_a_file_that_cannot_be_replaced(fork: Repo) -> None:
    """An immutable file shows only when it is its turn, after the branch has moved: everything is
    taken back.
    """
    stuck = fork.path / "parrot/settings.py"
    if subprocess.run(["chattr", "+i", str(stuck)], capture_output=True, check=False).returncode:
        pytest.skip("this file system has no immutable files, or this user may not make them")
    try:
        live = state(fork)
        ran = skills(fork, "apply", *QUICK, "add-loud", "add-clock")
        assert ran.code == 1, ran.said
        assert "nothing was changed: Operation not permitted" in ran.err
        assert "parrot/settings.py" in ran.err
        assert state(fork) == live, state(fork).differences(live)
        assert skills(fork, "doctor").code == 0
    finally:
        subprocess.run(["chattr", "-i", str(stuck)], check=True)
    applied(fork, "add-loud", "add-clock")


def test_a_git_directory_on_another_file_system(fork: Repo, tmp_path: Path) -> None:
    others = (
        other for other in (Path("/dev/shm"), Path("/var/tmp"), Path.home()) if other.is_dir()
    )
    second = next(
        (other for other in others if other.stat().st_dev != tmp_path.stat().st_dev), None
    )
    if second is None or not os.access(second, os.W_OK):
        pytest.skip("there is no second file system here")
    elsewhere = second / f"skills-{os.getpid()}-{tmp_path.name}"
    try:
        shutil.move(fork.path / ".git", elsewhere)
        (fork.path / ".git").write_text(f"gitdir: {elsewhere}\n")
        live_in(fork)
        before = state(fork)
        applied(fork, "add-loud", "add-clock")
        assert not [path for path in state(fork).files if "partial" in path]
        assert skills(fork, "undo", *QUICK).code == 0
        assert state(fork).files == before.files
    finally:
        shutil.rmtree(elsewhere, ignore_errors=True)
