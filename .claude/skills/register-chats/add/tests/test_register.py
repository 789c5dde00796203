"""`bot register`, beside a bot that runs and without one."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

HERE = str(Path(__file__).resolve().parents[1])
"""The fork that is tested, wherever another bot is installed."""
ENVIRONMENT = {**os.environ, "PYTHONPATH": HERE, "CONSOLE": "yes"}


def bot(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bot", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=cwd, env=ENVIRONMENT
    )


def groups(folder: Path) -> list[str]:
    with closing(sqlite3.connect(folder / "bot.db")) as db:
        return [
            row for (row,) in db.execute("SELECT folder || ' ' || chat FROM groups ORDER BY folder")
        ]


def test_a_chat_is_registered_whether_the_bot_runs_or_not(tmp_path: Path) -> None:
    first = bot("register", "telegram:7", "--folder", "main", "--data", str(tmp_path), cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    assert groups(tmp_path) == ["main telegram:7"]
    assert first.stderr == ""
    command = [sys.executable, "-m", "bot", "run", "--data", str(tmp_path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "bufsize": 0}
    with subprocess.Popen(command, cwd=tmp_path, env=ENVIRONMENT, **pipes) as process:  # type: ignore[call-overload]
        try:
            process.stdin.write(b"date\n")
            assert process.stdout.readline()
            second = bot("register", "--data", str(tmp_path), "--", "telegram:-100", cwd=tmp_path)
            assert second.returncode == 0, second.stderr
            assert groups(tmp_path) == [
                "console console:me",
                "main telegram:7",
                "telegram_-100 telegram:-100",
            ]
            assert (tmp_path / "groups/telegram_-100/CLAUDE.md").exists()
            refused = bot(
                "register", "telegram:7", "--remove", "--data", str(tmp_path), cwd=tmp_path
            )
            assert refused.returncode == 1
            assert "cannot be removed" in refused.stderr
        finally:
            process.send_signal(signal.SIGTERM)
    moved = bot("register", "telegram:-200", "--instead-of", "telegram:-100", cwd=tmp_path)
    assert moved.returncode == 1, "another store"
    with closing(sqlite3.connect(tmp_path / "bot.db")) as db, db:
        db.execute(
            "INSERT INTO tasks (id, folder, prompt, script, kind, value, zone, isolated, status) "
            "VALUES ('t', 'telegram_-100', 'p', '', 'interval', '60', 'UTC', 0, 'active')"
        )
    asks = bot("register", "--remove", "--data", str(tmp_path), "--", "telegram:-100", cwd=tmp_path)
    assert asks.returncode == 1
    assert "has 1 tasks, which would be cancelled" in asks.stderr
    bot(
        "register",
        "--remove",
        "--cancel-tasks",
        "--data",
        str(tmp_path),
        "--",
        "telegram:-100",
        cwd=tmp_path,
    )
    assert groups(tmp_path) == ["console console:me", "main telegram:7"]


def test_what_it_says_is_so(tmp_path: Path) -> None:
    def said(*arguments: str) -> str:
        ended = bot("register", *arguments, cwd=tmp_path)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout.strip()

    own = "console:me is answered; its folder is groups/main"
    assert said("console:me", "--folder", "main") == own
    later = "nowhere:2 is answered, once there is such a channel; its folder is groups"
    assert said("nowhere:1", "--folder", "old").startswith("nowhere:1 is answered, once")
    assert said("nowhere:2", "--instead-of", "nowhere:1") == f"{later}/old"


def test_of_a_chat_that_is_answered_what_is_not_given_stays_as_it_is(tmp_path: Path) -> None:
    def rules(*arguments: str) -> str:
        ended = bot("register", "telegram:-5", *arguments, cwd=tmp_path)
        assert ended.returncode == 0, ended.stderr
        with closing(sqlite3.connect(tmp_path / "data/bot.db")) as db:
            ((folder, name, rest),) = db.execute(
                "SELECT folder, name, rest FROM groups WHERE chat = 'telegram:-5'"
            )
        known = json.loads(rest)
        return f"{folder} {name} {known['trigger']} {known['senders']} {known['drop']}"

    assert rules("--folder", "own", "--sender", "7", "--drop") == "own own @Andy ['7'] True"
    assert rules("--name", "Ours") == "own Ours @Andy ['7'] True"
    assert rules("--always") == "own Ours None ['7'] True"
    assert rules() == "own Ours None ['7'] True"
    assert bot("register", "console:me", cwd=tmp_path).returncode == 0
    assert groups(tmp_path / "data") == ["main console:me", "own telegram:-5"]
    refused = bot("register", "console:me", "--folder", "mine", cwd=tmp_path)
    assert refused.returncode == 1
    assert "the console is its owner's" in refused.stderr
