"""Requests of agents to the host: files that they write into their group's directory, and whose
effect happens once.

Who asks is the directory, which no other group's container sees; nothing in a file says it. An
agent may put anything there (links, pipes, huge files, thousands a second), so it is reached by
`bot.confined` alone, and what a group asks is bounded in size, in rate, and in what it stores.
"""

import asyncio
import json
import re
import sqlite3
from collections.abc import Mapping
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bot.bounds import HOUR, Allowance, Seldom, parsed
from bot.confined import Folder, Refused, Tree, reason
from bot.errors import BotError, described
from bot.groups import Group
from bot.log import log
from bot.paths import ROOMS
from bot.rows import stamp
from bot.tools import Effect, Host, call
from bot.watching import Watch

NAME = re.compile(r"([A-Za-z0-9][A-Za-z0-9_-]{0,63})\.json")
DONE = "INSERT INTO requests (folder, id, reply, done_at) VALUES (?, ?, ?, ?)"
OF_THE_REQUEST = (sqlite3.IntegrityError, sqlite3.DataError)
"""What the store says of what is to be stored, and would say again; any other is a trouble of its
own, and waited for.
"""
TOO_MUCH = "what a group's requests may hold in an hour is used up; wait a while"
SEEN = "SELECT reply FROM requests WHERE folder = ? AND id = ?"


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """Of one group: the bytes of a request, requests a second and at once, how many may wait or
    lie set aside, and the bytes that requests may store in an hour.
    """

    size: int = 64 * 1024
    rate: float = 20.0
    burst: int = 100
    crowd: int = 1_000
    refused: int = 100
    stored: int = 1 << 20


@dataclass(frozen=True, slots=True)
class Rooms:
    """The open folders of a group."""

    requests: Folder
    replies: Folder
    refused: Folder


class Ipc:
    """Reads requests when a file event tells of them, and whatever lies there at the start."""

    def __init__(self, host: Host, limits: RequestLimits | None = None) -> None:
        self._host, self._paths, self._store = host, host.paths, host.store
        self._limits = limits or RequestLimits()
        self._requests = Allowance(self._limits.rate, self._limits.burst)
        self._stored = Allowance(self._limits.stored / HOUR, self._limits.stored)
        self._seldom = Seldom()
        self._folders: Mapping[str, Group] = {}
        self._trees: dict[str, Tree] = {}

    async def run(self) -> None:
        root = self._paths.ipc()
        root.make().__exit__()
        waiting: set[str] = set()
        with closing(Watch(self._watched, root, "requests")) as watch:
            while True:
                folders = await watch.changed(1.0) | waiting
                self._store.still_there()
                waiting = {folder for folder in sorted(folders) if await self._look(folder)}

    def _watched(self) -> dict[str, Tree]:
        if self._folders is not self._store.folders:
            self._folders = self._store.folders
            self._trees = {folder: self._paths.ipc(folder) for folder in self._folders}
        return self._trees

    async def _look(self, folder: str) -> bool:
        group = self._store.folders.get(folder)
        return group is not None and await self.serve(group)

    async def serve(self, group: Group) -> bool:
        """Serve what a group has asked, as far as its rate allows; True if some has to wait."""
        try:
            with ExitStack() as opened:
                base = opened.enter_context(self._paths.ipc(group.folder).open())
                requests, waits = opened.enter_context(base.make(ROOMS[0])), False
                if names := requests.names(self._limits.crowd + 1):
                    others = (opened.enter_context(base.make(room)) for room in ROOMS[1:])
                    waits = await self._serve(group, Rooms(requests, *others), names)
        except FileNotFoundError:
            return False  # a group that has not been used yet
        except (OSError, sqlite3.Error) as error:
            why = reason(error) if isinstance(error, OSError) else described(error)
            if self._seldom.count(f"broken {group.folder} {why}"):
                log.warning("requests cannot be served", group=group.folder, error=why)
            return isinstance(error, sqlite3.Error)
        return waits

    async def _serve(self, group: Group, rooms: Rooms, names: list[str]) -> bool:
        if crowded := len(names) > self._limits.crowd:
            await asyncio.to_thread(self._thin_out, rooms, group)
        for name in sorted(name for name in names if not name.endswith(".tmp")):
            if not self._requests.take(group.folder):
                return True
            if NAME.fullmatch(name) is None:
                self._refuse(rooms, group, name, "it has no name of a request: <id>.json")
            else:
                with suppress(FileNotFoundError):  # the agent took it back
                    await self._serve_one(rooms, group, name)
        return crowded

    async def _serve_one(self, rooms: Rooms, group: Group, name: str) -> None:
        id_ = name.removesuffix(".json")
        if seen := await self._store.read(SEEN, (group.folder, id_)):
            reply = seen[0][0]  # its effect was committed, then somebody died
        else:
            try:
                reply = await self._effect(group, id_, *self._read(rooms.requests, name, id_))
            except Exception as error:  # whatever an agent makes fail: the others are served
                waits = isinstance(error, (FileNotFoundError, sqlite3.Error))
                if waits and not isinstance(error, OF_THE_REQUEST):
                    raise
                told = isinstance(error, (ValueError, Refused))
                self._refuse(rooms, group, name, str(error) if told else described(error))
                return
        rooms.replies.put(name, reply.encode())
        rooms.requests.remove(name)

    async def _effect(self, group: Group, id_: str, tool: str, arguments: dict[str, Any]) -> str:
        """Carry a request out and commit it with its identifier; the reply."""
        why, asked = None, len(json.dumps(arguments))
        refusal = json.dumps({"ok": False, "result": None, "error": TOO_MUCH})
        if not self._stored.take(group.folder, asked):  # before it costs any work
            return refusal
        try:
            effect = await call(self._host, group, tool, arguments)
        except BotError as error:
            effect, why = Effect(), repr(error)
        text = json.dumps({"ok": why is None, "result": effect.result, "error": why})
        stored = [(DONE, (group.folder, id_, text, stamp(datetime.now(UTC)))), *effect.statements]
        size = sum(len(str(values).encode()) for _, values in stored)
        if not self._stored.take(group.folder, max(size - asked, 0)):
            return refusal
        await self._store.write(*stored)
        if effect.afterwards:
            await effect.afterwards()
        return text

    def _read(self, room: Folder, name: str, id_: str) -> tuple[str, dict[str, Any]]:
        """Raises ValueError for what is no request, OSError for what is no file."""
        request = parsed(room.read(name, self._limits.size))
        json.dumps(request, ensure_ascii=False).encode()  # half of a surrogate pair is no text
        match request:
            case {"id": str(said), "tool": str(tool), "arguments": dict(arguments)} if said == id_:
                return tool, arguments
        raise ValueError('it is not {"id": the file\'s name, "tool": name, "arguments": {...}}')

    def _refuse(self, rooms: Rooms, group: Group, name: str, why: str) -> None:
        """Set a file aside with the reason, or remove it if too many lie there already."""
        if count := self._seldom.count(f"refused {group.folder}"):
            said = {"file": name[:80], "reason": why[:300], "since_the_last": count}
            log.warning("request refused", group=group.folder, **said)
        with suppress(OSError):
            if len(rooms.refused.names(self._limits.refused)) < self._limits.refused:
                rooms.requests.move(name, rooms.refused)
                rooms.refused.put(f"{name[:200]}.reason", f"{why}\n".encode())
                return
        with suppress(OSError):  # a directory with contents stays; it costs a look
            rooms.requests.remove(name)

    def _thin_out(self, rooms: Rooms, group: Group) -> None:
        """More wait than may: what is beyond the crowd is removed unread."""
        for name in rooms.requests.names(10 * self._limits.crowd)[self._limits.crowd :]:
            with suppress(OSError):
                rooms.requests.remove(name)
        if count := self._seldom.count(f"crowd {group.folder}"):
            log.warning("too many requests", group=group.folder, since_the_last=count)
