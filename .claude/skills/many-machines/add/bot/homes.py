"""What came home from another machine, in place of what was there: that is kept until the reply to
the message is stored, and is put back where it never was.
"""

import asyncio
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from secrets import token_hex
from typing import Any

from bot.confined import Tree
from bot.messages import Turn
from bot.paths import Paths
from bot.store import Store

HANDLED = "SELECT handled FROM chats WHERE chat = ?"


class Homes:
    """Below `machines` in the data directory, on its disk: a folder changes its place whole."""

    def __init__(self, paths: Paths) -> None:
        self._data, self._room = paths.data, paths.data / "machines"

    def arriving(self, group: str) -> Path:
        """A new folder for what comes; what an earlier attempt has left goes."""
        room = self._room / "arriving" / group
        shutil.rmtree(room, ignore_errors=True)
        place = room / token_hex(8)
        place.mkdir(mode=0o700, parents=True)
        return place

    def replace(
        self, group: str, came: Sequence[tuple[Tree, Path]], turn: Turn, session: str | None
    ) -> list[Path]:
        """Each folder that came takes the place of that at home; where those are now. If the reply
        to the turn, and with it `handled`, is never stored, `settle` puts them back, and the
        `session`.
        """
        before, word = self._before(group), self._word(group)
        if word.exists():  # of a message whose reply is being stored: it is that one's
            before = self._room / "arriving" / group / "old"
        else:
            trees = [str(home.source.relative_to(self._data)) for home, _ in came]
            until = 0 if turn.task else turn.until  # a task is run again, as on one machine
            about = {"chat": turn.chat, "until": until, "session": session, "trees": trees}
            shutil.rmtree(before, ignore_errors=True)
            before.mkdir(mode=0o700, parents=True)
            draft = word.with_suffix(".tmp")
            draft.write_text(json.dumps(about), "utf-8")
            draft.replace(word)
        before.mkdir(exist_ok=True)
        for number, (home, place) in enumerate(came):
            if home.source.exists():
                home.source.rename(before / str(number))
            place.rename(home.source)
        return [before / str(number) for number in range(len(came))]

    async def settle(self, group: str, store: Store) -> bool:
        """Before a group is asked anything: True if what came home had to be put back, and whatever
        is elsewhere is worth nothing.
        """
        try:
            about: dict[str, Any] = json.loads(self._word(group).read_text("utf-8"))
        except FileNotFoundError:
            return False
        rows = await store.read(HANDLED, (store.called(about["chat"]),))
        stored = not about["until"] or (bool(rows) and rows[0][0] >= about["until"])
        undone = await asyncio.to_thread(self._put_back, group, about["trees"], stored)
        if undone:
            await store.remember(group, about["session"])
        self._word(group).unlink()
        await asyncio.to_thread(shutil.rmtree, self._before(group), ignore_errors=True)
        return undone

    def _put_back(self, group: str, trees: Sequence[str], stored: bool) -> bool:
        before, undone = self._before(group), False
        for number, place in enumerate(trees):
            home, old = self._data / place, before / str(number)
            if old.exists() and not (stored and home.exists()):
                shutil.rmtree(home, ignore_errors=True)
                old.rename(home)
                undone = True
        return undone

    def _before(self, group: str) -> Path:
        return self._room / "before" / group

    def _word(self, group: str) -> Path:
        return self._room / "before" / f"{group}.json"
