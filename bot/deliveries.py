"""The way out: a line a chat, which sends what waits in the outbox, in order."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.channels import Channel
from bot.errors import RefusedForNow, Undeliverable, described
from bot.log import log
from bot.messages import File, channel_of
from bot.store import Store
from bot.text import cut
from bot.workers import Backoff, KeyedQueue

ATTEMPTS = 5
LEAST_ATTEMPTS = 10
"""So many of a process's own before it gives up: a clock that was set says nothing."""
REFUSED_DAYS = timedelta(days=3)
LONGEST_REPLY = 200_000
UNDELIVERABLE = "A message to {name} ({chat}) can never be delivered: {error}. I have given it up."
WAITS = "I cannot deliver to {name} ({chat}) for now: {error}. It waits, and I go on trying."
REFUSED = "{name} ({chat}) has taken no message for days: {error}. I have given up what waited."


class Deliveries:
    """What is put into the outbox is sent; `wake` says that a chat may be sent something again."""

    def __init__(
        self, store: Store, channels: Mapping[str, Channel], backoff: Backoff, patience: Backoff
    ) -> None:
        self._store, self._channels, self._patience = store, channels, patience
        self._failures: defaultdict[str, int] = defaultdict(int)
        self._told: set[str] = set()
        """By `_line`; of these chats the owner knows that nothing reaches them."""
        self._sending: set[int] = set()
        self.refused: set[str] = set()
        """Channels that only the owner can mend; what is for them waits for the next start."""
        self.queue = KeyedQueue("the delivery to", self._deliver, backoff)
        self.wake = store.on_send = self.queue.wake

    def channel(self, chat: str) -> Channel | None:
        """The channel of a chat; None if it is not configured: the chat waits until it is."""
        name = channel_of(chat)
        if name in self.refused:
            return None
        if self._channels and name not in self._channels:  # a command has none
            log.warning("channel not configured", chat=chat)
        return self._channels.get(name)

    async def chunks(self, chat: str, replies: Sequence[str]) -> list[str]:
        """Replies in pieces that one message of the chat holds; in a thread, for some take long."""
        channel = self._channels.get(channel_of(chat))
        pieces: list[str] = []
        for reply in replies:
            text = cut(reply, LONGEST_REPLY)
            pieces += await asyncio.to_thread(channel.split, text) if channel else [text]
        return pieces

    async def _deliver(self, chat: str) -> None:
        if (channel := self.channel(chat)) is None:
            return
        while piece := await self._store.next_piece(chat):
            if piece[0] in self._sending:  # by the name that the chat had: it goes on from there
                return
            self._sending.add(piece[0])
            try:
                if not await self._offer(channel, chat, *piece):
                    return
            finally:
                self._sending.discard(piece[0])
        if self._store.groups_changed:  # it may be called so from now on
            await self._store.load_groups()
        if (now := self._store.called(chat)) != chat:
            self.wake(now)

    async def _offer(
        self, channel: Channel, chat: str, seq: int, text: str, file: File | None
    ) -> bool:
        """Send a piece; False if it waits."""
        why = None
        try:
            await _send(channel, chat, text, file)
        except Undeliverable as error:
            why = error.message
            log.warning("undeliverable", chat=chat, error=error)
            await self._tell_once(chat, UNDELIVERABLE, error)
        except Exception as error:
            if self._failures[self._line(chat)] == ATTEMPTS - 1:
                await self._tell(chat, WAITS, error)
            line = self._line(chat)
            self._failures[line] += 1
            if not isinstance(error, RefusedForNow):  # a network comes back, after a week too
                raise
            if not await self._given_up(chat, error, self._failures[line]):
                return False
            why = error.message
        else:
            line = self._line(chat)
            self._failures.pop(line, None)
            self._told.discard(line)
        await self._store.settled(seq, chat, why)
        if file is not None:
            await asyncio.to_thread(Path(file.copy).unlink, missing_ok=True)
        return True

    def _line(self, chat: str) -> str:
        """What a chat is called now; what is kept here by what it was called is kept by that."""
        called = self._store.called
        for name in [*self._failures]:
            times = self._failures.pop(name)
            self._failures[called(name)] += times
        self._told = {called(name) for name in self._told}
        return called(chat)

    async def _given_up(self, chat: str, error: RefusedForNow, failures: int) -> bool:
        """A refusal that may pass is tried again, ever more seldom; True after days of that."""
        since = await self._store.refused(chat)
        if failures > LEAST_ATTEMPTS and datetime.now(UTC) - since > REFUSED_DAYS:
            log.warning("given up", chat=chat, error=error)
            await self._tell_once(chat, REFUSED, error)
            return True
        delay = self._patience.delay(failures - ATTEMPTS + 1)
        asyncio.get_running_loop().call_later(delay, self.wake, chat)
        return False

    async def _tell_once(self, chat: str, template: str, error: Exception) -> None:
        line = self._line(chat)
        if line not in self._told:
            await self._tell(chat, template, error)
            self._told.add(line)

    async def _tell(self, chat: str, template: str, error: Exception) -> None:
        """The owner, if it is not the owner's own chat that nothing reaches."""
        main = self._store.main
        if main and main.chat != chat:
            group = self._store.group(chat)
            name = group.name if group else chat
            await self._store.tell(template.format(name=name, chat=chat, error=described(error)))


async def _send(channel: Channel, chat: str, text: str, file: File | None) -> None:
    if file is None:
        await channel.send(chat, text)
    elif not await asyncio.to_thread(Path(file.copy).exists):
        raise Undeliverable("the file is no longer there")
    else:
        await channel.send_file(chat, file, text)
