"""Inbox and outbox in SQLite: what came in and is not answered, what is answered and not delivered.

One process, one connection. Positions are sequence numbers. Every write is one transaction, which ends whole even
when its caller is cancelled.
"""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

import aiosqlite
from filelock import FileLock, Timeout

from bot.errors import BotError
from bot.messages import Message, Piece, Turn
from bot.migrations import MIGRATIONS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from pathlib import Path

__all__ = ["Store", "open_store"]

Statement: TypeAlias = tuple[str, tuple[Any, ...]]

TAKE_IN = """
    INSERT INTO inbox (chat, id, sender, text, sent_at, direct, asks) VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (chat, id) DO NOTHING
"""
WAITING = """
    SELECT DISTINCT chat FROM inbox
    WHERE asks AND seq > COALESCE((SELECT max(handled, told) FROM chats WHERE chats.chat = inbox.chat), 0)
"""
TURN = """
    SELECT seq, asks, id, sender, text, sent_at, direct FROM inbox
    WHERE chat = :chat AND seq > COALESCE((SELECT handled FROM chats WHERE chat = :chat), 0) AND seq <= (
        SELECT max(seq) FROM inbox
        WHERE chat = :chat AND asks AND seq > COALESCE((SELECT max(handled, told) FROM chats WHERE chat = :chat), 0)
    ) ORDER BY seq
"""
ANSWERED = """
    INSERT INTO chats (chat, handled) VALUES (?, ?)
    ON CONFLICT (chat) DO UPDATE SET handled = excluded.handled, error = NULL
"""
FAILED = """
    INSERT INTO chats (chat, told, error) VALUES (?, ?, ?)
    ON CONFLICT (chat) DO UPDATE SET told = excluded.told, error = excluded.error
"""
UNDELIVERED = "SELECT DISTINCT chat FROM outbox WHERE settled_at IS NULL"
NEXT_PIECE = "SELECT seq, chat, text FROM outbox WHERE chat = ? AND settled_at IS NULL ORDER BY seq LIMIT 1"
SETTLED = "UPDATE outbox SET settled_at = ?, error = ? WHERE seq = ?"
SEND = "INSERT INTO outbox (chat, text) VALUES (?, ?)"


@asynccontextmanager
async def open_store(folder: Path) -> AsyncIterator[Store]:
    """The store in `folder`, at the newest version of its schema, locked until the context ends.

    Raises BotError if another bot holds the lock, or a newer one has been at work.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240  # nothing else runs yet
        lock = FileLock(folder / "bot.lock").acquire(timeout=0)
    except Timeout:
        hint = "stop it first, or give this one a folder of its own with --data"
        raise BotError(f"another bot is running on {folder}", hint=hint) from None
    except OSError as error:
        hint = "make it a folder that you may write to, or name another with --data"
        raise BotError(f"{folder} cannot hold the store: {error}", hint=hint) from None
    with lock:
        async with aiosqlite.connect(folder / "bot.db", isolation_level=None) as db:
            store = Store(db)
            try:
                await store.prepare()
            except sqlite3.Error as error:
                hint = "restore a backup of the folder, or move it away to begin anew"
                raise BotError(f"{folder / 'bot.db'} cannot be used: {error}", hint=hint) from error
            try:
                yield store
            finally:
                await store.flush()


class Store:
    """What the assistant may not forget. Made by `open_store`."""

    def __init__(self, db: aiosqlite.Connection) -> None:
        self._db = db
        self._mutex = asyncio.Lock()

    async def take_in(self, message: Message, *, asks: bool) -> bool:
        """Store a message; False if it was there already. One that does not ask is context for the next that does."""
        sent_at = message.sent_at.astimezone(UTC).isoformat()
        row = (message.chat, message.id, message.sender, message.text, sent_at, message.direct, asks)
        return await self._write((TAKE_IN, row)) > 0

    async def waiting(self) -> list[str]:
        """The chats in which a message waits for its answer."""
        return [chat for (chat,) in await self._read(WAITING)]

    async def turn(self, chat: str) -> Turn | None:
        """All since the last turn, up to the last message that asks; None if none does."""
        rows = await self._read(TURN, {"chat": chat})
        messages = tuple(
            Message(chat, id_, sender, text, datetime.fromisoformat(sent_at), bool(direct))
            for _, _, id_, sender, text, sent_at, direct in rows
        )
        asked = tuple(message for message, row in zip(messages, rows, strict=True) if row[1])
        return Turn(chat, messages, asked, until=rows[-1][0]) if rows else None

    async def answered(self, turn: Turn, pieces: Iterable[str]) -> None:
        """The turn is handled and its reply waits in the outbox: both or neither."""
        await self._write((ANSWERED, (turn.chat, turn.until)), *((SEND, (turn.chat, piece)) for piece in pieces))

    async def failed(self, turn: Turn, error: str, pieces: Iterable[str]) -> None:
        """The turn is not handled: it waits for the chat's next message, and the chat is told so, once."""
        row = (turn.chat, turn.until, error)
        await self._write((FAILED, row), *((SEND, (turn.chat, piece)) for piece in pieces))

    async def undelivered(self) -> list[str]:
        """The chats for which a piece waits in the outbox."""
        return [chat for (chat,) in await self._read(UNDELIVERED)]

    async def next_piece(self, chat: str) -> Piece | None:
        """What is to be delivered to a chat next."""
        rows = await self._read(NEXT_PIECE, (chat,))
        return Piece(*rows[0]) if rows else None

    async def settled(self, piece: Piece, error: str | None = None) -> None:
        """A piece was delivered or, with an error, never can be. It is not offered again."""
        await self._write((SETTLED, (datetime.now(UTC).isoformat(), error, piece.seq)))

    async def prepare(self) -> None:
        """Bring the schema to its newest version, a transaction a step."""
        await self._read("PRAGMA journal_mode = WAL")
        await self._read("PRAGMA synchronous = FULL")  # what is stored survives a power cut too
        ((version,),) = await self._read("PRAGMA user_version")
        if version > len(MIGRATIONS):
            raise BotError(
                f"bot.db was written by a newer bot: its schema is {version}, and this bot knows {len(MIGRATIONS)}",
                hint="update this bot, or restore a backup of its data",
            )
        for number, step in enumerate(MIGRATIONS[version:], version + 1):
            await self._write(*((sql, ()) for sql in step), (f"PRAGMA user_version = {number}", ()))

    async def flush(self) -> None:
        """Wait for the write that is under way."""
        async with self._mutex:
            pass

    async def _read(self, sql: str, values: tuple[Any, ...] | dict[str, Any] = ()) -> list[Any]:
        async with self._mutex:
            return list(await self._db.execute_fetchall(sql, values))

    async def _write(self, *statements: Statement) -> int:
        """One transaction; the number of rows that its first statement changed."""
        return await asyncio.shield(self._transact(statements))

    async def _transact(self, statements: Iterable[Statement]) -> int:
        async with self._mutex:
            await self._db.execute("BEGIN IMMEDIATE")
            try:
                cursors = [await self._db.execute(sql, values) for sql, values in statements]
                await self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:  # SQLite itself rolls back after some errors, a full disk among them
                    await self._db.execute("ROLLBACK")
                raise
            return cursors[0].rowcount
