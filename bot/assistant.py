"""The message path: channel → inbox → a queue a group → agent → outbox → channel."""

import asyncio
import sqlite3
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from zoneinfo import ZoneInfo

from bot.agents import Agent
from bot.alarms import Alarms
from bot.attachments import Files
from bot.channels import Channel
from bot.commands import Command, command
from bot.deliveries import Deliveries
from bot.errors import BotError, Misconfigured, described
from bot.groups import CONSOLE, FOLDER, OWNERS, Group, usual
from bot.log import failing, log
from bot.messages import Message, channel_of
from bot.migrations import SQL
from bot.pairing import TYPED, Pairing
from bot.store import Store
from bot.triggers import accepts, asks
from bot.turns import ATTEMPTS, Turns
from bot.workers import Backoff, KeyedQueue, Work

ALBUM_SECONDS = 2.0
HELLO = "I am {name}, and I answer here from now on."
REFUSED = (
    "The channel {name} does not run: {error}. The others do. Mend it, and start me again: what is "
    "to be sent there waits."
)
PATIENCE = Backoff(first=60.0, most=1800.0)
STEADY_SECONDS = 60.0  # what lasted so long was good: its next failure counts as the first
FAILING = (
    "{what} has failed {attempts} times: {error}. The rest goes on, and it is begun "
    "again and again."
)


class Assistant:
    """Carries messages from channels to the agent and back, through a store that knows how far each
    one is.
    """

    def __init__(
        self,
        store: Store,
        channels: Sequence[Channel],
        agent: Agent,
        backoff: Backoff | None = None,
        *,
        zone: ZoneInfo | None = None,
        patience: Backoff | None = None,
        daily_tokens: int = 0,
        name: str = "Andy",
        files: Files | None = None,
    ) -> None:
        self._store, self._agent = store, agent
        self.channels = {channel.name: channel for channel in channels}
        self.backoff, self._name = backoff or Backoff(), name
        self._pairing = Pairing(store, name, files.used if files else lambda folder: False)
        self.news: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        """What tools let services know, by name."""
        self._queues: list[KeyedQueue] = []
        self._albums: deque[tuple[str, str]] = deque(maxlen=100)
        patience = patience or PATIENCE
        self._deliveries = Deliveries(store, self.channels, self.backoff, patience)
        self._alarms = Alarms(store, self._deliveries, self.queue)
        store.zone, store.backoff = zone or store.zone, self.backoff
        self.turns = Turns(store, agent, self._deliveries, self.queue, patience, daily_tokens)
        self.files = files
        """Where attachments are; without it they are only named."""
        if files is not None:
            files.channel, files.backoff = self._deliveries.channel, self.backoff
            self.turns.fetch = files.fetch
        self._fetches = self.queue("the files of", self.turns.fetch)
        agent.tell = self._alarms.tell
        for channel in channels:
            channel.tell, channel.moved = self._alarms.tell, self._moved
        self.chunks = self._deliveries.chunks
        self.perform = self.turns.perform
        self.wake_delivery = self._deliveries.wake

    def queue(self, name: str, work: Work) -> KeyedQueue:
        """A queue for `work`, which at the end has the same time as turns."""
        self._queues.append(queue := KeyedQueue(name, work, self.backoff))
        return queue

    async def run(
        self,
        stop: asyncio.Event,
        grace: float = 10.0,
        beside: Sequence[tuple[str, Callable[[], Awaitable[None]]]] = (),
    ) -> None:
        """Work until every channel is at its end and all is answered and delivered, or until
        `stop`.

        What is under way then has `grace` seconds to end; the rest is done after the next start.
        `beside` are services by name, which run as long. Raises Misconfigured if a part finds that
        only the owner can help; if a channel does, once the others are at their end.
        """
        await self._agent.open(self._store)
        if self.files is not None:
            await self.files.clear()
        for chat in await self._store.waiting():
            self.turns.wake(chat)
        for chat in await self._store.undelivered():
            self._deliveries.wake(chat)
        connections = [
            asyncio.create_task(self._connect(channel)) for channel in self.channels.values()
        ]
        services = [
            asyncio.create_task(self._keep(name, service, ends=False)) for name, service in beside
        ]
        ends = (stop.wait(), self._until_the_end(connections))
        tasks = [*map(asyncio.create_task, ends), *services]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in (*tasks, *connections):
                task.cancel()
            queues = (*self._queues, self._deliveries.queue)
            await asyncio.gather(*tasks, *connections, return_exceptions=True)
            try:
                await asyncio.gather(*(queue.stop(grace) for queue in self._queues))
                await self._deliveries.queue.stop(grace)
            finally:  # a second signal does not wait for what runs, nor does that go on
                await asyncio.gather(*(queue.stop(0) for queue in queues))
                for end in (
                    self._agent.close,
                    *(channel.disconnect for channel in self.channels.values()),
                ):
                    await end()

    async def receive(self, message: Message) -> bool:
        """Store a message and wake its group; True if it is new and asks for an answer."""
        message, group = await self._whose(message)
        if group is None and self._store.groups_changed:  # it may be called so from now on
            await self._store.load_groups()
            message, group = await self._whose(message)
        if group is None:
            await self._met(message)
            return False
        owners = (group.main or group.chat == OWNERS) and asks(group, message)
        if owners and TYPED.fullmatch(message.text):
            async with self._pairing.lock:
                await self._let_in(message)
            return False
        if not accepts(group, message):
            return False
        if (run := command(group, message)) is not None:
            await self._obey(run, group, message)
            return False
        asked = asks(group, message) or (message.chat, message.album) in self._albums
        new = await self._store.take_in(message, asks=asked)
        chat = self._store.called(message.chat)  # which may have changed meanwhile
        if new and message.attachments:
            self._fetches.wake(chat)
        if new and asked and message.album:  # its other parts are on their way
            self._albums.append((chat, message.album))
            asyncio.get_running_loop().call_later(ALBUM_SECONDS, self.turns.wake, chat)
        elif new and asked:
            self.turns.wake(chat)
        return new and asked

    async def _whose(self, message: Message) -> tuple[Message, Group | None]:
        """A message under the name that its chat has now, and the group that it is of."""
        message = replace(message, chat=self._store.called(message.chat))
        return message, self._store.group(message.chat) or await self._topic(message.chat)

    async def _obey(self, run: Command, group: Group, message: Message) -> None:
        """Once: a command that is brought again is known."""
        if not await self._store.knows(message):
            replies = await self.chunks(message.chat, [await run(self.turns, self._store, group)])
            await self._store.obeyed(message, [(message.chat, reply) for reply in replies])

    async def _let_in(self, message: Message) -> None:
        """Who shows the code that the owner has typed, if it is one; once, likewise."""
        if not await self._store.knows(message):
            typed = self._pairing.typed(message.text)
            said = [(message.chat, typed.answer)]
            if typed.chat:
                said.append((typed.chat, HELLO.format(name=self._name)))
            await self._store.obeyed(message, said, *typed.lets_in)
            self._pairing.done(typed)
            await self._store.load_groups()

    async def _met(self, message: Message) -> None:
        """A chat that is not registered: who means the assistant there is shown a code."""
        await self._store.saw_chats((message.chat, message.sender))
        hint = f"is it yours? bot setup --main {message.chat}"
        log.info("not registered", chat=message.chat, hint=hint)
        channel = self.channels.get(channel_of(message.chat))
        if message.bot or channel is None or not channel.pairs:
            return
        if asks(Group("unknown", message.chat, "", f"@{self._name}"), message):
            await self._pairing.greet(message)

    async def _topic(self, chat: str) -> Group | None:
        """A topic of a chat that is registered is a conversation of its own, from its first message
        on; and so is the console, when another chat has become main.
        """
        if chat == OWNERS:
            await self._store.register(usual(chat, CONSOLE, self._name, main=True))
            return self._store.group(chat)
        whole, _, topic = chat.rpartition(":")
        if (group := self._store.group(whole)) is None:
            return None
        folder = f"{group.folder[:40]}-topic-{topic}".lower()
        if FOLDER.fullmatch(folder) is None or self._store.folders.get(folder):
            return None
        name = f"{group.name}, topic {topic}"
        await self._store.register(replace(group, folder=folder, chat=chat, name=name, topic=True))
        return self._store.group(chat)

    async def _moved(self, old: str, new: str) -> bool:
        """What was left by a registration that is lost goes along too."""
        if old != new and await self._store.read(SQL["has_left"], {"old": old}):
            await self._store.write(*self._store.rekeyed(old, new))
            await self.registered(new)
            log.info("a chat has another name now", before=old, chat=new)
        return self._store.called(old) != old

    async def registered(self, chat: str) -> None:
        """The store has a chat of this name now: what waits there and in its topics is taken up."""
        await self._store.load_groups()
        topics = [one.chat for one in self._store.groups if one.topic and one.whole == chat]
        for name in (chat, *topics):
            self.turns.wake(name)
            self._deliveries.wake(name)

    async def _connect(self, channel: Channel) -> None:
        what = f"the channel {channel.name}"
        try:
            await self._keep(what, partial(channel.connect, self.receive))
        except Misconfigured as error:
            self._deliveries.refused.add(channel.name)
            log.error("refused", what=what, error=error)
            if len(self._deliveries.refused) < len(self.channels):
                about = described(error, to_owner=True)
                await self._alarms.tell(REFUSED.format(name=channel.name, error=about))
            raise

    async def _until_the_end(self, connections: Sequence[asyncio.Task[None]]) -> None:
        ends = await asyncio.gather(*connections, return_exceptions=True)
        for queue in (*self._queues, self._deliveries.queue):
            await queue.idle()
        for end in ends:
            if isinstance(end, BaseException):
                raise end

    async def _keep(
        self, what: str, work: Callable[[], Awaitable[None]], *, ends: bool = True
    ) -> None:
        """Until it ends, if it may. What fails begins again after a pause."""
        loop, failures, told = asyncio.get_running_loop(), 0, False
        while True:
            begun = loop.time()
            try:
                await work()
                if ends:
                    return
                raise BotError("it has ended")
            except Misconfigured:
                raise
            except Exception as error:  # noqa: BLE001  # whatever it is, a messenger's library's too: the bot goes on
                steady = loop.time() - begun > STEADY_SECONDS
                failures, told = (1, False) if steady else (failures + 1, told)
                delay = self.backoff.delay(failures)
                failing(error)("lost", what=what, error=error, again_in=round(delay, 1))
                if failures >= ATTEMPTS and not (told or isinstance(error, sqlite3.Error)):
                    why = described(error, to_owner=True)[:300]
                    notice = FAILING.format(what=what, attempts=failures, error=why)
                    told = await self._alarms.tell(notice)
                await asyncio.sleep(delay)
