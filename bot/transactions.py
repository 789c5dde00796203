"""The store's one connection: every write is a transaction, which ends whole even when its caller
is cancelled.
"""

import asyncio
import os
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from itertools import count
from pathlib import Path
from typing import Any, TypeAlias

import aiosqlite

from bot.database import HINTS, code
from bot.errors import Misconfigured
from bot.rows import storable
from bot.workers import Backoff

Statement: TypeAlias = tuple[str, tuple[Any, ...] | dict[str, Any]]


class Transactions:
    """Reads and writes, one at a time, of the database in `file`."""

    def __init__(self, db: aiosqlite.Connection, file: Path) -> None:
        self._db, self.file, self._opened = db, file, file.stat()
        self.mutex = asyncio.Lock()
        self.on_trouble: Callable[[sqlite3.Error], None] = lambda error: None
        """Called when either fails: who wanted it tries again, but the owner should know."""
        self.backoff = Backoff()

    def still_there(self) -> None:
        """Raises Misconfigured where the file was removed or replaced: what is written now nobody
        finds again.
        """
        try:
            found: os.stat_result | None = self.file.stat()
        except FileNotFoundError:
            found = None
        if found is None or not os.path.samestat(found, self._opened):
            hint = "put it where it was, if you have it, and start me again"
            raise Misconfigured(f"{self.file} was taken away while I ran", hint=hint)

    async def read(self, sql: str, values: tuple[Any, ...] | dict[str, Any] = ()) -> list[Any]:
        """The rows that a query finds."""
        async with self.mutex:
            try:
                return list(await self._db.execute_fetchall(sql, values))
            except sqlite3.Error as error:
                self.on_trouble(error)
                raise

    async def write(self, *statements: Statement) -> int:
        """One transaction; the number of rows that its last statement changed."""
        try:
            return await asyncio.shield(self._transact(statements))
        except sqlite3.Error as error:
            self.on_trouble(error)
            raise

    async def insist(self, *statements: Statement) -> None:
        """Write what has happened already, and would happen twice if it began anew."""
        await self.insisted(lambda: self.write(*statements))

    async def insisted(self, attempt: Callable[[], Awaitable[object]]) -> None:
        """Until it succeeds: a store that cannot be used now is waited for."""
        for failures in count(1):
            try:
                await attempt()
                return
            except sqlite3.Error as error:
                if code(error) not in HINTS:
                    raise
            await asyncio.sleep(self.backoff.delay(failures))

    async def _transact(self, statements: Sequence[Statement]) -> int:
        async with self.mutex:
            await self._db.execute("BEGIN IMMEDIATE")
            try:
                for sql, values in statements:
                    cursor = await self._db.execute(sql, storable(values))
                await self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:  # SQLite itself rolls back where the disk is full
                    await self._db.execute("ROLLBACK")
                raise
            return cursor.rowcount if statements else 0
