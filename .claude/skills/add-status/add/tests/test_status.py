"""`bot status` and `bot logs`, of a bot that runs and of one that does not."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

HERE = str(Path(__file__).resolve().parents[1])
"""The fork that is tested, wherever another bot is installed."""
ENVIRONMENT = {**os.environ, "PYTHONPATH": HERE, "LOG_LEVEL": "INFO"}


def bot(*arguments: str, cwd: Path, given: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bot", *arguments]
    return subprocess.run(
        command, input=given, capture_output=True, text=True, check=False, cwd=cwd, env=ENVIRONMENT
    )


def test_status_and_logs(tmp_path: Path) -> None:
    assert bot("status", cwd=tmp_path).returncode == 1
    assert "`bot run` makes one" in bot("status", cwd=tmp_path).stderr
    logs = bot("logs", cwd=tmp_path).stderr
    assert "`bot run` writes one" in logs
    assert "Traceback" not in logs
    assert bot("run", cwd=tmp_path, given="help, swordfish\n").returncode == 0
    with closing(sqlite3.connect(tmp_path / "data/bot.db")) as db, db:
        db.execute("INSERT INTO chats (chat, error) VALUES ('memory:x', 'ConnectionError 529')")
        db.execute(
            "INSERT INTO inbox (chat, id, sender, text, sent_at, direct, asks)"
            " VALUES ('memory:x', '1', '', '', '', 1, 1)"
        )
        db.execute(
            "INSERT INTO tasks VALUES ('t', 'main', 'p', '', 'cron', '0 9 * * *', 'UTC', 0, 'active', '2099', NULL, NULL, NULL)"
        )
    found = json.loads(bot("status", "--json", cwd=tmp_path).stdout)
    assert [(row["id"], row["schedule"]) for row in found["next tasks"]] == [
        ("t", "cron 0 9 * * *")
    ]
    assert {row["what"] for row in found["on the disk"]} >= {"bot.db", "logs", "groups"}
    assert all(row["bytes"] > 0 for row in found["on the disk"] if row["what"] == "bot.db")
    assert found["kept for"] == [{"days": 365, "MB": 1000}]
    today = {datetime.now(UTC).date().isoformat(), ""}
    assert {row["oldest"] for row in found["on the disk"]} <= today
    assert {row["what"]: row["kept"] for row in found["oldest in the store"]} == {
        "messages": 2,
        "answers": 1,
        "runs of tasks": 0,
    }
    assert found["running"] is False
    assert [group["chat"] for group in found["groups"]] == ["console:me"]
    assert found["waiting for an answer"] == [{"chat": "memory:x", "messages": 1, "since": ""}]
    assert found["last errors"][0]["error"] == "ConnectionError 529"
    with subprocess.Popen(
        [sys.executable, "-m", "bot", "run"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=tmp_path,
        env=ENVIRONMENT,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"help\n")
        process.stdin.flush()
        process.stdout.readline()
        assert bot("status", cwd=tmp_path).stdout.startswith("running\n")
        process.send_signal(signal.SIGTERM)
    lines = bot("logs", cwd=tmp_path).stdout
    assert "stopped name=Andy" in lines
    assert "swordfish" not in lines, "no prompts in logs"
    assert (
        json.loads((tmp_path / "data/logs/bot.log").read_text().splitlines()[0])["event"] == "ready"
    )


def test_a_store_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "bot.db").write_bytes(b"this is no store, and long enough to be looked at " * 40)
    ran = bot("status", "--data", str(tmp_path), cwd=tmp_path)
    assert ran.returncode == 1
    assert "cannot be read: file is not a database" in ran.stderr
    assert "restore a backup" in ran.stderr
