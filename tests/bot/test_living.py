"""Living with a bot: status and logs."""

from __future__ import annotations

import json
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from test_process import bot, start

NEVER_LOGGED = "my number is 123456"


@pytest.fixture
def used(tmp_path: Path) -> Path:
    """The data of a bot that has answered."""
    data = tmp_path / "data"
    ended = bot("run", "--data", str(data), given=f"{NEVER_LOGGED}\n", cwd=tmp_path)
    assert NEVER_LOGGED in ended.stdout, ended.stderr
    (data / "groups/main/notes.txt").write_text("remember")
    return data


def test_status_and_logs_tell_of_a_bot_that_runs_and_of_one_that_does_not(used: Path, tmp_path: Path) -> None:
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
        process.stdin.write(b"date\n")
        process.stdout.readline()
        assert bot("status", "--data", str(used), cwd=tmp_path).stdout.startswith("running\n")
        process.send_signal(signal.SIGTERM)
    lines = bot("logs", *place, cwd=tmp_path).stdout
    assert "stopped name=Andy" in lines
    assert "123456" not in lines, "no prompts in logs"
    assert json.loads((used / "logs/bot.log").read_text().splitlines()[0])["event"] == "ready"
