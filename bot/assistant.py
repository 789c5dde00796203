"""The message path: channel → inbox → a queue a group → agent → outbox → channel."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from bot.errors import Misconfigured, Undeliverable
from bot.messages import channel_of
from bot.trigger import Trigger
from bot.workers import Backoff, Workers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from bot.agents import Agent
    from bot.channels import Channel
    from bot.messages import Message, Turn
    from bot.store import Store

__all__ = ["Assistant"]

log = logging.getLogger(__name__)

ATTEMPTS = 5
TYPING_SECONDS = 4.0
STEADY_SECONDS = 60.0
"""A connection that lasted so long was good: the next failure counts as the first."""
NO_ANSWER = "I could not answer, although I tried several times. I will try again with your next message."


class Assistant:
    """Carries messages from channels to the agent and back, through a store that knows how far each one is."""

    def __init__(
        self, name: str, store: Store, channels: Sequence[Channel], agent: Agent, backoff: Backoff | None = None
    ) -> None:
        self._store = store
        self._channels = {channel.name: channel for channel in channels}
        self._agent = agent
        self._trigger = Trigger(name)
        self._backoff = backoff or Backoff()
        self._turns = Workers("the turn of", self._answer, self._backoff)
        self._deliveries = Workers("the delivery to", self._deliver, self._backoff)

    async def run(self, stop: asyncio.Event, grace: float = 10.0) -> None:
        """Work until every channel is at its end and all is answered and delivered, or until `stop`.

        What is under way then has `grace` seconds to end; the rest is done after the next start.
        Raises Misconfigured if a channel finds that only the owner can help.
        """
        for chat in await self._store.waiting():
            self._turns.wake(chat)
        for chat in await self._store.undelivered():
            self._deliveries.wake(chat)
        connections = [asyncio.create_task(self._keep_connected(channel)) for channel in self._channels.values()]
        working = asyncio.create_task(self._until_the_end(connections))
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                working.result()
        finally:
            tasks = (stopping, working, *connections)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._turns.stop(grace)
            await self._deliveries.stop(grace)
            for end in (self._agent.close, *(channel.disconnect for channel in self._channels.values())):
                await end()

    async def receive(self, message: Message) -> bool:
        """Store a message and wake its group; True if it is new and asks for an answer."""
        asks = self._trigger.addresses(message)
        if new := await self._store.take_in(message, asks=asks):
            self._turns.wake(message.chat)
        return new and asks

    async def _until_the_end(self, connections: Sequence[asyncio.Task[None]]) -> None:
        await asyncio.gather(*connections)
        await self._turns.idle()
        await self._deliveries.idle()

    async def _keep_connected(self, channel: Channel) -> None:
        loop = asyncio.get_running_loop()
        failures = 0
        while True:
            begun = loop.time()
            try:
                return await channel.connect(self.receive)
            except Misconfigured:
                raise
            except Exception as error:  # whatever a messenger's library raises: the connection is lost
                failures = 1 if loop.time() - begun > STEADY_SECONDS else failures + 1
                delay = self._backoff.delay(failures)
                log.warning("%s lost its connection (%r); connecting again in %.1f s", channel.name, error, delay)
                log.debug("the connection of %s", channel.name, exc_info=True)
                await asyncio.sleep(delay)

    async def _answer(self, chat: str) -> None:
        if (channel := self._channel(chat)) is None:
            return
        while turn := await self._store.turn(chat):
            try:
                replies = await self._ask(channel, turn)
            except Exception as error:  # noqa: BLE001  # whatever an agent raises: the chat is told and the turn waits
                await self._store.failed(turn, repr(error), channel.split(NO_ANSWER))
            else:
                await self._store.answered(turn, [piece for reply in replies for piece in channel.split(reply)])
            self._deliveries.wake(chat)

    async def _ask(self, channel: Channel, turn: Turn) -> Sequence[str]:
        attempt = 1
        while True:
            try:
                async with _typing(channel, turn.chat):
                    return await self._agent.answer(turn)
            except Exception:
                log.exception("no answer for %s, attempt %d of %d", turn.chat, attempt, ATTEMPTS)
                if attempt == ATTEMPTS:
                    raise
            await asyncio.sleep(self._backoff.delay(attempt))
            attempt += 1

    async def _deliver(self, chat: str) -> None:
        if (channel := self._channel(chat)) is None:
            return
        while piece := await self._store.next_piece(chat):
            try:
                await channel.send(chat, piece.text)
            except Undeliverable as error:
                log.warning("a reply to %s cannot be delivered: %s", chat, error.message)
                await self._store.settled(piece, error.message)
            else:
                await self._store.settled(piece)

    def _channel(self, chat: str) -> Channel | None:
        """The channel of a chat; None if it is not configured now, and the chat waits until it is."""
        if (name := channel_of(chat)) not in self._channels:
            log.warning("%s waits: the channel %s is not configured", chat, name)
        return self._channels.get(name)


@asynccontextmanager
async def _typing(channel: Channel, chat: str) -> AsyncIterator[None]:
    """Typing is shown for as long as the body runs. Messengers let it fade after some seconds, so it is repeated."""

    async def keep_alive() -> None:
        while True:
            try:
                await channel.typing(chat)
            except Exception as error:  # noqa: BLE001  # an ornament: no answer fails for it
                log.debug("%s shows no typing: %r", chat, error)
            await asyncio.sleep(TYPING_SECONDS)

    task = asyncio.create_task(keep_alive())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
