"""Two messengers: they keep what people write until it is taken, and know what they were given."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import ClassVar, Self

from bot.channels import Channel
from bot.errors import BotError, Undeliverable, Unfetchable
from bot.messages import Attachment, Message, Receive
from bot.settings import Settings
from simulation.plan import Post
from simulation.world import BEGIN, Accepted, Posted, World

TRIGGER = "@Andy"


class Messenger:
    """Outlasts the bot: `waiting` are numbers of messages that are not taken yet, in order."""

    def __init__(self, world: World, name: str) -> None:
        self.world, self.name = world, name
        self.waiting: list[int] = []
        self.again: list[int] = []
        self.news: asyncio.Event | None = None

    def post(self, post: Post) -> None:
        """Somebody writes."""
        text = f"m{post.number} {post.does}".strip()
        if post.does.startswith("/"):
            text = post.does
        elif post.does != "aside" and post.chat:
            text = f"{TRIGGER} {text}"
        chat = self.world.chat(post.chat)
        self.world.posted[post.number] = Posted(post, chat, text)
        self.world.note(f"{chat} writes {text}")
        self.waiting.append(post.number)
        if self.news:
            self.news.set()

    def message(self, number: int) -> Message:
        one = self.world.posted[number]
        when = datetime.fromtimestamp(BEGIN + one.post.at, UTC)
        files = (Attachment("document", f"{number}.txt", 4, source=str(number)),)
        return Message(
            one.chat,
            str(number),
            f"Person {one.post.chat}",
            one.text,
            when,
            False,
            attachments=files if one.post.does == "file" else (),
        )


class SimulatedChannel(Channel):
    """The bot's side of a messenger."""

    name: ClassVar[str] = "tele"
    pairs = False

    def __init__(self, messenger: Messenger) -> None:
        self._messenger, self._world = messenger, messenger.world
        self.name = messenger.name  # type: ignore[misc]

    @classmethod
    def from_settings(cls, settings: Settings) -> Self | None:
        return None

    async def connect(self, receive: Receive) -> None:
        messenger, world = self._messenger, self._world
        messenger.news = asyncio.Event()
        while True:
            if world.down("messenger"):
                raise ConnectionError("the messenger is down")
            if not messenger.waiting:
                messenger.news.clear()
                await messenger.news.wait()
                continue
            kind = world.fault("bring")
            if kind == "out of order" and len(messenger.waiting) > 1:
                first, second = messenger.waiting[:2]
                messenger.waiting[:2] = [second, first]
            if kind == "lost":
                raise ConnectionError("the connection is lost")
            number = messenger.waiting[0]
            await asyncio.sleep(world.delay("bring", 0.3, often=0.3))
            await self.hand_over(receive, messenger.message(number))
            if kind == "lost after":
                raise ConnectionError("the connection is lost")
            if kind == "crash after":
                world.crash()
                await asyncio.sleep(0)
            self._taken(number)
            if kind == "twice":
                messenger.waiting.insert(min(1, len(messenger.waiting)), number)

    def _taken(self, number: int) -> None:
        """The bot has it; the messenger will not bring it again."""
        world = self._world
        self._messenger.waiting.remove(number)
        one = world.posted[number]
        if not one.order:
            world.orders[one.chat] += 1
            one.order = world.orders[one.chat]
        world.note(f"{one.chat} brought {number}")

    async def send(self, chat: str, text: str) -> None:
        world = self._world
        kind = world.fault("send")
        await asyncio.sleep(world.delay("send", 0.4))
        if kind == "slow":
            await asyncio.sleep(120.0)
        if kind == "crash before":
            world.crash()
            await asyncio.sleep(0)
        if kind == "undeliverable" and "#" in text:
            world.undeliverable.add(text)
            world.note(f"{chat} never takes {text!r}")
            raise Undeliverable("the chat is gone")
        if kind == "refused" or world.down("messenger"):
            raise BotError("the messenger is down")
        shown = text.replace(str(world.folder), "DATA")
        world.accepted.append(one := Accepted(world.time, world.life, chat, shown))
        world.note(f"{chat} has {shown!r}")
        if kind == "unclear":
            one.unclear = True
            raise ConnectionError("the connection is lost")
        if kind == "crash after":
            world.crash()
            await asyncio.sleep(0)

    async def fetch(self, attachment: Attachment, most: int) -> bytes:
        kind = self._world.fault("fetch")
        await asyncio.sleep(self._world.delay("bring", 2.0))
        if kind == "crash":
            self._world.crash()
            await asyncio.sleep(0)
        if kind == "unfetchable":
            raise Unfetchable("it is too old")
        if kind or self._world.down("messenger"):
            raise ConnectionError("the messenger is down")
        return b"text"

    def split(self, text: str) -> Sequence[str]:
        return text.split("|")

    async def typing(self, chat: str) -> None:
        if self._world.down("messenger"):
            raise ConnectionError("the messenger is down")


MakeChannels = Callable[[], list[Channel]]
