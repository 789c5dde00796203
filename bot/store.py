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
from bot.groups import Group
from bot.messages import Message, Piece, Turn
from bot.migrations import MIGRATIONS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable
    from pathlib import Path

__all__ = ["SEND", "TELL", "Statement", "Store", "open_store", "stamp"]

Statement: TypeAlias = tuple[str, tuple[Any, ...]]

MOST_ASKED = 50
"""Messages that ask in one turn; more are the next turn's."""
MOST_CONTEXT = 200
"""The newest messages of a turn; older ones are left out unless they ask."""
COLUMNS = "id, sender, text, sent_at, direct, sender_id, quoted, quoted_sender"
TAKE_IN = f"""
    INSERT INTO inbox (asks, chat, {COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (chat, id) DO NOTHING
"""  # noqa: S608
WAITING = """
    SELECT chat FROM (SELECT chat, max(seq) AS last FROM inbox WHERE asks GROUP BY chat) AS asking
    WHERE last > COALESCE((SELECT handled FROM chats WHERE chats.chat = asking.chat), 0)
"""
SINCE = "SELECT max(:after, COALESCE((SELECT handled FROM chats WHERE chat = :chat), 0))"
ASKING = f"SELECT seq FROM inbox WHERE asks AND chat = :chat AND seq > ({SINCE}) ORDER BY seq LIMIT {MOST_ASKED}"  # noqa: S608
SPAN = f"chat = :chat AND seq > ({SINCE}) AND seq <= (SELECT max(seq) FROM ({ASKING}))"  # noqa: S608
TURN = f"""
    SELECT seq, asks, {COLUMNS} FROM inbox WHERE {SPAN}
    AND (asks OR seq IN (SELECT seq FROM inbox WHERE {SPAN} ORDER BY seq DESC LIMIT {MOST_CONTEXT})) ORDER BY seq
"""  # noqa: S608
COUNT = f"SELECT count(*) FROM inbox WHERE {SPAN}"  # noqa: S608
ANSWERED = """
    INSERT INTO chats (chat, handled) VALUES (?, ?)
    ON CONFLICT (chat) DO UPDATE SET handled = excluded.handled, error = NULL
"""
TELL = "INSERT INTO outbox (chat, text) SELECT groups.chat, ? FROM groups WHERE folder = 'main'"
TELL_ONCE = f"{TELL} AND NOT EXISTS (SELECT 1 FROM chats WHERE chats.chat = ? AND error IS NOT NULL)"  # noqa: S608
FAILED = """
    INSERT INTO chats (chat, error) VALUES (?, ?) ON CONFLICT (chat) DO UPDATE SET error = excluded.error
"""
UNDELIVERED = "SELECT DISTINCT chat FROM outbox WHERE settled_at IS NULL"
NEXT_PIECE = "SELECT seq, chat, text FROM outbox WHERE chat = ? AND settled_at IS NULL ORDER BY seq LIMIT 1"
SETTLED = "UPDATE outbox SET settled_at = ?, error = ? WHERE seq = ?"
SEND = "INSERT INTO outbox (chat, text) VALUES (?, ?)"
MET = """
    INSERT INTO known (chat, name, seen_at) VALUES (?, ?, ?)
    ON CONFLICT (chat) DO UPDATE SET name = excluded.name, seen_at = excluded.seen_at
"""
REGISTER = "INSERT OR REPLACE INTO groups (folder, chat, name, rest) VALUES (?, ?, ?, ?)"
USED = """
    INSERT INTO usage (folder, day, requests, input, output) VALUES (?, date('now'), 1, ?, ?) ON CONFLICT (folder, day)
    DO UPDATE SET requests = requests + 1, input = input + excluded.input, output = output + excluded.output
"""
REMEMBER = "INSERT OR REPLACE INTO sessions (folder, session) VALUES (?, ?)"
FORGET = "DELETE FROM sessions WHERE folder = ?"
PRUNE = "DELETE FROM requests WHERE done_at < datetime('now', '-7 days')"


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
        self._groups: dict[str, Group] = {}
        self.on_trouble: Callable[[sqlite3.Error], None] = lambda error: None
        """Called when a write fails, with a full disk, say: who wanted it tries again, but the owner should know."""

    @property
    def groups(self) -> list[Group]:
        """All registered groups."""
        return list(self._groups.values())

    def group(self, chat: str) -> Group | None:
        """The group of a chat, if it is registered."""
        return self._groups.get(chat)

    async def register(self, group: Group) -> None:
        """Answer a chat from now on, or by other rules than before."""
        await self.write((REGISTER, group.row()))
        await self.load_groups()

    async def load_groups(self) -> None:
        """Read the groups again, after a write that changed them."""
        rows = await self.read("SELECT folder, chat, name, rest FROM groups ORDER BY folder")
        self._groups = {group.chat: group for row in rows if (group := Group.of(*row))}

    async def met(self, *chats: tuple[str, str]) -> None:
        """Remember chats, each with its name, so that the owner can find and register them."""
        await self.write(*((MET, (*chat, stamp(datetime.now(UTC)))) for chat in chats))

    async def take_in(self, message: Message, *, asks: bool) -> bool:
        """Store a message; False if it was there already. One that does not ask is context for the next that does."""
        rest = (message.sender_id, message.quoted, message.quoted_sender)
        row = (message.id, message.sender, message.text, stamp(message.sent_at), message.direct, *rest)
        return await self.write((TAKE_IN, (asks, message.chat, *row))) > 0

    async def waiting(self) -> list[str]:
        """The chats in which a message waits for its answer."""
        return [chat for (chat,) in await self.read(WAITING)]

    async def turn(self, chat: str, after: int = 0) -> Turn | None:
        """All since the last turn and `after`, up to the last message that asks; None if none does. Bounded in size."""
        where = {"chat": chat, "after": after}
        if not (rows := await self.read(TURN, where)):
            return None
        messages = tuple(
            Message(chat, id_, sender, text, datetime.fromisoformat(sent_at), bool(direct), *rest)
            for _, _, id_, sender, text, sent_at, direct, *rest in rows
        )
        asked = tuple(message for message, row in zip(messages, rows, strict=True) if row[1])
        omitted = 0
        if len(rows) >= MOST_CONTEXT:
            ((count,),) = await self.read(COUNT, where)
            omitted = count - len(rows)
        return Turn(chat, messages, asked, until=rows[-1][0], omitted=omitted)

    async def answered(self, turn: Turn, pieces: Iterable[str]) -> None:
        """The turn is handled and its reply waits in the outbox: both or neither."""
        await self.write((ANSWERED, (turn.chat, turn.until)), *((SEND, (turn.chat, piece)) for piece in pieces))

    async def failed(self, turn: Turn, error: str, notice: str) -> None:
        """The turn is not handled: it waits, and the owner is told so in main, once until an answer succeeds."""
        await self.write((TELL_ONCE, (notice, turn.chat)), (FAILED, (turn.chat, error)))

    async def session(self, folder: str) -> str | None:
        """The agent's session in a group, to be resumed."""
        rows = await self.read("SELECT session FROM sessions WHERE folder = ?", (folder,))
        return rows[0][0] if rows else None

    async def remember(self, folder: str, session: str | None) -> None:
        """The session to resume next; None begins anew."""
        await self.write((REMEMBER, (folder, session)) if session else (FORGET, (folder,)))

    async def used(self, folder: str, tokens_in: int, tokens_out: int) -> None:
        """Count a request to the model."""
        await self.write((USED, (folder, tokens_in, tokens_out)))

    async def undelivered(self) -> list[str]:
        """The chats for which a piece waits in the outbox."""
        return [chat for (chat,) in await self.read(UNDELIVERED)]

    async def next_piece(self, chat: str) -> Piece | None:
        """What is to be delivered to a chat next."""
        rows = await self.read(NEXT_PIECE, (chat,))
        return Piece(*rows[0]) if rows else None

    async def settled(self, piece: Piece, error: str | None = None) -> None:
        """A piece was delivered or, with an error, never can be. It is not offered again."""
        await self.write((SETTLED, (stamp(datetime.now(UTC)), error, piece.seq)))

    async def prepare(self) -> None:
        """Bring the schema to its newest version, a transaction a step."""
        await self.read("PRAGMA journal_mode = WAL")
        await self.read("PRAGMA synchronous = FULL")  # what is stored survives a power cut too
        ((version,),) = await self.read("PRAGMA user_version")
        if version > len(MIGRATIONS):
            raise BotError(
                f"bot.db was written by a newer bot: its schema is {version}, and this bot knows {len(MIGRATIONS)}",
                hint="update this bot, or restore a backup of its data",
            )
        for number, step in enumerate(MIGRATIONS[version:], version + 1):
            await self.write(*((sql, ()) for sql in step), (f"PRAGMA user_version = {number}", ()))
        await self.write((PRUNE, ()))
        await self.load_groups()

    async def flush(self) -> None:
        """Wait for the write that is under way."""
        async with self._mutex:
            pass

    async def read(self, sql: str, values: tuple[Any, ...] | dict[str, Any] = ()) -> list[Any]:
        """The rows that a query finds."""
        async with self._mutex:
            return list(await self._db.execute_fetchall(sql, values))

    async def write(self, *statements: Statement) -> int:
        """One transaction; the number of rows that its first statement changed."""
        try:
            return await asyncio.shield(self._transact(statements))
        except sqlite3.Error as error:
            self.on_trouble(error)
            raise

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
            return cursors[0].rowcount if cursors else 0


def stamp(moment: datetime) -> str:
    """A moment as text that sorts: in UTC, always with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")
