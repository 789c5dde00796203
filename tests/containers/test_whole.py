"""The whole path: console, bot process, real container, real Claude Code, proxy, an API on loopback, and back."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import docker
import pytest
from engine import IMAGE, KEY
from fake_anthropic import FakeAnthropic

from bot.agents.container import installation
from bot.settings import Settings

pytestmark = pytest.mark.usefixtures("engine")


def start(data: Path, api: FakeAnthropic) -> subprocess.Popen[str]:
    data.mkdir(exist_ok=True)
    settings = {
        "GRAFTBOT_DATA": str(data),
        "ANTHROPIC_API_KEY": KEY,
        "ANTHROPIC_BASE_URL": api.url,
        "AGENT_IMAGE": IMAGE,
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


def test_a_message_is_answered_and_tools_send_and_schedule(tmp_path: Path, api: FakeAnthropic) -> None:
    bot = start(tmp_path / "data", api)
    assert bot.stdin
    bot.stdin.write('CALL mcp__graftbot__send_message {"text": "sent meanwhile"}\n')
    until(bot, "sent meanwhile")
    until(bot, "tool said")
    bot.stdin.write(
        'CALL mcp__graftbot__schedule_task {"prompt": "water them", "kind": "cron", "value": "0 9 * * *"}\n'
    )
    assert "water" in until(bot, "tool said"), "the task"
    assert ended(bot) == 0
    with closing(sqlite3.connect(tmp_path / "data/bot.db")) as db:
        assert db.execute("SELECT prompt, kind, value FROM tasks").fetchall() == [("water them", "cron", "0 9 * * *")]
    logged = (tmp_path / "data/stderr").read_text()
    assert KEY not in logged
    assert "Traceback" not in logged


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
    assert engine.containers.list(all=True, filters={"label": label}) == []
