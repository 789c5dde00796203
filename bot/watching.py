"""News of folders that agents write: which of them to look into, and when.

Each folder is watched by itself, through a descriptor: no link is followed, nothing below is
watched, and no path is compared. What is not understood means that all have to be looked into, and
so does a while of silence, for a watcher may lose something; where none can be had, all are polled.
"""

import asyncio
import ctypes
import os
import struct
import sys
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress

from bot.confined import Folder, Tree, reason
from bot.log import log

CLOSE_WRITE, MOVED_TO, CREATE, DELETE_SELF, MOVE_SELF = 0x8, 0x80, 0x100, 0x400, 0x800
IGNORED, ONLYDIR = 0x8000, 0x01000000  # as in <sys/inotify.h>
WANTED = CLOSE_WRITE | MOVED_TO | CREATE | DELETE_SELF | MOVE_SELF | ONLYDIR
EVENT = struct.Struct("iIII")
MOST_BYTES = 1 << 20
GATHER_SECONDS = 0.02
SLICE, SWEPT_A_SECOND, POLLED_A_SECOND = 50, 20, 100
"""So many are looked into at once, and a second on the whole, where there are many."""


class Inotify:
    """The kernel's watcher. Raises OSError where there is none, or none is left."""

    def __init__(self) -> None:
        if sys.platform != "linux":
            raise OSError("there is no inotify here")
        self._libc = ctypes.CDLL(None, use_errno=True)
        self.number = self._call("inotify_init1", os.O_NONBLOCK | os.O_CLOEXEC)

    def add(self, folder: Folder) -> int:
        return self._call("inotify_add_watch", self.number, folder.watched.encode(), WANTED)

    def drop(self, watch: int) -> None:
        with suppress(OSError):  # what is gone is watched no more
            self._call("inotify_rm_watch", self.number, watch)

    def read(self) -> set[int]:
        """The watches that something happened at; -1 among them where events were lost."""
        found: set[int] = set()
        for _ in range(MOST_BYTES >> 16):
            try:
                data = os.read(self.number, 1 << 16)
            except BlockingIOError:
                break
            while data:
                watch, mask, _, length = EVENT.unpack_from(data)
                data = data[EVENT.size + length :]
                if not mask & IGNORED:
                    found.add(watch)
        return found

    def close(self) -> None:
        os.close(self.number)

    def _call(self, name: str, *arguments: int | bytes) -> int:
        result: int = getattr(self._libc, name)(*arguments)
        if result < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        return result


class Rounds:
    """Names in turn, each once in `seconds`, and in more where that would be above `rate`."""

    def __init__(self, seconds: float, rate: float) -> None:
        self._seconds, self._rate = seconds, rate
        self._left: list[str] = []
        self.due = float("-inf")
        """When it is the turn of some, by the event loop's clock."""

    def turn(self, now: float, names: Collection[str]) -> set[str]:
        """Those of the names whose turn it is."""
        if not names:
            self.due = now + self._seconds
        if now < self.due:
            return set()
        slices = -(-len(names) // SLICE)
        self.due = now + (self._seconds + len(names) / self._rate) / slices
        self._left = self._left or sorted(names)
        told, self._left = self._left[:SLICE], self._left[SLICE:]
        return set(told).intersection(names)


class Watch:
    """Of the folder `room` in each of the trees, and of `root`, in which new trees appear."""

    def __init__(
        self,
        trees: Callable[[], Mapping[str, Tree]],
        root: Tree,
        room: str,
        *,
        sweep: float = 5.0,
        poll: float = 0.5,
    ) -> None:
        """`trees` gives the same mapping again for as long as nothing in it has changed. Every
        `sweep` seconds all of them are named, every `poll` those that nobody watches, or less often
        where there are many.
        """
        self._trees, self._root, self._room = trees, root, room
        self._sweep, self._poll = Rounds(sweep, SWEPT_A_SECOND), Rounds(poll, POLLED_A_SECOND)
        self._inotify: Inotify | None = None
        self._known: Mapping[str, Tree] = {}
        self._watches: dict[str, frozenset[int]] = {}
        self._names: dict[int, str] = {}
        self._blind: frozenset[str] = frozenset()

    def close(self) -> None:
        if self._inotify is not None:
            self._inotify.close()
            self._inotify = None

    async def changed(self, seconds: float) -> set[str]:
        """Wait for news, at most so long; the names of the trees to look into."""
        now = asyncio.get_running_loop().time
        due = min(self._sweep.due, self._poll.due if self._blind else self._sweep.due)
        told = await self._told(max(0.0, min(seconds, due - now())))
        trees = self._trees()
        if told is None:
            told = set(trees)
        told |= self._sweep.turn(now(), trees) | self._poll.turn(now(), self._blind)
        if trees is not self._known:
            told |= trees.keys() - self._known.keys()
            for name in self._known.keys() - trees.keys():
                self._forget(name, frozenset())
                del self._watches[name]
            self._known, self._blind = trees, self._blind.intersection(trees)
        told &= trees.keys()
        return self._covered(told) if told else told

    async def _told(self, seconds: float) -> set[str] | None:
        """None where it cannot be told which."""
        if self._inotify is None:
            await asyncio.sleep(seconds)
            return set()
        loop, news = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._inotify.number, news.set)
        try:
            async with asyncio.timeout(seconds):
                await news.wait()
        except TimeoutError:
            return set()
        finally:
            loop.remove_reader(self._inotify.number)
        await asyncio.sleep(GATHER_SECONDS)  # what comes together is told together
        names = {self._names.get(watch) for watch in self._inotify.read()}
        return None if None in names else {name for name in names if name is not None}

    def _covered(self, names: set[str]) -> set[str]:
        """Watch them, which may be other folders by now, before they are looked into: what comes
        after the look is news again. They, or all where there was no watcher.
        """
        trees, why, blind = self._known, "", self._blind
        try:
            if self._inotify is None:
                self._inotify, names = Inotify(), set(trees)
            with self._root.open() as root:
                self._inotify.add(root)  # its watch has no name: all have to be looked into
            failed = {name: self._add(name, trees[name]) for name in names}
            why = next((one for one in failed.values() if one), "")
            blind = (blind - names) | {name for name, one in failed.items() if one}
        except OSError as error:
            why, blind = reason(error), frozenset(trees)
        if bool(blind) != bool(self._blind):
            say = log.warning if blind else log.info
            say("requests are looked for by the clock" if blind else "watching again", error=why)
        self._blind = blind
        return names

    def _add(self, name: str, tree: Tree) -> str:
        """Why it cannot be watched; nothing if it is, or is not there: `root` will tell."""
        watches, why, inotify = set(), "", self._inotify
        assert inotify is not None  # noqa: S101  # the caller has it
        try:
            with tree.open() as base:
                watches.add(inotify.add(base))
                with base.folder(self._room) as room:
                    watches.add(inotify.add(room))
        except FileNotFoundError:
            pass
        except OSError as error:
            why = reason(error)
        self._forget(name, frozenset(watches))
        return why

    def _forget(self, name: str, new: frozenset[int]) -> None:
        """These are the watches of a tree; those that it had before end."""
        for watch in self._watches.pop(name, frozenset()) - new:
            self._names.pop(watch, None)
            if self._inotify is not None:
                self._inotify.drop(watch)
        self._watches[name] = new
        self._names |= dict.fromkeys(new, name)
