"""What agents ask of the host: files that they write into their group's directory, and whose effect
happens once.

Who asks is the directory, which no other group's container sees; nothing in a file says it. An
agent may put anything there (links, pipes, huge files, thousands a second), so files are opened
relative to directories that are no links, never followed, bounded in size and in rate.
"""

import asyncio
import json
import os
import re
import sqlite3
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from watchfiles import awatch

from bot.errors import BotError
from bot.groups import Group
from bot.log import log
from bot.store import stamp
from bot.tools import Effect, Host, call

NAME = re.compile(r"([A-Za-z0-9][A-Za-z0-9_-]{0,63})\.json")
DONE = "INSERT INTO requests (folder, id, reply, done_at) VALUES (?, ?, ?, ?)"
SEEN = "SELECT reply FROM requests WHERE folder = ? AND id = ?"
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK  # a pipe must not make us wait
NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one group: the bytes of a request, requests a second and at once, and how many may wait or
    lie set aside.
    """

    size: int = 64 * 1024
    rate: float = 20.0
    burst: int = 100
    crowd: int = 1_000
    refused: int = 100


class Ipc:
    """Reads requests when a file event tells of them, and whatever lies there at the start."""

    def __init__(self, host: Host, limits: Limits | None = None) -> None:
        self._host, self._paths, self._store = host, host.paths, host.store
        self._limits = limits or Limits()
        self._buckets: dict[
            str, tuple[float, float]
        ] = {}  # of each group: how many requests it may make, since when

    async def run(self) -> None:
        root = self._paths.data / "ipc"
        root.mkdir(parents=True, exist_ok=True)
        waiting = {
            group.folder for group in self._store.groups if self._paths.ipc(group.folder).is_dir()
        }
        async for folders in self._events():
            waiting |= folders
            groups = [group for group in self._store.groups if group.folder in waiting]
            waiting = {group.folder for group in groups if await self.serve(group)}

    async def _events(self) -> AsyncIterator[set[str]]:
        """The folders in which something happened; at least once a second, for those that have to
        wait their turn.
        """
        root = self._paths.data / "ipc"
        yield set()
        async for changes in awatch(
            root, watch_filter=None, step=20, debounce=100, yield_on_timeout=True, rust_timeout=1000
        ):
            paths = (path.removeprefix(f"{root}/").split("/") for _, path in changes)
            yield {
                parts[0] for parts in paths if len(parts) < 3 or parts[1] == "requests"
            }  # fewer: a new directory

    async def serve(self, group: Group) -> bool:
        """Serve what a group has asked, as far as its rate allows; True if some has to wait."""
        try:
            with self._open(group) as rooms:
                with os.scandir(rooms["requests"]) as entries:
                    names = [entry.name for entry in islice(entries, self._limits.crowd + 1)]
                if len(names) > self._limits.crowd:
                    await asyncio.to_thread(self._thin_out, rooms, group)
                for name in sorted(name for name in names if not name.endswith(".tmp")):
                    if not self._allowed(group.folder):
                        return True
                    if NAME.fullmatch(name) is None:
                        self._refuse(rooms, group, name, "it has no name of a request: <id>.json")
                    else:
                        await self._serve_one(rooms, group, name)
                return len(names) > self._limits.crowd
        except (OSError, sqlite3.Error) as error:
            log.warning("requests cannot be served", group=group.folder, error=repr(error))
            return isinstance(error, sqlite3.Error)

    async def _serve_one(self, rooms: dict[str, int], group: Group, name: str) -> None:
        id_ = name.removesuffix(".json")
        if seen := await self._store.read(
            SEEN, (group.folder, id_)
        ):  # its effect was committed, then somebody died
            reply = seen[0][0]
        else:
            try:
                reply = await self._effect(group, id_, *self._read(rooms["requests"], name, id_))
            except (FileNotFoundError, sqlite3.Error):
                raise
            except Exception as error:  # noqa: BLE001  # whatever an agent makes fail: the others are served
                self._refuse(
                    rooms, group, name, str(error) if isinstance(error, ValueError) else repr(error)
                )
                return
        self._write(rooms["replies"], name, reply)
        os.unlink(name, dir_fd=rooms["requests"])

    async def _effect(self, group: Group, id_: str, tool: str, arguments: dict[str, Any]) -> str:
        """Carry a request out and commit it with its identifier; the reply."""
        why = None
        try:
            effect = await call(self._host, group, tool, arguments)
        except BotError as error:
            effect, why = Effect(), repr(error)
        text = json.dumps({"ok": why is None, "result": effect.result, "error": why})
        await self._store.write(
            (DONE, (group.folder, id_, text, stamp(datetime.now(UTC)))), *effect.statements
        )
        if effect.afterwards:
            await effect.afterwards()
        return text

    def _read(self, room: int, name: str, id_: str) -> tuple[str, dict[str, Any]]:
        """Raises ValueError for what is no request, OSError for what is no file."""
        with os.fdopen(os.open(name, FILE, dir_fd=room), "rb") as file:
            kind = os.fstat(file.fileno())
            if not stat.S_ISREG(kind.st_mode):
                raise ValueError("it is no file")
            data = file.read(self._limits.size + 1)
        if len(data) > self._limits.size:
            raise ValueError(f"it is longer than {self._limits.size} bytes")
        try:
            request = json.loads(data)
            json.dumps(request, ensure_ascii=False).encode()  # half of a surrogate pair is no text
        except RecursionError:
            raise ValueError("it is nested too deeply") from None
        match request:
            case {"id": str(said), "tool": str(tool), "arguments": dict(arguments)} if said == id_:
                return tool, arguments
        raise ValueError('it is not {"id": the file\'s name, "tool": name, "arguments": {...}}')

    def _allowed(self, folder: str) -> bool:
        now = asyncio.get_running_loop().time()
        filled, since = self._buckets.get(folder, (float(self._limits.burst), now))
        filled = min(filled + (now - since) * self._limits.rate, float(self._limits.burst))
        self._buckets[folder] = (filled - 1 if filled >= 1 else filled, now)
        return filled >= 1

    @contextmanager
    def _open(self, group: Group) -> Iterator[dict[str, int]]:
        """The directories of a group, none of them a link; the agent may have put others in their
        place.
        """
        with ExitStack() as opened:
            base = os.open(self._paths.ipc(group.folder), FOLDER)
            opened.callback(os.close, base)
            rooms = {}
            for room in ("requests", "replies", "refused"):
                with suppress(FileExistsError):
                    os.mkdir(room, dir_fd=base)
                rooms[room] = os.open(room, FOLDER, dir_fd=base)
                opened.callback(os.close, rooms[room])
            yield rooms

    def _refuse(self, rooms: dict[str, int], group: Group, name: str, reason: str) -> None:
        """Set a file aside with the reason, or remove it if too many lie there already."""
        log.warning("request refused", group=group.folder, file=name[:80], reason=reason)
        with suppress(OSError):
            with os.scandir(rooms["refused"]) as entries:
                full = len(list(islice(entries, self._limits.refused))) == self._limits.refused
            if not full:
                os.rename(name, name, src_dir_fd=rooms["requests"], dst_dir_fd=rooms["refused"])
                self._write(rooms["refused"], f"{name[:200]}.reason", reason + "\n")
                return
        with suppress(OSError):  # a directory stays; it costs a look
            os.unlink(name, dir_fd=rooms["requests"])

    def _thin_out(self, rooms: dict[str, int], group: Group) -> None:
        """More wait than may: what is beyond the crowd is removed unread."""
        removed = 0
        with os.scandir(rooms["requests"]) as entries:
            for entry in islice(entries, self._limits.crowd, 10 * self._limits.crowd):
                with suppress(OSError):
                    os.unlink(entry.name, dir_fd=rooms["requests"])
                    removed += 1
        log.warning("too many requests", group=group.folder, removed=removed)

    @staticmethod
    def _write(room: int, name: str, text: str) -> None:
        """A whole file or none; its name may be taken by anything, which it replaces."""
        temporary = f".{name[:200]}.{os.getpid()}.tmp"
        with suppress(OSError):
            os.unlink(temporary, dir_fd=room)
        with os.fdopen(os.open(temporary, NEW, 0o644, dir_fd=room), "w", encoding="utf-8") as file:
            file.write(text)
        os.rename(temporary, name, src_dir_fd=room, dst_dir_fd=room)
