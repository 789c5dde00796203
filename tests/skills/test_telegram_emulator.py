"""The bot as a process in a fork with add-telegram, and an emulated Telegram as its peer."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from forks import fork
from telegram_emulator import TOKEN, emulator, installed

pytestmark = pytest.mark.slow

SLOW = '''"""What an owner might add."""

import asyncio

from bot.settings import Settings


async def slow(request: str, settings: Settings) -> str | None:
    """slow, long, say"""
    if request == "slow":
        await asyncio.sleep(4.5)
        return "done"
    if request.startswith("say "):
        return request.removeprefix("say ")
    return " ".join(f"word{n}" for n in range(1500)) if request == "long" else None
'''


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fork with Telegram, and with an ability that its owner added."""
    installed()
    folder = fork(tmp_path_factory.mktemp("fork") / "bot", "add-telegram", "register-chats")
    (folder / "bot/abilities/slow.py").write_text(SLOW)
    abilities = folder / "bot/abilities/__init__.py"
    abilities.write_text(
        abilities.read_text()
        .replace("from bot.settings", "from bot.abilities.slow import slow\nfrom bot.settings")
        .replace("(clock,)", "(clock, slow)")
    )
    return folder


@asynccontextmanager
async def bot(home: Path, data: Path, server: str) -> AsyncIterator[None]:
    settings = {
        "TELEGRAM_BOT_TOKEN": TOKEN,
        "TELEGRAM_API_SERVER": server,
        "CONSOLE": "no",
        "LOG_LEVEL": "DEBUG",
    }
    for chat in (7, 8, 9, -100):
        command = (
            *(sys.executable, "-m", "bot", "register"),
            "--data",
            str(data),
            "--",
            f"telegram:{chat}",
        )
        registering = await asyncio.create_subprocess_exec(*command, cwd=home)
        assert await registering.wait() == 0
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "run", "--data", str(data)),
        cwd=home,
        env={**os.environ, **settings},
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield
    finally:
        process.terminate()
        _, errors = await asyncio.wait_for(process.communicate(), 600)
    log = errors.decode()
    assert process.returncode == 0, log
    assert TOKEN not in log


async def test_a_private_chat_and_a_group(home: Path, tmp_path: Path) -> None:
    async with AsyncExitStack() as running:
        telegram = await running.enter_async_context(emulator())
        await telegram.write("say four", chat=7)  # while the bot is away
        await running.enter_async_context(bot(home, tmp_path, telegram.url))
        await telegram.called("sendMessage", 1)
        assert await telegram.read(7) == ["four"]
        await telegram.write("lunch?", chat=-100, kind="group")
        await telegram.write("@testnamebot say many", chat=-100, kind="group")
        await telegram.called("sendMessage", 2)
        assert await telegram.read(-100) == ["many"]
        await telegram.write("@Andy say two", chat=-100, kind="supergroup")
        await telegram.called("sendMessage", 3)
        assert await telegram.read(-100) == ["two"]
        assert await telegram.read(7) == []


async def test_a_long_reply_comes_in_pieces_and_typing_is_kept_alive(
    home: Path, tmp_path: Path
) -> None:
    async with emulator() as telegram, bot(home, tmp_path, telegram.url):
        await telegram.write("long", chat=8)
        await telegram.called("sendMessage", 4)
        pieces = await telegram.read(8)
        assert all(len(piece) <= 4096 for piece in pieces)
        assert " ".join(pieces) == " ".join(f"word{n}" for n in range(1500))

        await telegram.write("slow", chat=9)
        await telegram.called("sendMessage", 5)
        shown = [call for call in telegram.of("sendChatAction") if call["body"]["chat_id"] == "9"]
        assert [call["body"]["action"] for call in shown] == ["typing"] * 2
        assert {call["status"] for call in shown} == {500}, (
            "the emulator does not know it, and the bot goes on"
        )
        assert await telegram.read(9) == ["done"]


async def test_reactions_that_the_server_does_not_know_cost_nothing(tmp_path: Path) -> None:
    home = fork(tmp_path / "bot", "add-telegram", "register-chats", "telegram-reactions")
    async with emulator() as telegram, bot(home, tmp_path, telegram.url):
        await telegram.write("date", chat=7)
        await telegram.write("date", chat=7)
        await telegram.called("sendMessage", 2)
        assert [text.split()[0] for text in await telegram.read(7)] == ["Today", "Today"]
        shown = await telegram.called("setMessageReaction", 4)
        assert {call["status"] for call in shown} == {500}
