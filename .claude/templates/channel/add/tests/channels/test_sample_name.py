"""Sample name: nothing is acknowledged before it is stored, and it is started with the others."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from bot.channels import CHANNELS
from bot.channels.sample_name import SampleNameChannel, Update
from bot.errors import BotError
from bot.messages import Message
from bot.settings import Secret, Settings


class FakeSampleName:
    """Sample name in memory: `waiting` is what it will bring, `sent` what it was given."""

    def __init__(self, *texts: str) -> None:
        now = datetime.now(UTC)
        self.waiting = [Update("7", f"m{n}", "Ada", text, now) for n, text in enumerate(texts)]
        self.sent: list[tuple[str, str]] = []

    async def updates(self) -> AsyncIterator[Update]:
        for update in list(self.waiting):
            yield update

    async def acknowledge(self, update: Update) -> None:
        self.waiting.remove(update)

    async def send(self, chat: str, text: str) -> None:
        self.sent.append((chat, text))


async def test_a_message_is_stored_before_it_is_acknowledged() -> None:
    peer, stored = FakeSampleName("one", "two"), []

    async def receive(message: Message) -> bool:
        if len(stored) == 1:
            raise OSError("the disk is full")
        stored.append((message.chat, message.text))
        return True

    with pytest.raises(OSError, match="full"):
        await SampleNameChannel(peer).connect(receive)
    assert stored == [("sample-name:7", "one")]
    assert [update.text for update in peer.waiting] == ["two"]


async def test_an_answer_goes_to_the_chat_that_asked() -> None:
    peer = FakeSampleName()
    await SampleNameChannel(peer).send("sample-name:7", "hello")
    assert peer.sent == [("7", "hello")]


def test_it_is_started_where_the_settings_ask_for_it() -> None:
    assert SampleNameChannel in CHANNELS
    assert SampleNameChannel.from_settings(Settings()) is None
    with pytest.raises(BotError):  # until there is a client
        SampleNameChannel.from_settings(Settings(sample_name_token=Secret("token")))
