"""Living with a bot: status, logs, doctor, backup and restore, the service."""

from __future__ import annotations

import json
import os
import plistlib
import signal
import sqlite3
import subprocess
import sys
import tarfile
from contextlib import closing
from pathlib import Path

import pytest
from test_process import bot, start

from bot import service
from bot.backup import backup, restore
from bot.errors import BotError

NEVER_LOGGED = "what is 123456 + 1"


@pytest.fixture
def used(tmp_path: Path) -> Path:
    """The data of a bot that has answered."""
    data = tmp_path / "data"
    ended = bot("run", "--data", str(data), given=f"{NEVER_LOGGED}\n", cwd=tmp_path)
    assert ended.stdout == "123457\n", ended.stderr
    (data / "groups/main/notes.txt").write_text("remember")
    return data


def test_status_logs_and_doctor_tell_of_a_bot_that_runs_and_of_one_that_does_not(used: Path, tmp_path: Path) -> None:
    place = ("--data", str(used))
    with closing(sqlite3.connect(used / "bot.db")) as db, db:
        db.execute("INSERT INTO chats (chat, error) VALUES ('memory:x', 'ConnectionError 529')")
        db.execute(
            "INSERT INTO inbox (chat, id, sender, text, sent_at, direct, asks) VALUES ('memory:x','1','','','',1,1)"
        )
    found = json.loads(bot("status", "--json", *place, cwd=tmp_path).stdout)
    assert found["running"] is False
    assert [group["chat"] for group in found["groups"]] == ["console:me"]
    assert found["waiting for an answer"] == [{"chat": "memory:x", "messages": 1, "since": ""}]
    assert found["last errors"][0]["error"] == "ConnectionError 529"
    with start(used) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"2+2\n")
        process.stdout.readline()
        assert bot("status", "--data", str(used), cwd=tmp_path).stdout.startswith("running\n")
        process.send_signal(signal.SIGTERM)
    lines = bot("logs", *place, cwd=tmp_path).stdout
    assert "stopped name=Andy" in lines
    assert "123456" not in lines, "no prompts in logs"
    assert json.loads((used / "logs/bot.log").read_text().splitlines()[0])["event"] == "ready"
    well = bot("doctor", *place, cwd=tmp_path)
    assert well.returncode == 0, well.stdout
    (used / "bot.db").write_bytes(b"no database" * 1000)
    ill = bot("doctor", *place, cwd=tmp_path)
    assert ill.returncode == 1
    assert "not ok  store" in ill.stdout
    assert "bot restore" in ill.stdout


def test_setup_prepares_a_checkout_and_says_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / ".env.example").write_text("CONSOLE=yes\n")
    first = bot("setup", cwd=tmp_path)
    assert first.returncode == 0, first.stdout
    assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600
    (tmp_path / ".env").write_text("CONSOLE=no\n")
    second = bot("setup", cwd=tmp_path)
    assert second.returncode == 1
    assert "no channel is configured" in second.stdout
    assert (tmp_path / ".env").read_text() == "CONSOLE=no\n"


def test_a_backup_of_a_running_bot_is_restored_and_the_old_data_are_kept(used: Path, tmp_path: Path) -> None:
    target = tmp_path / "backup.tar.gz"
    with start(used) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"2+2\n")
        process.stdout.readline()
        made = bot("backup", str(target), "--data", str(used), cwd=tmp_path)
        assert made.returncode == 0, made.stderr
        refused = bot("restore", str(target), "--data", str(used), cwd=tmp_path)
        assert refused.returncode == 1
        assert "a bot is running" in refused.stderr
        process.send_signal(signal.SIGTERM)
    (used / "groups/main/notes.txt").write_text("forgotten")
    back = bot("restore", str(target), "--data", str(used), cwd=tmp_path)
    assert back.returncode == 0, back.stderr
    assert (used / "groups/main/notes.txt").read_text() == "remember"
    (old,) = tmp_path.glob("data.before-*")
    assert (old / "groups/main/notes.txt").read_text() == "forgotten"
    with closing(sqlite3.connect(used / "bot.db")) as db:
        assert db.execute("SELECT text FROM outbox ORDER BY seq").fetchall() == [("123457",), ("4",)]


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


def test_a_service_is_installed_for_systemd_and_taken_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = tmp_path / "calls"
    fake = tmp_path / "bin/systemctl"
    fake.parent.mkdir()
    fake.write_text(f'#!/bin/sh\necho "$@" >> {calls}\n')
    fake.chmod(0o755)
    environment = {**os.environ, "PATH": f"{fake.parent}:{os.environ['PATH']}", "XDG_CONFIG_HOME": str(tmp_path / "c")}
    folder = tmp_path / "with % and spaces"
    folder.mkdir()
    command = [sys.executable, "-m", "bot", "service"]
    subprocess.run([*command, "install", "--data", str(folder)], check=True, cwd=tmp_path, env=environment)
    unit = (tmp_path / "c/systemd/user/graftbot.service").read_text()
    assert f'"{str(folder).replace("%", "%%")}"' in unit
    verify = ["systemd-analyze", "verify", "--user", str(tmp_path / "c/systemd/user/graftbot.service")]
    if Path("/usr/bin/systemd-analyze").exists():
        assert "graftbot" not in subprocess.run(verify, check=False, capture_output=True, text=True).stderr
    subprocess.run([*command, "uninstall"], check=True, cwd=tmp_path, env=environment)
    assert not (tmp_path / "c/systemd/user/graftbot.service").exists()
    assert calls.read_text().splitlines() == [
        "--user daemon-reload",
        "--user enable --now graftbot.service",
        "--user disable --now graftbot.service",
    ]


def test_a_service_of_launchd_starts_the_same_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[tuple[str, ...]] = []
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(service, "_run", lambda *command: ran.append(command))
    monkeypatch.setenv("HOME", str(tmp_path))
    path = service.install(tmp_path / "data")
    about = plistlib.loads(path.read_bytes())
    assert about["ProgramArguments"][1:] == ["-m", "bot", "run", "--data", str(tmp_path / "data")]
    service.uninstall()
    assert not path.exists()
    assert [command[1] for command in ran] == ["bootstrap", "bootout"]
