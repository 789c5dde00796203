"""A channel and an agent in memory: what the assistant is tested with, for whoever tests a skill."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import ClassVar, Self

from bot.agents.base import Agent
from bot.channels.base import Channel
from bot.groups import Group
from bot.messages import Message, Receive, Turn
from bot.settings import Settings
from bot.store import Store


def message(text: str, chat: str = "memory:me", id_: str = "", *, direct: bool = True) -> Message:
    """A message from somebody; its text serves as its identifier."""
    return Message(chat, id_ or text, "Somebody", text, datetime.now(UTC), direct)


async def register(store: Store, *chats: str, trigger: str | None = "@Andy") -> None:
    """Let the assistant answer these chats; the first is main, unless there is one."""
    for number, chat in enumerate(chats, len(store.groups)):
        await store.register(Group(f"group-{number}" if number else "main", chat, chat, trigger))


class MemoryChannel(Channel):
    """Brings `incoming`, then ends; `sent` is what was delivered, `shown` the chats that saw typing."""

    name: ClassVar[str] = "memory"

    def __init__(self, incoming: Sequence[Message] = (), *, stays: bool = False) -> None:
        self.incoming = list(incoming)
        self.sent: list[tuple[str, str]] = []
        self.shown: list[str] = []
        self._stays = stays

    @classmethod
    def from_settings(cls, settings: Settings) -> Self | None:
        return cls()

    async def connect(self, receive: Receive) -> None:
        for one in self.incoming:
            await receive(one)
        if self._stays:
            await asyncio.Event().wait()

    async def send(self, chat: str, text: str) -> None:
        self.sent.append((chat, text))

    async def typing(self, chat: str) -> None:
        self.shown.append(chat)


class FunctionAgent(Agent):
    """Answers with what a function says."""

    def __init__(self, answer: Callable[[Turn], Awaitable[Sequence[str]]]) -> None:
        self._answer = answer

    @classmethod
    def from_settings(cls, settings: Settings) -> Self | None:
        return None

    async def answer(self, turn: Turn) -> Sequence[str]:
        return await self._answer(turn)
