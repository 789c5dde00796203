"""A backup is whole, verified, and put back with the old data kept."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from bot.backup import backup, restore
from bot.errors import BotError

HERE = str(Path(__file__).resolve().parents[1])
"""The fork that is tested, wherever another bot is installed."""


def bot(*arguments: str, given: str = "", cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bot", *arguments]
    environment = {**os.environ, "PYTHONPATH": HERE, "GRAFTBOT_DATA": ""}
    return subprocess.run(
        command,
        input=given,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=cwd,
        env=environment,
    )


@contextmanager
def running(data: Path) -> Iterator[None]:
    """A bot that has answered, and is at work."""
    with subprocess.Popen(
        [sys.executable, "-m", "bot", "run", "--data", str(data)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": HERE, "GRAFTBOT_DATA": ""},
        bufsize=0,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"hello\n")
        assert process.stdout.readline()  # whatever this fork's agent says
        yield
        process.send_signal(signal.SIGTERM)


def said(data: Path) -> list[str]:
    """What was said to the bot whose data these are."""
    with closing(sqlite3.connect(data / "bot.db")) as db:
        return [text for (text,) in db.execute("SELECT text FROM inbox ORDER BY seq")]


@pytest.fixture
def used(tmp_path: Path) -> Path:
    """The data of a bot that has answered."""
    data = tmp_path / "data"
    ended = bot("run", "--data", str(data), given="hello\n", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert said(data) == ["hello"]
    (data / "groups/main/notes.txt").write_text("remember")
    return data


def test_a_backup_of_a_running_bot_is_restored_and_the_old_data_are_kept(
    used: Path, tmp_path: Path
) -> None:
    target = tmp_path / "backup.tar.gz"
    with running(used):
        made = bot("backup", str(target), "--data", str(used), cwd=tmp_path)
        assert made.returncode == 0, made.stderr
        refused = bot("restore", str(target), "--data", str(used), cwd=tmp_path)
        assert refused.returncode == 1
        assert "a bot is running" in refused.stderr
    (used / "groups/main/notes.txt").write_text("forgotten")
    back = bot("restore", str(target), "--data", str(used), cwd=tmp_path)
    assert back.returncode == 0, back.stderr
    assert (used / "groups/main/notes.txt").read_text() == "remember"
    (old,) = tmp_path.glob("data.before-*")
    assert (old / "groups/main/notes.txt").read_text() == "forgotten"
    assert said(used) == ["hello", "hello"]


@pytest.mark.parametrize("damage", ["cut", "changed", "outside", "other"])
def test_a_backup_that_is_not_as_it_was_made_is_refused_and_the_data_stay(
    used: Path, tmp_path: Path, damage: str
) -> None:
    target = tmp_path / "backup.tar.gz"
    backup(used, target)
    if damage == "cut":
        target.write_bytes(target.read_bytes()[:-200])
    elif damage == "other":
        target.write_bytes(b"nothing of the kind")
    else:
        with tarfile.open(target) as archive:
            archive.extractall(tmp_path / "open", filter="data")
        (tmp_path / "open/groups/main/notes.txt").write_text("changed")
        with tarfile.open(target, "w:gz") as archive:
            for path in (tmp_path / "open").rglob("*"):
                if path.is_file():
                    archive.add(path, path.relative_to(tmp_path / "open"))
            if damage == "outside":
                archive.add(tmp_path / "open/groups/main/notes.txt", "../escaped.txt")
    with pytest.raises(BotError):
        restore(target, used)
    assert (used / "groups/main/notes.txt").read_text() == "remember"
    assert not (tmp_path / "escaped.txt").exists()
    assert not list(tmp_path.glob("data.before-*"))
