"""The whole path: console, bot process, real container, real Claude Code, proxy, an API on
loopback, and back.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import docker
import pytest
from engine import IMAGE, KEY
from fake_anthropic import FakeAnthropic

from bot.agents.container import installation
from bot.settings import Settings

pytestmark = pytest.mark.usefixtures("engine")


IDENTITY = {
    f"GIT_{who}_{what}": "a@example.org"
    for who in ("AUTHOR", "COMMITTER")
    for what in ("NAME", "EMAIL")
}
ROOT = Path(__file__).parents[2]


def run(*command: str) -> None:
    ended = subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | IDENTITY
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


def start(data: Path, api: FakeAnthropic, code: Path = ROOT) -> subprocess.Popen[str]:
    data.mkdir(exist_ok=True)
    settings = {
        "GRAFTBOT_DATA": str(data),
        "ANTHROPIC_API_KEY": KEY,
        "ANTHROPIC_BASE_URL": api.url,
        "AGENT_IMAGE": IMAGE,
        "PYTHONPATH": str(code),
    }
    with (data / "stderr").open("a") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "bot", "run"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            bufsize=1,
            cwd=data,
            env={**os.environ, "CLAUDE_CODE_OAUTH_TOKEN": "", "CONSOLE": "yes", **settings},
        )


def until(bot: subprocess.Popen[str], wanted: str) -> str:
    """Read what the bot prints until `wanted` is in a line; that line."""
    assert bot.stdout
    for line in bot.stdout:
        if wanted in line:
            return line
    raise AssertionError(f"the bot ended without {wanted!r}")


def ended(bot: subprocess.Popen[str]) -> int:
    """End its input and wait for its end; the exit code."""
    assert bot.stdin
    assert bot.stdout
    bot.stdin.close()
    code = bot.wait()
    bot.stdout.close()
    return code


def test_a_message_is_answered_and_an_agent_sends_another_meanwhile(
    tmp_path: Path, api: FakeAnthropic
) -> None:
    bot = start(tmp_path / "data", api)
    assert bot.stdin
    bot.stdin.write('CALL mcp__graftbot__send_message {"text": "sent meanwhile"}\n')
    until(bot, "sent meanwhile")
    until(bot, "tool said")
    group = {"chat": "console:friends", "folder": "friends", "trigger": "@Andy"}
    bot.stdin.write(f"CALL mcp__graftbot__register_group {json.dumps(group)}\n")
    assert "friends" in until(bot, "tool said")
    assert (tmp_path / "data/groups/friends/CLAUDE.md").exists()
    bot.stdin.write("CALL mcp__graftbot__refresh_groups {}\n")
    assert "tool said: []" in until(bot, "tool said"), "nobody has written who is not registered"
    assert ended(bot) == 0
    with closing(sqlite3.connect(tmp_path / "data/bot.db")) as db:
        ((folder, requests, tokens),) = db.execute("SELECT folder, requests, input FROM usage")
    assert (folder, requests) == ("main", 6)
    assert tokens > 6_000, "what the API has counted"
    logged = (tmp_path / "data/stderr").read_text()
    assert KEY not in logged
    assert "sent meanwhile" not in logged + (tmp_path / "data/logs/bot.log").read_text(), (
        "no log holds a message"
    )
    assert "Traceback" not in logged


def test_an_agent_schedules_a_task_and_the_task_runs(tmp_path: Path, api: FakeAnthropic) -> None:
    bot = start(tmp_path / "data", api)
    assert bot.stdin
    said, seconds = "is in the past", 4
    while "is in the past" in said:  # on a machine that is too busy for so soon
        soon = (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()
        task = {"prompt": "water them", "kind": "once", "value": soon, "isolated": True}
        bot.stdin.write(f"CALL mcp__graftbot__schedule_task {json.dumps(task)}\n")
        said, seconds = until(bot, "tool said"), 3 * seconds
    assert "water" in said, "the task"
    until(bot, "water them")
    assert ended(bot) == 0
    with closing(sqlite3.connect(tmp_path / "data/bot.db")) as db:
        assert db.execute("SELECT prompt, kind, status FROM tasks").fetchall() == [
            ("water them", "once", "done")
        ]


def test_a_stop_lets_the_agent_finish_and_a_second_signal_does_not_wait_and_no_container_is_left(
    tmp_path: Path, api: FakeAnthropic, engine: docker.DockerClient
) -> None:
    label = f"graftbot.installation={installation(Settings(graftbot_data=tmp_path / 'data'))}"
    for signals, kind in ((1, signal.SIGTERM), (1, signal.SIGHUP), (2, signal.SIGTERM)):
        bot = start(tmp_path / "data", api)
        assert bot.stdin
        assert bot.stdout
        before = len(api.requests)
        bot.stdin.write(
            "SLOW 0.5 it finishes\n" if signals == 1 else "SLOW 600 it is asked again\n"
        )
        while len(api.requests) == before:
            time.sleep(0.02)
        for _ in range(signals):
            bot.send_signal(kind)
            time.sleep(0.2)
        printed = bot.stdout.read()
        assert ended(bot) == 0
        assert ("it finishes" in printed) == (signals == 1)
        assert engine.api.containers(all=True, filters={"label": label}) == []
    with closing(sqlite3.connect(tmp_path / "data/bot.db")) as db:
        assert db.execute("SELECT count(*) FROM inbox, chats WHERE seq > handled").fetchall() == [
            (1,)
        ], "it waits"


def test_what_was_asked_when_the_bot_was_killed_is_answered_after_the_next_start_and_no_orphan_stays(
    tmp_path: Path, api: FakeAnthropic, engine: docker.DockerClient
) -> None:
    data = tmp_path / "data"
    bot = start(data, api)
    assert bot.stdin
    bot.stdin.write("hello\n")
    until(bot, "hello")
    bot.stdin.write("SLOW 3 this takes a while\n")
    while len(api.requests) < 2:
        time.sleep(0.02)
    bot.send_signal(signal.SIGKILL)
    ended(bot)
    again = start(data, api)
    until(again, "takes a while")
    assert "hello" in str(api.requests[-1]["body"]["messages"])  # the session was resumed
    assert ended(again) == 0
    label = f"graftbot.installation={installation(Settings(graftbot_data=data))}"
    assert engine.api.containers(all=True, filters={"label": label}) == []
