"""The message path: channel → inbox → a queue a group → agent → outbox → channel."""

import asyncio
import sqlite3
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import nullcontext, suppress
from dataclasses import replace
from functools import partial
from zoneinfo import ZoneInfo

from bot import prompt
from bot.agents import Agent
from bot.channels import Channel
from bot.errors import BotError, Misconfigured, Undeliverable
from bot.groups import Group
from bot.log import log
from bot.messages import Message, Turn, channel_of
from bot.migrations import SQL
from bot.store import Store
from bot.workers import Backoff, Workers

ATTEMPTS = 5
# an attempt that fails after so long is not repeated at once: the owner should know sooner
LONG_SECONDS = 600.0
TYPING_SECONDS = 4.0
STEADY_SECONDS = 60.0  # what lasted so long was good: its next failure counts as the first
ALARM_SECONDS = 3600.0
NO_ANSWER = (
    "I could not answer in {name} ({chat}), and have given up for now at attempt {attempts}: "
    "{error}. "
    "What was written there waits, and I go on trying."
)
FAILING = (
    "{what} has failed {attempts} times: {error}. The rest goes on, and it is begun "
    "again and again."
)
NOT_STORED = (
    "I cannot write to my store: {error}. Nothing is lost, but I answer nobody until "
    "that is mended."
)


class _Running:
    """The turn that an agent is at work on in a chat, and how far it goes with those that have
    joined it.
    """

    def __init__(self, until: int) -> None:
        self.until = until
        self.joining = asyncio.Lock()


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
    ) -> None:
        self._store, self._agent = store, agent
        self.channels = {channel.name: channel for channel in channels}
        self._zone = zone or ZoneInfo("UTC")
        self.backoff = backoff or Backoff()
        self._patience = patience or Backoff(first=60.0, most=1800.0)
        """How long a chat is left alone once the owner has been told that it has no answer."""
        self._workers: list[Workers] = []
        self._turns = self.workers("the turn of", self._answer)
        self._joins = self.workers("the follow-up in", self._join)
        self._deliveries = Workers("the delivery to", self._deliver, self.backoff)
        self.post = self._deliveries.wake  # something was put into the outbox for a chat
        self.news: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        """What tools let services know, by name."""
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._running: dict[str, _Running] = {}
        self._put_off: dict[str, tuple[int, asyncio.TimerHandle]] = {}
        self._alarmed_at = -ALARM_SECONDS
        self._alarms: set[asyncio.Task[None]] = set()
        store.on_trouble = self._alarm

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
        only the owner can help.
        """
        await self._agent.open(self._store)
        for chat in await self._store.waiting():
            self._turns.wake(chat)
        for chat in await self._store.undelivered():
            self._deliveries.wake(chat)
        connections = [
            asyncio.create_task(
                self._keep(f"the channel {channel.name}", partial(channel.connect, self.receive))
            )
            for channel in self.channels.values()
        ]
        services = [
            asyncio.create_task(self._keep(name, service, ends=False)) for name, service in beside
        ]
        tasks = [
            asyncio.create_task(stop.wait()),
            asyncio.create_task(self._until_the_end(connections)),
            *services,
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in (*tasks, *connections):
                task.cancel()
            await asyncio.gather(*tasks, *connections, return_exceptions=True)
            for _, timer in self._put_off.values():
                timer.cancel()
            try:
                await asyncio.gather(*(some.stop(grace) for some in self._workers))
                await self._deliveries.stop(grace)
            finally:  # a second signal does not wait for what runs
                for end in (
                    self._agent.close,
                    *(channel.disconnect for channel in self.channels.values()),
                ):
                    await end()

    async def receive(self, message: Message) -> bool:
        """Store a message and wake its group; True if it is new and asks for an answer."""
        if (group := self._store.group(message.chat)) is None:
            await self._store.met((message.chat, message.sender))
            log.info(
                "not registered",
                chat=message.chat,
                hint=f"is it yours? bot setup --main {message.chat}",
            )
            return False
        if not group.takes(message):
            return False
        asks = group.addressed(message)
        new = await self._store.take_in(message, asks=asks)
        if new and asks:
            self._turns.wake(message.chat)
            if message.chat in self._running:
                self._joins.wake(message.chat)
        return new and asks

    async def perform(self, turn: Turn) -> list[str]:
        """The agent's answer to a turn that comes from no message, in pieces, which the caller
        stores.
        """
        async with nullcontext() if turn.isolated else self._locks[turn.chat]:
            return self.pieces(turn.chat, await self._agent.answer(turn))

    def workers(self, name: str, work: Callable[[str], Awaitable[None]]) -> Workers:
        """Workers for `work`, which at the end have the same time as turns."""
        self._workers.append(workers := Workers(name, work, self.backoff))
        return workers

    def pieces(self, chat: str, replies: Sequence[str]) -> list[str]:
        """Replies in pieces, each of which one message of the chat's channel can hold."""
        channel = self.channels.get(channel_of(chat))
        return [
            piece for reply in replies for piece in (channel.split(reply) if channel else [reply])
        ]

    async def _until_the_end(self, connections: Sequence[asyncio.Task[None]]) -> None:
        await asyncio.gather(*connections)
        for some in (*self._workers, self._deliveries):
            await some.idle()

    async def _keep(
        self, what: str, work: Callable[[], Awaitable[None]], *, ends: bool = True
    ) -> None:
        """Until it ends, if it may. What fails begins again after a pause; after a good while, as
        its first failure.
        """
        loop, failures = asyncio.get_running_loop(), 0
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
                failures = 1 if loop.time() - begun > STEADY_SECONDS else failures + 1
                delay = self.backoff.delay(failures)
                log.warning("lost", what=what, error=repr(error), again_in=round(delay, 1))
                log.debug("lost", what=what, exc_info=True)
                if failures == ATTEMPTS and not isinstance(
                    error, sqlite3.Error
                ):  # the owner knows of that one
                    await self._tell(
                        FAILING.format(what=what, attempts=failures, error=repr(error)[:300])
                    )
                await asyncio.sleep(delay)

    async def _tell(self, text: str) -> None:
        """A notice to the owner, in main."""
        if main := self._store.main:
            with suppress(sqlite3.Error):  # which the owner is told past the store
                await self._store.write((SQL["send"], (main.chat, text)))
                self.post(main.chat)

    async def _answer(self, chat: str) -> None:
        channel, group = self._channel(chat), self._store.group(chat)
        if channel is None or group is None:
            return
        loop, failures = asyncio.get_running_loop(), 0
        while turn := await self._store.turn(chat):
            began = loop.time()
            try:
                async with self._locks[chat]:
                    await self._ask(turn, group, channel)
            except sqlite3.Error:
                raise
            except Exception as error:  # noqa: BLE001  # whatever an agent raises: the turn waits
                failures += 1
                log.warning("no answer", chat=chat, attempt=failures, error=repr(error))
                log.debug("no answer", chat=chat, exc_info=True)
                if (
                    failures == ATTEMPTS
                    or chat in self._put_off
                    or loop.time() - began > LONG_SECONDS
                ):
                    await self._wait_for_better(turn, group, failures, repr(error))
                    return
                await asyncio.sleep(self.backoff.delay(failures))
            else:
                failures = 0
                self._deliveries.wake(chat)
                self._works_again(chat)

    async def _ask(self, turn: Turn, group: Group, channel: Channel) -> None:
        self._running[turn.chat] = running = _Running(turn.until)
        typing = asyncio.create_task(_typing(channel, turn.chat))
        try:
            replies = await self._agent.answer(self._written(turn, group))
        finally:
            typing.cancel()
            async with running.joining:
                del self._running[turn.chat]
        await self._store.answered(
            replace(turn, until=running.until), self.pieces(turn.chat, replies)
        )

    async def _join(self, chat: str) -> None:
        """What arrives while an agent is at work joins its turn, if the agent can take it."""
        while (running := self._running.get(chat)) and (group := self._store.group(chat)):
            async with running.joining:
                if self._running.get(chat) is not running or not (
                    more := await self._store.turn(chat, running.until)
                ):
                    return
                if not await self._agent.follow_up(self._written(more, group)):
                    return
                running.until = more.until

    def _written(self, turn: Turn, group: Group) -> Turn:
        return replace(
            turn, group=group, prompt=prompt.conversation(turn.messages, turn.omitted, self._zone)
        )

    async def _wait_for_better(self, turn: Turn, group: Group, attempts: int, error: str) -> None:
        """Tell the owner, and come back later, or as soon as another chat is answered."""
        told = NO_ANSWER.format(
            name=group.name, chat=turn.chat, attempts=attempts, error=error[:300]
        )
        await self._store.failed(turn, error, told)
        if main := self._store.main:
            self.post(main.chat)
        rounds, timer = self._put_off.get(turn.chat, (0, None))
        if timer:
            timer.cancel()
        delay = self._patience.delay(rounds + 1)
        timer = asyncio.get_running_loop().call_later(delay, self._turns.wake, turn.chat)
        self._put_off[turn.chat] = (rounds + 1, timer)

    def _works_again(self, chat: str) -> None:
        """Others that were put off may be answered now too; one that fails by itself is not asked
        for it ever again.
        """
        if recovered := self._put_off.pop(chat, None):
            recovered[1].cancel()
        for other, (rounds, _) in self._put_off.items():
            if recovered or rounds == 1:
                self._turns.wake(other)

    async def _deliver(self, chat: str) -> None:
        if (channel := self._channel(chat)) is None:
            return
        while piece := await self._store.next_piece(chat):
            (seq, text), why = piece, None
            try:
                await channel.send(chat, text)
            except Undeliverable as error:
                why = error.message
                log.warning("undeliverable", chat=chat, error=why)
            await self._store.settled(seq, why)

    def _channel(self, chat: str) -> Channel | None:
        """The channel of a chat; None if it is not configured now, and the chat waits until it
        is.
        """
        if (name := channel_of(chat)) not in self.channels:
            log.warning("channel not configured", chat=chat)
        return self.channels.get(name)

    def _alarm(self, error: sqlite3.Error) -> None:
        """The store cannot hold a notice now, so the owner is told without it, at most once an
        hour.
        """
        now = asyncio.get_running_loop().time()
        log.error("the store cannot be written", error=repr(error))
        if now - self._alarmed_at >= ALARM_SECONDS:
            self._alarmed_at = now
            self._alarms.add(
                task := asyncio.create_task(self._tell_at_once(NOT_STORED.format(error=error)))
            )
            task.add_done_callback(self._alarms.discard)

    async def _tell_at_once(self, text: str) -> None:
        if (main := self._store.main) and (channel := self.channels.get(channel_of(main.chat))):
            with suppress(Exception):  # it is in the log anyway
                await channel.send(main.chat, text)


async def _typing(channel: Channel, chat: str) -> None:
    """Shown until cancelled. Messengers let it fade after some seconds, so it is repeated."""
    while True:
        with suppress(Exception):  # an ornament: no answer fails for it
            await channel.typing(chat)
        await asyncio.sleep(TYPING_SECONDS)
