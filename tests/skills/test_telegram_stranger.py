"""From a clone to a chat that is answered, by the console scripts alone, as the README says it."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from forks import ROOT
from telegram_emulator import TOKEN, emulator, installed

pytestmark = pytest.mark.slow

SCRIPTS = Path(sys.executable).parent


async def run(command: str, *arguments: str, home: Path) -> str:
    """What a console script says, run in the clone and with its code."""
    process = await asyncio.create_subprocess_exec(
        *(str(SCRIPTS / command), *arguments),
        cwd=home,
        env=environment(home),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    shown, _ = await asyncio.wait_for(process.communicate(), 600)
    assert process.returncode == 0, shown.decode()
    return shown.decode()


def environment(home: Path) -> dict[str, str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("TELEGRAM_")}
    return {
        **clean,
        "PYTHONPATH": str(home),
        "GIT_AUTHOR_NAME": "A",
        "GIT_AUTHOR_EMAIL": "a@b.c",
    } | {
        "GIT_COMMITTER_NAME": "A",
        "GIT_COMMITTER_EMAIL": "a@b.c",
    }


async def test_a_stranger_gets_from_a_clone_to_a_chat_that_is_answered(tmp_path: Path) -> None:
    installed()
    home = tmp_path / "graftbot"
    clone = ["git", "clone", "-q", str(ROOT), str(home)]
    subprocess.run(clone, check=True)  # noqa: ASYNC221  # nothing else runs yet
    await run("skills", "init", home=home)
    await run("skills", "apply", "add-telegram", "--yes", "--no-install", home=home)
    async with emulator() as telegram:
        settings = f"TELEGRAM_BOT_TOKEN={TOKEN}\nTELEGRAM_API_SERVER={telegram.url}\n"
        (home / ".env").write_text(settings)
        said = await run("bot", "setup", home=home)
        assert "the channel telegram is accepted" in said
        assert TOKEN not in said

        bot = await asyncio.create_subprocess_exec(
            *(str(SCRIPTS / "bot"), "run"),
            cwd=home,
            env=environment(home),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert bot.stdin is not None
        assert bot.stdout is not None
        try:
            await telegram.write("hello", chat=7)
            await telegram.called("sendMessage", 1)
            (greeting,) = await telegram.read(7)
            code = re.search(r"pair (\d{6})", greeting)
            assert code is not None, greeting
            notice = await asyncio.wait_for(bot.stdout.readline(), 60)
            assert b"telegram:7" in notice, "the owner is told at the console"
            bot.stdin.write(f"pair {code[1]} main\n".encode())
            await telegram.called("sendMessage", 2)
            await telegram.write("date", chat=7)
            await telegram.called("sendMessage", 3)
            assert any(text.startswith("Today is") for text in await telegram.read(7))
            await telegram.write("/status", chat=7)
            await telegram.called("sendMessage", 4)
            (status,) = await telegram.read(7)
            assert "wait for an answer: 0" in status
        finally:
            bot.terminate()
            _, errors = await asyncio.wait_for(bot.communicate(), 120)
        assert bot.returncode == 0, errors.decode()
        assert TOKEN not in errors.decode()
