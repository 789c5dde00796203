"""The store's connection without its thread: statements wait in a line, and the loop carries them
out one a step, in order, as the thread of aiosqlite would. Everything else is aiosqlite's own code.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiosqlite

from simulation.loop import Loop
from simulation.world import World

Job = tuple[Any, Callable[[], Any]]
ERRORS = {
    "full": (sqlite3.SQLITE_FULL, "database or disk is full"),
    "ioerr": (sqlite3.SQLITE_IOERR, "disk I/O error"),
    "busy": (sqlite3.SQLITE_BUSY, "database is locked"),
}
READS = ("SELECT", "WITH", "PRAGMA", "ROLLBACK")
WHILE = 90.0
MOST_REFUSED = 10
"""Of a chat, and of what is there without one."""
BEFORE = "SELECT chat FROM outbox WHERE seq < ? AND settled_at IS NULL"


class Line:
    """Takes the place of aiosqlite's queue."""

    def __init__(self, world: World, loop: Loop) -> None:
        self._world, self._loop = world, loop
        self._jobs: deque[Job] = deque()
        self.raw: sqlite3.Connection | None = None
        self._groups = self._sends = False
        self._last = self._refused = 0

    def put_nowait(self, job: Job) -> None:
        self._jobs.append(job)
        if len(self._jobs) == 1:
            self._soon()

    def _soon(self) -> None:
        delay = self._world.delay("sql", 0.05, often=0.1)
        if delay:
            self._loop.call_later(delay, self._work)
        else:
            self._loop.call_soon(self._work)

    def _work(self) -> None:
        future, function = self._jobs.popleft()
        sql = _sql(function)
        try:
            self._fail(function, sql)
            if _reads(function) and self.raw is not None and self.raw.in_transaction:
                self._world.problem("somebody reads what is not committed")
            result = function()
            self._committed(sql)
        except Exception as error:  # noqa: BLE001  # as aiosqlite does
            if future and not future.done():
                future.set_exception(error)
        else:
            if future and not future.done():
                future.set_result(result)
        if self._jobs:
            self._soon()

    def _committed(self, sql: str) -> None:
        """What the world wants to know of what was written."""
        self._groups |= " groups" in sql and not sql.startswith(READS)
        self._sends |= "INTO outbox" in sql
        if not sql.startswith("COMMIT"):
            return
        if self._groups:
            self._groups = False
            self._world.read_groups()
        if self._sends and self.raw is not None:
            self._sends = False
            found = self.raw.execute("SELECT seq, chat FROM outbox WHERE seq > ?", (self._last,))
            for seq, chat in found.fetchall():
                if seq not in self._world.stored_at:
                    self._world.stored(seq, chat, self.raw.execute(BEFORE, (seq,)).fetchall())
                self._last = max(self._last, seq)

    def _fail(self, function: Callable[[], Any], sql: str) -> None:
        world = self._world
        if not sql:
            return
        kind = world.fault("sql")
        writes = not sql.startswith(READS)
        if kind == "crash":
            world.crash()
            raise sqlite3.OperationalError("the process ends before this")
        if kind == "crash after":
            world.crash()
            return
        if kind == "full for a while":
            world.full_until = world.time + WHILE
        if writes and not world.calm and world.time < world.full_until:
            kind = "full"
            self._refused += 1
            if self._refused == MOST_REFUSED * (10 + world.plan.chats):
                world.problem("a store that is full is tried again and again")
        if kind in ERRORS and (writes or (kind != "full" and not sql.startswith("ROLLBACK"))):
            number, text = ERRORS[kind]
            world.doubt()
            if self.raw and kind == "full" and world.delay("thread", 1.0) < 0.5:
                self.raw.rollback()  # as SQLite itself may
            error = sqlite3.OperationalError(text)
            error.sqlite_errorcode = number
            raise error


def _reads(function: Any) -> bool:
    return getattr(getattr(function, "func", None), "__name__", "") == "_execute_fetchall"


def _sql(function: Any) -> str:
    arguments = getattr(function, "args", ())
    return arguments[0].lstrip() if arguments and isinstance(arguments[0], str) else ""


class Connection(aiosqlite.Connection):
    """`raw` is what the world looks into."""

    def __init__(self, world: World, loop: Loop, path: Path) -> None:
        def connect() -> sqlite3.Connection:
            line.raw = raw = sqlite3.connect(path, isolation_level=None)
            return raw

        super().__init__(connect, 64)
        self._tx = line = Line(world, loop)  # type: ignore[assignment]
        self.line = line

    def __await__(self) -> Any:
        return self._connect().__await__()

    def __del__(self) -> None:
        """Of one that a crash has left, nothing is said."""

    def kill(self) -> None:
        """As the system does when a process dies: what was not committed is not there."""
        if self._connection is not None:
            with suppress(sqlite3.ProgrammingError):  # it was being closed
                self._connection.rollback()
            self._connection.close()
            self._connection = None
        self._running = False


class Database:
    """In the place of the module aiosqlite; `made` is the connection of this life."""

    def __init__(self, world: World, loop: Loop) -> None:
        self._world, self._loop = world, loop
        self.made: Connection | None = None

    def connect(self, path: Path, **_: Any) -> Connection:
        self.made = Connection(self._world, self._loop, path)
        return self.made

    def look(self, sql: str, *values: Any) -> list[Any]:
        """What the store has, between two steps of its connection."""
        assert self.made is not None
        assert self.made.line.raw is not None
        return self.made.line.raw.execute(sql, values).fetchall()
