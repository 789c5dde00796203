"""Inbox and outbox in SQLite: what came in and is not answered, what is answered and not delivered.

One process, one connection. Positions are sequence numbers. Every write is one transaction, which
ends whole even when its caller is cancelled.
"""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import aiosqlite

from bot.bounds import Seldom
from bot.database import HINTS, LOCKED, code, locked_by, look_at, migrate, unusable
from bot.errors import NotRegistered
from bot.groups import MAIN, Group, checked, refuse_taken
from bot.log import log
from bot.messages import Attachment, File, Message, Turn
from bot.migrations import SQL
from bot.rows import attachments_of, identity_of, message_of, row_of, stamp
from bot.transactions import Statement, Transactions

PATIENCE = 600.0
"""Seconds that a store which another program holds is waited for, when it is opened."""
MOST_ASKED = 50
"""Messages that ask in one turn; more are the next turn's."""
MOST_CONTEXT = 200
"""The newest messages of a turn; older ones are left out unless they ask."""
SENDS = {SQL["send"], SQL["send_file"]}
REGISTRATIONS = {SQL[name] for name in ("register", "unregister", "rekey_group", "rekey_on")}


class Store(Transactions):
    """What the assistant may not forget. Made by `open_store`."""

    def __init__(self, db: aiosqlite.Connection, file: Path) -> None:
        super().__init__(db, file)
        self._groups: dict[str, Group] = {}
        self.folders: Mapping[str, Group] = {}
        """The groups by their folders: another mapping whenever they were read again."""
        self._moved: dict[str, str] = {}
        self._changes = self._loaded = 0
        self.on_send: Callable[[str], object] = lambda chat: None
        """Called with a chat for which something is in the outbox, when that is committed."""
        self.zone = ZoneInfo("UTC")
        """Whose days count: `run` sets the owner's."""

    @property
    def groups(self) -> list[Group]:
        return list(self.folders.values())

    @property
    def main(self) -> Group | None:
        return self.folders.get(MAIN)

    def group(self, chat: str) -> Group | None:
        return self._groups.get(self.called(chat))

    def current(self, chat: str, folder: str) -> Group:
        """The group of a chat as it is now. Raises NotRegistered if it is not that of `folder`."""
        if (group := self.group(chat)) is None or group.folder != folder:
            raise NotRegistered("the chat is not registered any more")
        return group

    def called(self, chat: str) -> str:
        """What a chat is called now; a topic of one that has moved goes with it."""
        whole, mark, topic = chat.rpartition(":")
        return self._moved.get(chat) or f"{self._moved.get(whole, whole)}{mark}{topic}"

    async def register(self, group: Group) -> None:
        """Raises BotError if the chat has a registration in another folder, or the folder, unless
        it is main, one for another chat: neither is lost to a new one.
        """
        await self.write(*self.registered(group))
        await self.load_groups()

    @property
    def groups_changed(self) -> bool:
        """Whether registrations, or names of chats, are being written, or not read again yet."""
        return self._changes != self._loaded

    async def _transact(self, statements: Sequence[Statement]) -> int:
        changes = not REGISTRATIONS.isdisjoint(sql for sql, _ in statements)
        self._changes += changes
        done = await super()._transact(statements)
        self._changes += changes  # what was read meanwhile may have been too old
        for sql, values in statements:
            if sql in SENDS and isinstance(values, tuple):
                self.on_send(self.called(values[0]))
        return done

    def registered(self, group: Group) -> tuple[Statement, ...]:
        """What registers a group. Raises BotError likewise."""
        refuse_taken(self.groups, group)
        return self.left(group.folder), (SQL["register"], group.row())

    def left(self, folder: str) -> Statement:
        """What lets the owner find the chat that a folder has, when that is no more its own."""
        return SQL["left"], (folder, stamp(datetime.now(UTC)))

    async def load_groups(self) -> None:
        """Read the groups again, after a write that changed them: what is stored is known, however
        long a store that cannot be read has to be waited for.
        """
        await self.insisted(self.read_groups)

    async def read_groups(self) -> None:
        """Likewise. Raises sqlite3.Error where the store cannot be read now."""
        changes = self._changes
        rows = await self.read("SELECT folder, chat, name, rest FROM groups ORDER BY folder")
        moved = dict(await self.read("SELECT chat, now FROM moved"))
        groups = {group.chat: group for row in rows if (group := Group.of(*row))}
        self._groups = {
            chat: group if not group.topic else group.under(groups[group.whole])
            for chat, group in groups.items()
            if not group.topic or group.whole in groups
        }
        self.folders = {group.folder: group for group in self._groups.values()}
        self._moved, self._loaded = moved, changes

    def rekeyed(self, old: str, new: str) -> tuple[Statement, ...]:
        """What takes along all that is kept of a chat and its topics, its messages told from those
        to come, whose messenger may count anew. Raises BotError if the new name is none.
        """
        names = {"old": old, "new": checked(new)}
        return tuple((SQL[step], names) for step in SQL if step.startswith("rekey_"))

    async def saw_chats(self, *chats: tuple[str, str]) -> None:
        """Remember chats, each with its name, so that the owner can find and register them."""
        await self.write(*((SQL["saw_chat"], (*chat, stamp(datetime.now(UTC)))) for chat in chats))

    async def take_in(self, message: Message, *, asks: bool) -> bool:
        """Store a message; False if it was there already. One that does not ask is context for the
        next that does.
        """
        if await self.knows(message):
            return False
        taken = (SQL["take_in"], (asks, False, *row_of(message)))
        return await self.write((SQL["counted_anew"], identity_of(message)), taken) > 0

    async def obeyed(
        self, message: Message, replies: Iterable[tuple[str, str]], *more: Statement
    ) -> None:
        """Store a command, which no agent reads, what is said to it (chat and text), and `more`
        that it changes.
        """
        sends = ((SQL["send"], reply) for reply in replies)
        taken = (SQL["take_in"], (False, True, *row_of(message)))
        await self.write((SQL["counted_anew"], identity_of(message)), *sends, *more, taken)

    async def knows(self, message: Message) -> bool:
        """Whether a message is there, under any name that its chat had. One of another time and
        text, with an identifier that is there, is of a messenger that counts anew.
        """
        return bool(await self.read(SQL["known_message"], identity_of(message)))

    async def waiting(self) -> list[str]:
        return [chat for (chat,) in await self.read(SQL["waiting"])]

    async def turn(self, chat: str, after: int = 0, most: int = MOST_ASKED) -> Turn | None:
        """All since the last turn and `after`, up to the last message that asks, or the `most`th of
        them; None if none does. Bounded in size.
        """
        where = {"chat": chat, "after": after, "most_asked": most, "most_context": MOST_CONTEXT}
        if not (rows := await self.read(SQL["turn"], where)):
            return None
        messages = tuple(message_of(chat, *row[2:-1]) for row in rows)
        asked = tuple(message for message, row in zip(messages, rows, strict=True) if row[1])
        return Turn(chat, messages, asked, until=rows[-1][0], omitted=rows[0][-1] - len(rows))

    async def answered(self, turn: Turn, pieces: Iterable[str], notice: str = "") -> None:
        """The turn is handled, its reply waits in the outbox, and so does a notice in main's: all
        or nothing.
        """
        sends = [(SQL["send"], (turn.chat, piece)) for piece in pieces]
        handled = (SQL["answered"], (turn.chat, turn.until))
        await self.insist(handled, *sends, *self._told(notice))

    async def send(self, chat: str, text: str, notice: str = "") -> None:
        """A text into a chat's outbox, as it is, and a notice into main's: both or neither."""
        await self.write((SQL["send"], (chat, text)), *self._told(notice))

    async def tell(self, text: str) -> bool:
        """A notice into main's outbox; False if there is no main."""
        await self.write(*self._told(text))
        return self.main is not None

    def _told(self, notice: str) -> Iterable[Statement]:
        return ((SQL["send"], (self.main.chat, notice)),) if notice and self.main else ()

    async def failed(self, turn: Turn, error: str, notice: str) -> None:
        """The turn is not handled: it waits, and the owner is told so in main, once until an answer
        succeeds.
        """
        told = (SQL["tell_once"], (notice, turn.chat))
        await self.write(told, (SQL["failed"], (turn.chat, error)))
        if self.main:
            self.on_send(self.main.chat)

    async def session(self, folder: str) -> str | None:
        """The agent's session in a group, to be resumed."""
        return next((id_ for (id_,) in await self.read(SQL["session"], (folder,))), None)

    async def remember(self, folder: str, session: str | None) -> None:
        """The session to resume next; None begins anew."""
        kept = (SQL["remember"], (folder, session)) if session else (SQL["forget"], (folder,))
        await self.insist(kept)

    async def used(self, folder: str, tokens_in: int, tokens_out: int) -> None:
        await self.write((SQL["used"], (folder, self.today(), tokens_in, tokens_out)))

    async def spent(self, folder: str) -> int:
        """The tokens that a group has used today."""
        return int((await self.read(SQL["spent"], (folder, self.today())))[0][0])

    def today(self) -> str:
        """The day by the clock on the owner's wall."""
        return datetime.now(self.zone).date().isoformat()

    async def undelivered(self) -> list[str]:
        return [chat for (chat,) in await self.read(SQL["undelivered"])]

    async def next_piece(self, chat: str) -> tuple[int, str, File | None] | None:
        """The sequence number and the text of what a chat is to be sent next: it fits into one
        message; and the file that goes with it.
        """
        for seq, text, file in await self.read(SQL["next_piece"], (chat,)):
            return seq, text, File(**json.loads(file)) if file else None
        return None

    async def files(self) -> set[str]:
        """The copies of files that are to be delivered."""
        return {json.loads(file)["copy"] for (file,) in await self.read(SQL["files"])}

    async def unfetched(self, chat: str) -> list[tuple[int, tuple[Attachment, ...]]]:
        """The messages of a chat whose attachments have still to be fetched, by number."""
        rows = await self.read(SQL["unfetched"], (chat,))
        return [(seq, attachments_of(text)) for seq, text in rows]

    async def fetched(self, seq: int, attachments: Iterable[Attachment]) -> None:
        found = json.dumps([asdict(one) for one in attachments])
        await self.write((SQL["fetched"], (found, seq)))

    async def settled(self, seq: int, chat: str, error: str | None = None) -> None:
        """A piece was delivered or, with an error, is given up. It is not offered again."""
        settled = (SQL["settled"], (stamp(datetime.now(UTC)), error, seq))
        taken = () if error else ((SQL["taken"], (chat,)),)
        await self.insist(settled, *taken)

    async def refused(self, chat: str) -> datetime:
        """The messenger takes nothing for a chat now; since when that is so."""
        await self.write((SQL["refused"], (chat, stamp(datetime.now(UTC)))))
        ((since,),) = await self.read(SQL["refused_since"], (chat,))
        return datetime.fromisoformat(since)


@asynccontextmanager
async def open_store(folder: Path) -> AsyncIterator[Store]:
    """The store in `folder`, at the newest version of its schema, locked until the context ends.

    Raises Running if another bot holds the lock, BotError if a newer one has been at work. One that
    another program holds is waited for.
    """
    with locked_by(folder):
        look_at(folder)  # aiosqlite leaves a thread where it cannot be opened
        async with aiosqlite.connect(folder / "bot.db", isolation_level=None) as db:
            store, begun = Store(db, folder / "bot.db"), asyncio.get_running_loop().time()
            seldom = Seldom()
            while True:
                try:
                    await migrate(db, folder)
                    await store.write()  # who holds it for long is waited for now
                    await store.read_groups()
                    break
                except OSError as error:
                    raise unusable(folder, error) from error
                except sqlite3.Error as error:
                    waited = asyncio.get_running_loop().time() - begun
                    if code(error) not in LOCKED or waited > PATIENCE:
                        raise unusable(folder, error) from error
                    if seldom.count(""):
                        log.warning("another program holds the store; I wait", hint=HINTS[5])
                    await asyncio.sleep(0.2)
            try:
                yield store
            except sqlite3.Error as error:
                raise unusable(folder, error) from error
            finally:
                async with store.mutex:  # a write that nobody waits for any more ends first
                    pass
