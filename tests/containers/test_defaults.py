"""What people type: `bot run`, in a directory of their own, with a key and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from engine import IMAGE, KEY
from fake_anthropic import FakeAnthropic

BOT = Path(sys.executable).with_name("bot")
ROOT = Path(__file__).parents[2]


@contextmanager
def running(home: Path, api: FakeAnthropic, image: str = IMAGE) -> Iterator[subprocess.Popen[str]]:
    env = {key: value for key, value in os.environ.items() if key != "GRAFTBOT_DATA"}
    (home / ".env").write_text(
        f"ANTHROPIC_API_KEY={KEY}\nANTHROPIC_BASE_URL={api.url}\nAGENT_IMAGE={image}\n"
    )
    with (
        (home / "stderr").open("w") as log,
        subprocess.Popen(
            [BOT, "run"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            bufsize=1,
            cwd=home,
            env={**env, "PYTHONPATH": str(ROOT), "CLAUDE_CODE_OAUTH_TOKEN": ""},
        ) as bot,
    ):
        yield bot
        assert bot.stdin
        bot.stdin.close()


@pytest.mark.usefixtures("engine")
def test_an_agent_s_request_is_served_with_the_default_data_directory(
    tmp_path: Path, api: FakeAnthropic
) -> None:
    ask = {"text": "by the way"}
    with running(tmp_path, api) as bot:
        assert bot.stdin
        assert bot.stdout
        bot.stdin.write(f"CALL mcp__graftbot__send_message {json.dumps(ask)}\n")
        assert bot.stdout.readline() == "by the way\n"
        assert bot.stdout.readline().startswith("tool said: ")
    assert bot.returncode == 0
    assert list((tmp_path / "data/ipc/main/requests").iterdir()) == []
    assert list((tmp_path / "data/proxy").iterdir()) == []


@pytest.mark.usefixtures("engine")
def test_commands_and_files_with_an_agent_at_work(tmp_path: Path, api: FakeAnthropic) -> None:
    def say(text: str) -> None:
        assert bot.stdin
        bot.stdin.write(text + "\n")

    def read() -> str:
        assert bot.stdout
        return bot.stdout.readline()

    def answer() -> str:
        text = ""
        while "</messages>" not in text:
            text += read()
        return text

    with running(tmp_path, api) as bot:
        say("SLOW 600 a long story")
        while not api.requests:
            time.sleep(0.02)
        say("/stop")
        assert read() == "Stopped.\n"
        say("the second")
        assert "the second" in answer()
        assert "long story" not in str(api.requests[-1]["body"]["messages"][-1]), "asked no more"
        note = {"command": "echo milk | tee /workspace/group/list.txt"}
        say(f"CALL Bash {json.dumps(note)}")
        assert read().startswith("tool said:")
        file = {"path": "/workspace/group/list.txt", "text": "here"}
        say(f"CALL mcp__graftbot__send_file {json.dumps(file)}")
        assert read() == "here\n"
        assert read() == f"[file {tmp_path}/data/groups/main/list.txt]\n"
        assert read().startswith("tool said:")
        say("/new")
        assert read() == "We begin anew.\n"
        say("the third")
        assert "the third" in answer()
        assert "the second" not in str(api.requests[-1]["body"]["messages"])
    assert bot.returncode == 0
    assert (tmp_path / "data/groups/main/list.txt").read_text() == "milk\n"


@pytest.mark.usefixtures("engine")
def test_a_bot_that_was_not_set_up_says_so_before_anybody_writes(
    tmp_path: Path, api: FakeAnthropic
) -> None:
    with running(tmp_path, api, "graftbot-no-such-image") as bot:
        assert bot.stdout
        assert "no image graftbot-no-such-image. Build it: bot setup." in bot.stdout.readline()
        while "nobody can be answered yet" not in (told := (tmp_path / "stderr").read_text()):
            time.sleep(0.05)
    assert "no image graftbot-no-such-image" in told
    assert "bot setup" in told
