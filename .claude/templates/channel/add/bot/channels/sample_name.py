"""Sample name: its chats, as `sample-name:<what it calls them>`."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Protocol, Self

from bot.channels.base import Channel
from bot.errors import Misconfigured
from bot.messages import Message, Receive
from bot.settings import Settings


@dataclass(frozen=True, slots=True)
class Update:
    """What Sample name says of a message."""

    chat: str
    id: str
    sender: str
    text: str
    sent_at: datetime


class Api(Protocol):
    """What the channel asks of Sample name. The tests have one in memory."""

    def updates(self) -> AsyncIterator[Update]:
        """What was not acknowledged yet, then what comes. Raises OSError when the line is lost."""

    async def acknowledge(self, update: Update) -> None:
        """It need not come again."""

    async def send(self, chat: str, text: str) -> None:
        """Raises OSError when the line is lost."""


class SampleNameChannel(Channel):
    """One connection to Sample name."""

    name: ClassVar[str] = "sample-name"

    def __init__(self, api: Api) -> None:
        self._api = api

    @classmethod
    def from_settings(cls, settings: Settings) -> Self | None:
        if not settings.sample_name_token:
            return None
        return cls(client(settings.sample_name_token.value))

    async def connect(self, receive: Receive) -> None:
        async for update in self._api.updates():
            await self.hand_over(receive, self._read(update))
            await self._api.acknowledge(update)

    async def send(self, chat: str, text: str) -> None:
        await self._api.send(chat.removeprefix(f"{self.name}:"), text)

    def _read(self, update: Update) -> Message:
        chat = f"{self.name}:{update.chat}"
        return Message(chat, update.id, update.sender, update.text, update.sent_at)


def client(token: str) -> Api:
    """The library of Sample name, as an `Api`: to be written."""
    raise Misconfigured("Sample name has no client yet", hint="write it: bot/channels/sample_name.py")
