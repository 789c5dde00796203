"""Two messengers: they keep what people write until it is taken, and know what they were given."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar, Self

from bot.channels import Channel
from bot.errors import BotError, Misconfigured, RefusedForNow, Undeliverable, Unfetchable
from bot.messages import Attachment, File, Message, Receive
from bot.settings import Settings
from simulation.plan import STRANGER, Post
from simulation.world import BEGIN, FAILURES, SOON, Accepted, Posted, World

TRIGGER = "@Andy"
CODE = re.compile(r"writing pair (\d{6}) to me")
TYPES_AFTER, TYPED = 20.0, 2000


@dataclass(frozen=True, slots=True)
class Renamed:
    """News that a chat is called otherwise, in the line with its messages."""

    old: str
    new: str


class Messenger:
    """Outlasts the bot: `waiting` are numbers of messages that are not taken yet, and news of
    chats, in order. The first, `tele`, calls a chat by another name for ever, and tells so when it
    is asked to send there; of the second, people are known by either.
    """

    def __init__(self, world: World, name: str, later: Callable[[float, Post], None]) -> None:
        self.world, self.name, self._later = world, name, later
        self.waiting: list[int | Renamed] = []
        self.news: asyncio.Event | None = None
        self._count: Counter[str] = Counter()
        self._codes = 0

    @property
    def numbers_anew(self) -> bool:
        return self.name == "tele"

    def post(self, post: Post) -> None:
        """Somebody writes."""
        text = f"m{post.number} {post.does}".strip()
        if post.does.startswith(("/", "pair ")):
            text = post.does
        elif post.does != "aside" and post.chat:
            text = f"{TRIGGER} {text}"
        world = self.world
        chat = world.chat(post.chat, post.topic)
        whole = world.chat(post.chat)
        self._count[whole] += 1
        id_ = str(self._count[whole])
        if not self.numbers_anew or text == post.does:  # two of the same text are told by these
            id_ = f"W{post.number}"
        world.posted[post.number] = Posted(post, world.key(chat), chat, id_, text)
        world.note(f"{chat} writes {text}")
        self._bring(post.number)

    def rename(self, number: int, *, said: bool = True, follows: bool = True) -> None:
        """A chat is called otherwise from now on. `follows`: it is the same for the messenger."""
        old = self.world.chat(number)
        self.world.rename(number)
        new = self.world.chat(number)
        self.world.note(f"{old} is {new} now")
        if follows and (said or not self.numbers_anew):
            self._bring(Renamed(old, new))

    def new_token(self) -> None:
        """The account is another one: messages are counted anew."""
        self._count.clear()

    def _bring(self, what: int | Renamed) -> None:
        self.waiting.append(what)
        if self.news:
            self.news.set()

    def message(self, number: int) -> Message:
        one = self.world.posted[number]
        when = datetime.fromtimestamp(BEGIN + one.post.at, UTC)
        files = (Attachment("document", f"{number}.txt", 4, source=str(number)),)
        return Message(
            one.name if self.numbers_anew else self.world.chat(one.post.chat, one.post.topic),
            one.id,
            f"Person {one.post.chat}",
            one.text,
            when,
            False,
            str(number),
            attachments=files if one.post.does == "file" else (),
        )

    def shown(self, chat: str, text: str) -> None:
        """The owner sees a code in a chat of somebody, and types it."""
        number = self.world.numbers[chat]
        if (found := CODE.search(text)) is None or number < STRANGER:
            return
        kinds = {one.kind for one in self.world.plan.deeds if one.chat == number}
        as_main = " main" if "pair as main" in kinds else ""
        main = self.world.mains[-1].partition("/")[0]
        count = TYPED + 2 * self._codes
        self._codes += 1
        for again in range(1 + (number % 3 == 0)):  # some type it twice
            post = Post(
                round(self.world.time + TYPES_AFTER * (again + 1), 2),
                int(main),
                count + again + 1000 * number,
                f"pair {found[1]}{as_main}",
            )
            self._later(post.at, post)


class SimulatedChannel(Channel):
    """The bot's side of a messenger."""

    name: ClassVar[str] = "tele"

    def __init__(self, messenger: Messenger) -> None:
        self._messenger, self._world = messenger, messenger.world
        self.name = messenger.name  # type: ignore[misc]
        self._lost: list[float] = []

    @classmethod
    def from_settings(cls, settings: Settings) -> Self | None:
        return None

    async def connect(self, receive: Receive) -> None:
        try:
            await self._connect(receive)
        except ConnectionError:
            self._lost.append(self._world.time)
            if len(self._lost) == FAILURES and self._lost[-1] - self._lost[0] < SOON:
                self._world.due(f"the channel {self.name} has failed 5 times", "")
            raise

    async def _connect(self, receive: Receive) -> None:
        messenger, world = self._messenger, self._world
        if world.fault("connect") == "misconfigured":
            world.refused.add(self.name)
            raise Misconfigured("the token is refused", hint="get another one")
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
            what = messenger.waiting[0]
            await asyncio.sleep(world.delay("bring", 0.3, often=0.3))
            await self._bring(receive, what)
            if kind == "lost after":
                raise ConnectionError("the connection is lost")
            if kind == "crash after":
                world.crash()
                await asyncio.sleep(0)
            self._taken(what)
            if kind == "twice":
                messenger.waiting.insert(min(1, len(messenger.waiting)), what)

    async def _bring(self, receive: Receive, what: int | Renamed) -> None:
        world = self._world
        if isinstance(what, Renamed):
            await self.moved(what.old, what.new)
            return
        message, one = self._messenger.message(what), world.posted[what]
        one.sessions = world.sessions()
        one.met = not world.knows(message.chat)
        one.unknown |= one.met
        if not self._messenger.numbers_anew:
            for former in world.names[one.post.chat][:-1]:
                await self.moved(former, world.chat(one.post.chat))
        await self.hand_over(receive, message)
        one.unknown |= not world.knows(message.chat)
        one.met &= not world.knows(message.chat)

    def _taken(self, what: int | Renamed) -> None:
        """The bot has it; the messenger will not bring it again."""
        world = self._world
        self._messenger.waiting.remove(what)
        if isinstance(what, Renamed):
            return
        one = world.posted[what]
        if not one.order:
            world.orders[one.chat] += 1
            one.order, one.taken = world.orders[one.chat], world.time
            if one.post.does == "/new" and not one.unknown:
                world.left(one.chat, one.sessions)
        world.note(f"{one.name} brought {what}")

    async def send(self, chat: str, text: str) -> None:
        await self._send(chat, text)

    async def send_file(self, chat: str, file: File, text: str) -> None:
        data = Path(file.copy).read_text()  # noqa: ASYNC240
        wanted = self._world.sent.get(data)
        passed = any(one.removed for one in self._world.posted.values() if one.chat == wanted)
        if wanted != self._world.key(chat) and not passed:
            self._world.problem(f"{chat} is sent the file {data!r} of another")
        await self._send(chat, f"{text}[{data}]")

    async def _send(self, chat: str, text: str) -> None:
        try:
            await self._deliver(chat, text)
        except Undeliverable:
            raise
        except asyncio.CancelledError:
            if self._world.cut_short:
                self._world.problem(f"a piece for {chat} is cut off, and had time")
            raise
        except Exception:
            self._world.miss(chat, 1)
            raise
        self._world.miss(chat, 0)

    async def _deliver(self, chat: str, text: str) -> None:
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
        if text in world.undeliverable:
            raise Undeliverable("the chat is gone")
        key = world.key(chat)
        if kind == "refused six times":
            world.refusing[key] = 6
        if kind == "refused" or world.down("messenger") or world.refusing[key] > 0:
            world.refusing[key] -= 1
            raise BotError("the messenger is down")
        if kind == "refused for now" or (world.down("muted") and key not in world.mains):
            raise RefusedForNow("the assistant is muted")
        whole, *topic = chat.rsplit(":", 1) if chat.count(":") > 1 else [chat]
        now = world.chat(world.numbers[whole])
        if whole != now and self._messenger.numbers_anew:
            if await self.moved(whole, now):
                raise ConnectionError("the chat has another number now, and is sent there")
            chat = ":".join([now, *topic])
        shown = text.replace(str(world.folder), "DATA")
        world.accepted.append(one := Accepted(world.time, world.life, key, shown))
        world.note(f"{chat} has {shown!r}")
        self._messenger.shown(whole, text)
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
        return f"file of m{attachment.source}".encode()

    def split(self, text: str) -> Sequence[str]:
        return text.split("|")

    async def typing(self, chat: str) -> None:
        if self._world.down("messenger"):
            raise ConnectionError("the messenger is down")

    async def groups(self) -> Mapping[str, str]:
        if self._world.down("messenger"):
            raise ConnectionError("the messenger is down")
        names = self._world.names.values()
        return {one[-1]: "A chat" for one in names if one[-1].startswith(self.name)}
