"""News for the owner, told in main; at once, past the store, where the store cannot hold it."""

import sqlite3
from contextlib import suppress

from bot.bounds import HOUR, Seldom
from bot.database import code, hint_for
from bot.deliveries import Deliveries
from bot.log import log
from bot.store import Store
from bot.workers import MakeQueue

NOT_STORED = (
    "I cannot write to my store: {error}; {hint}. What comes in waits; I answer nobody until then."
)


class Alarms:
    """Notices to the owner."""

    def __init__(self, store: Store, deliveries: Deliveries, queue: MakeQueue) -> None:
        self._store, self._deliveries = store, deliveries
        self._seldom, self._hourly = Seldom(), Seldom(HOUR)
        self._at_once = queue("the owner's notice:", self._tell_at_once)
        store.on_trouble = self.store_fails

    async def tell(self, text: str) -> bool:
        """A notice in main's outbox; False if it could not be stored."""
        with suppress(sqlite3.Error):  # which the owner is told past the store
            return await self._store.tell(text)
        return False

    def store_fails(self, error: sqlite3.Error) -> None:
        """The store cannot hold a notice, so the owner is told without it, once an hour."""
        if count := self._seldom.count(str(code(error))):
            log.error("the store cannot be written", error=error, since_the_last=count)
        if self._hourly.count(""):
            hint = hint_for(error, self._store.file.parent) or "look after it"
            text = NOT_STORED.format(error=error, hint=hint)
            self._at_once.wake(text)

    async def _tell_at_once(self, text: str) -> None:
        if (main := self._store.main) and (channel := self._deliveries.channel(main.chat)):
            with suppress(Exception):  # it is in the log anyway
                await channel.send(main.chat, text)
