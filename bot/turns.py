"""The way through: what waits in a chat is asked of the agent, one turn at a time."""

import asyncio
import sqlite3
from collections import defaultdict
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import replace
from typing import TypeAlias
from zoneinfo import ZoneInfo

from bot import prompt
from bot.agents import Agent
from bot.channels import Channel
from bot.deliveries import Deliveries
from bot.groups import Group
from bot.log import log
from bot.messages import Turn
from bot.store import Store
from bot.workers import Backoff, KeyedQueue, Work

ATTEMPTS = 5
# an attempt that fails after so long is not repeated at once: the owner should know sooner
LONG_SECONDS = 600.0
TYPING_SECONDS = 4.0
NO_ANSWER = (
    "I could not answer in {name} ({chat}), and have given up for now at attempt {attempts}: "
    "{error}. "
    "What was written there waits, and I go on trying."
)
MakeQueue: TypeAlias = Callable[[str, Work], KeyedQueue]


class _Running:
    """The turn that an agent is at work on in a chat, and how far it goes with those that have
    joined it.
    """

    def __init__(self, until: int) -> None:
        self.until = until
        self.joining = asyncio.Lock()


class Turns:
    """`wake` says that something in a chat may ask for an answer."""

    def __init__(
        self,
        store: Store,
        agent: Agent,
        deliveries: Deliveries,
        queue: MakeQueue,
        backoff: Backoff,
        *,
        zone: ZoneInfo,
        patience: Backoff,
    ) -> None:
        self._store, self._agent, self._deliveries = store, agent, deliveries
        self._backoff, self._zone = backoff, zone
        self._patience = patience
        """How long a chat is left alone once the owner has been told that it has no answer."""
        self._turns = queue("the turn of", self._answer)
        self._joins = queue("the follow-up in", self._join)
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._running: dict[str, _Running] = {}
        self._put_off: dict[str, tuple[int, asyncio.TimerHandle]] = {}

    def wake(self, chat: str) -> None:
        """What waits there is asked, or joins the turn that is under way."""
        self._turns.wake(chat)
        if chat in self._running:
            self._joins.wake(chat)

    def close(self) -> None:
        """No chat that was put off is taken up again."""
        for _, timer in self._put_off.values():
            timer.cancel()

    async def perform(self, turn: Turn) -> list[str]:
        """The agent's answer to a turn that comes from no message, in pieces, which the caller
        stores.
        """
        async with nullcontext() if turn.isolated else self._locks[turn.chat]:
            return self._deliveries.chunks(turn.chat, await self._agent.answer(turn))

    async def _answer(self, chat: str) -> None:
        channel, group = self._deliveries.channel(chat), self._store.group(chat)
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
                await asyncio.sleep(self._backoff.delay(failures))
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
            replace(turn, until=running.until), self._deliveries.chunks(turn.chat, replies)
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
            self._deliveries.wake(main.chat)
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


async def _typing(channel: Channel, chat: str) -> None:
    """Shown until cancelled. Messengers let it fade after some seconds, so it is repeated."""
    while True:
        with suppress(Exception):  # an ornament: no answer fails for it
            await channel.typing(chat)
        await asyncio.sleep(TYPING_SECONDS)
