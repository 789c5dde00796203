"""Where a run takes place: news of folders, the store's lock, and a store with groups."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bot.groups import Group
from bot.store import open_store
from simulation.engine import Engine
from simulation.messenger import TRIGGER
from simulation.plan import Plan
from simulation.world import World

_templates: dict[int, bytes] = {}


class Watch:
    """In the place of `bot.ipc.Watch`: news of folders come from the program that writes there; and
    all are looked into after a while, for news may be lost.
    """

    engine: Engine
    sweep = 120.0

    def __init__(self, trees: Any, *_: Any) -> None:
        self._trees, self._news, self._told = trees, asyncio.Event(), set[str]()
        self._first = True
        self.engine.requested = self._tell

    def close(self) -> None:
        """Nothing is held."""

    def _tell(self, folder: str) -> None:
        self._told.add(folder)
        self._news.set()

    async def changed(self, seconds: float) -> set[str]:
        every = self._first
        self._first = False
        if not every:
            try:
                async with asyncio.timeout(self.sweep):
                    await self._news.wait()
            except TimeoutError:
                every = True
        self._news.clear()
        told, self._told = self._told, set()
        return set(self._trees()) if every else told


@contextmanager
def unlocked(folder: Path) -> Iterator[None]:
    """The lock is the system's, which gives it back when a process dies."""
    folder.mkdir(parents=True, exist_ok=True)
    yield


def template(chats: int, folder: Path) -> None:
    """A store with so many groups, which is made once a process."""
    if chats not in _templates:
        asyncio.run(_make(chats, folder))
        with sqlite3.connect(folder / "bot.db") as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.close()
        _templates[chats] = (folder / "bot.db").read_bytes()
        for path in folder.glob("bot.*"):
            path.unlink()
    (folder / "bot.db").write_bytes(_templates[chats])


async def _make(chats: int, folder: Path) -> None:
    world = World(Plan(0), folder)
    async with open_store(folder) as store:
        for number in range(chats):
            trigger = TRIGGER if number else None
            chat = world.chat(number)
            await store.register(Group(world.group(number), chat, f"Chat {number}", trigger))
