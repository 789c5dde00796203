"""Telegram's emulator → the bot in a fork with add-telegram → a real container → an API on
loopback, and back.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import docker
from engine import IMAGE, KEY
from fake_anthropic import FakeAnthropic

sys.path.append(str(Path(__file__).parents[1] / "skills"))

from forks import fork
from telegram_emulator import TOKEN, emulator


async def test_a_message_from_telegram_is_answered_by_an_agent_in_its_container(
    tmp_path: Path, api: FakeAnthropic, engine: docker.DockerClient
) -> None:
    home = fork(tmp_path / "bot", "add-telegram")
    environment = {
        **os.environ,
        "GRAFTBOT_DATA": str(tmp_path / "data"),
        "CONSOLE": "no",
        "TELEGRAM_BOT_TOKEN": TOKEN,
    }
    agent = {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": api.url, "AGENT_IMAGE": IMAGE}
    async with emulator() as telegram:
        environment["TELEGRAM_API_SERVER"] = telegram.url
        setup = (sys.executable, "-m", "bot", "setup", "--main", "telegram:7")
        making = await asyncio.create_subprocess_exec(*setup, cwd=home, env=environment)
        assert await making.wait() == 0
        command = (sys.executable, "-m", "bot", "run")
        bot = await asyncio.create_subprocess_exec(*command, cwd=home, env=environment | agent)
        try:
            await telegram.write("where is the blue bicycle?", chat=7)
            await telegram.called("sendMessage", 1)
            (said,) = await telegram.read(7)
            assert said.startswith("echo: <messages")
            assert "where is the blue bicycle?" in said
        finally:
            bot.terminate()
            assert await bot.wait() == 0
