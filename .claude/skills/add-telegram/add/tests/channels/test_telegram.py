"""The Telegram channel against a Bot API server on loopback, with the assistant around it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from doubles import FunctionAgent, register
from fake_telegram import TOKEN, FakeTelegram, fake_telegram

from bot.assistant import Assistant
from bot.channels import CHANNELS
from bot.channels.telegram import TelegramChannel, split
from bot.errors import Misconfigured, RefusedForNow, Undeliverable
from bot.messages import Message, Turn
from bot.settings import Secret, Settings
from bot.store import open_store
from bot.workers import Backoff


async def echo(turn: Turn) -> Sequence[str]:
    return [f"re: {message.text}" for message in turn.asked]


def channel(server: str, token: str = TOKEN) -> TelegramChannel:
    settings = Settings(
        assistant_name="Andy", telegram_bot_token=Secret(token), telegram_api_server=server
    )
    made = TelegramChannel.from_settings(settings)
    assert made is not None
    return made


@asynccontextmanager
async def running(
    fake: FakeTelegram, folder: Path, agent: FunctionAgent | None = None
) -> AsyncIterator[None]:
    stop = asyncio.Event()
    async with open_store(folder) as store:
        await register(store, *(f"telegram:{chat}" for chat in (7, 8, -100, -9)))
        assistant = Assistant(
            store, [channel(fake.url)], agent or FunctionAgent(echo), Backoff(0.01, 0.02)
        )
        task = asyncio.create_task(assistant.run(stop, grace=1))
        try:
            yield
        finally:
            stop.set()
            await asyncio.wait_for(task, 600)


def test_it_starts_with_the_others_once_there_is_a_token() -> None:
    assert TelegramChannel in CHANNELS
    assert TelegramChannel.from_settings(Settings()) is None
    with pytest.raises(Misconfigured, match="TELEGRAM_BOT_TOKEN is no token"):
        channel("", "no token")
    assert TOKEN not in repr(Settings(telegram_bot_token=Secret(TOKEN)))


def test_a_bot_without_a_token_does_not_pay_for_aiogram() -> None:
    code = f"import sys, bot.run; from {Settings.__module__} import {Settings.__name__} as S; [cls.from_settings(S()) for cls in bot.run.CHANNELS]"
    subprocess.run(
        [sys.executable, "-c", f"{code}; sys.exit('aiogram' in sys.modules)"], check=True
    )


async def test_text_comes_in_from_private_chats_and_groups_and_the_reply_goes_back(
    tmp_path: Path,
) -> None:
    async with fake_telegram() as fake, running(fake, tmp_path):
        await fake.write("hello", chat=7)
        await fake.write("", new_chat_title="Cats")
        await fake.write("lunch?", chat=-100, kind="supergroup")
        await fake.write("@Andy_Test_Bot where?", chat=-100, kind="supergroup")
        sent = await fake.called("sendMessage", 2)
    assert {(call["chat_id"], call["text"]) for call in sent} == {
        ("7", "re: hello"),
        ("-100", "re: @Andy where?"),
    }


async def test_an_update_is_acknowledged_only_after_its_message_is_stored() -> None:
    async with fake_telegram() as fake:
        for text in ("one", "two", "three"):
            await fake.write(text)
        telegram = channel(fake.url)
        stored: list[str] = []

        async def receive(message: Message) -> bool:
            if message.text == "two" and len(stored) == 1:
                stored.append("(disk full)")
                raise OSError("no space left")
            stored.append(message.text)
            return True

        with pytest.raises(OSError, match="no space left"):
            await telegram.connect(receive)
        task = asyncio.create_task(telegram.connect(receive))
        await fake.called("getUpdates", 3)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await telegram.disconnect()
    assert stored == ["one", "(disk full)", "two", "three"]
    assert [call.get("offset") for call in fake.of("getUpdates")] == [None, "2", "4"]


async def test_a_long_reply_goes_out_in_pieces_and_in_order_whatever_fails(tmp_path: Path) -> None:
    words = " ".join(f"word{n}" for n in range(2000))

    async def long(turn: Turn) -> Sequence[str]:
        return [words]

    async with fake_telegram() as fake, running(fake, tmp_path, FunctionAgent(long)):
        fake.refusals["sendMessage"] = [
            (429, "Too Many Requests", {"retry_after": 1}),
            (502, "Bad Gateway", {}),
        ]
        await fake.write("tell me")
        sent = await fake.called("sendMessage", 2 + len(split(words)))
    assert sent[0] == sent[1] == sent[2], "refused twice, then taken"
    assert " ".join(call["text"] for call in sent[2:]) == words


async def test_a_chat_that_cannot_be_reached_holds_nobody_up_and_one_that_moved_is_followed(
    tmp_path: Path,
) -> None:
    async with fake_telegram() as fake, running(fake, tmp_path):
        fake.refusals["sendMessage"] = [(403, "Forbidden: bot was blocked by the user", {})]
        await fake.write("hello", chat=8)
        await fake.called("sendMessage", 2)  # the owner is told
        fake.refusals["sendMessage"] = [
            (400, "group chat was upgraded", {"migrate_to_chat_id": -1009})
        ]
        await fake.write("@andy hi", chat=-9, kind="group")
        sent = await fake.called("sendMessage", 4)
        await fake.write("again", chat=8)
        sent = await fake.called("sendMessage", 5)
    assert [call["chat_id"] for call in sent] == ["8", "7", "-9", "-1009", "8"]


async def test_what_somebody_can_lift_waits_and_what_nobody_can_does_not(tmp_path: Path) -> None:
    async with fake_telegram() as fake:
        telegram = channel(fake.url)
        for status, words, kind in (
            (400, "Bad Request: chat not found", RefusedForNow),
            (
                400,
                "Bad Request: not enough rights to send text messages to the chat",
                RefusedForNow,
            ),
            (400, "Bad Request: have no rights to send a message", RefusedForNow),
            (400, "Bad Request: CHAT_WRITE_FORBIDDEN", RefusedForNow),
            (400, "Bad Request: CHAT_RESTRICTED", RefusedForNow),
            (400, "Bad Request: TOPIC_CLOSED", RefusedForNow),
            (403, "Forbidden: bot was kicked from the supergroup chat", RefusedForNow),
            (403, "Forbidden: bot is not a member of the channel chat", RefusedForNow),
            (403, "Forbidden: bot can't initiate conversation with a user", RefusedForNow),
            (403, "Forbidden: bot was blocked by the user", Undeliverable),
            (403, "Forbidden: user is deactivated", Undeliverable),
            (400, "Bad Request: message is too long", Undeliverable),
        ):
            fake.refusals["sendMessage"] = [(status, words, {})]
            with pytest.raises(kind):
                await telegram.send("telegram:7", "hello")
        for nowhere in ("telegram:@ada", "telegram:7:x", "telegram:٣"):
            with pytest.raises(Undeliverable, match="no chat"):
                await telegram.send(nowhere, "hello")
        await telegram.disconnect()


async def test_typing_is_shown_while_the_agent_works(tmp_path: Path) -> None:
    async with fake_telegram() as fake:

        async def slow(turn: Turn) -> Sequence[str]:
            await fake.called("sendChatAction")
            return ["done"]

        async with running(fake, tmp_path, FunctionAgent(slow)):
            await fake.write("hello")
            await fake.called("sendMessage")
    assert fake.of("sendChatAction") == [{"chat_id": "7", "action": "typing"}]


async def test_it_connects_again_after_errors_and_gives_up_on_a_token_that_is_refused(
    tmp_path: Path,
) -> None:
    async with fake_telegram() as fake, running(fake, tmp_path):
        fake.refusals["getUpdates"] = [
            (502, "Bad Gateway", {}),
            (409, "terminated by other getUpdates request", {}),
        ]
        await fake.write("hello")
        await fake.called("sendMessage")
    async with fake_telegram() as fake:
        refused = channel(fake.url, "1:other")
        with pytest.raises(Misconfigured, match="does not accept"):
            await asyncio.wait_for(refused.connect(_store_nothing), 600)
        with pytest.raises(Misconfigured, match="does not accept"):
            await refused.check()
        await refused.disconnect()
        accepted = channel(fake.url)
        assert (await accepted.check()).startswith("@")
        await accepted.disconnect()


async def _store_nothing(message: Message) -> bool:
    raise AssertionError(message)
