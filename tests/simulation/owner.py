"""The owner: what is asked on the command line while the bot runs, and while it does not."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.errors import BotError
from bot.owner import Control, ask
from bot.settings import Settings
from simulation.messenger import TRIGGER, Messenger
from simulation.plan import Deed
from simulation.world import World

SERVERS = ("notes", "sums")
MCP = """
[notes]
url = "https://notes.example.org/mcp"
headers = { Authorization = "Bearer simulated" }
[sums]
command = ["python3", "sums.py"]
"""
AGAIN_AFTER = 7.0
TRIES = 40


class Controls(Control):
    """The bot's side of its socket, which is there while the service runs."""

    desk: Desk

    async def run(self) -> None:
        self.desk.control = self
        try:
            await asyncio.Event().wait()
        finally:
            self.desk.control = None


class Writer:
    """What one who asks is written. `gone`: nobody reads it any more."""

    def __init__(self, *, gone: bool) -> None:
        self.data, self._gone = b"", gone

    def write(self, data: bytes) -> None:
        self.data += b"" if self._gone else data

    async def drain(self) -> None:
        if self._gone:
            raise BrokenPipeError("nobody reads it any more")

    def close(self) -> None:
        """Nothing is held."""


class Desk:
    """Outlasts the bot. What was not answered is asked again, as people do; `done` are answers by
    the number of the deed, and `spans` the times between which each was carried out.
    """

    def __init__(self, world: World, messengers: list[Messenger], again: Callable[..., None]):
        self.world, self._messengers, self._again = world, messengers, again
        self.control: Controls | None = None
        self.done: dict[int, tuple[Deed, dict[str, Any]]] = {}
        self.spans: dict[int, tuple[float, float]] = {}
        self.asked: dict[int, int] = {}
        self.waiting: dict[int, Deed] = {}
        self.asking: list[asyncio.Future[None]] = []
        self._renamed: dict[int, tuple[str, str]] = {}

    def begin(self, deed: Deed) -> None:
        """What messengers do is done at once; what the owner asks, by a task."""
        world = self.world
        if self.asked.get(deed.number, 0) == 0:
            world.note(f"deed {deed.kind} {deed.chat}")
            world.injected[f"deed {deed.kind}"] += 1
        messenger = self._messengers[deed.chat % 2]
        if deed.kind in {"move", "move unsaid"}:
            messenger.rename(deed.chat, said=deed.kind == "move")
        elif deed.kind == "new token":
            self._messengers[0].new_token()
        elif deed.kind == "backup":
            self._backup()
        elif deed.kind == "status":
            with closing(sqlite3.connect(world.folder / "bot.db")) as db:
                db.execute("SELECT count(*) FROM inbox, groups").fetchall()
        elif not deed.kind.startswith("pair"):
            self.prepare(deed)
            self.waiting[deed.number] = deed
            self.asking.append(asyncio.ensure_future(self._ask(deed)))

    def prepare(self, deed: Deed) -> None:
        """People have gone to another chat, of which the messenger says nothing."""
        if deed.kind == "instead of" and deed.number not in self.asked:
            old = self.world.chat(deed.chat)
            self._messengers[deed.chat % 2].rename(deed.chat, follows=False)
            self._renamed[deed.number] = old, self.world.chat(deed.chat)

    def restart(self) -> None:
        """Another life of the bot: what was not answered is asked again."""
        for deed in self.waiting.values():
            self._again(self.world.now + AGAIN_AFTER, deed)
        self.waiting.clear()
        self.asking.clear()

    def _backup(self) -> None:
        """A copy of the store as it is now reads clean."""
        with (
            closing(sqlite3.connect(self.world.folder / "bot.db")) as live,
            closing(sqlite3.connect(":memory:")) as copy,
        ):
            live.backup(copy)
            if (said := copy.execute("PRAGMA integrity_check").fetchall()) != [("ok",)]:
                self.world.problem(f"a backup is broken: {said}")
            for chat, handled in copy.execute("SELECT chat, handled FROM chats").fetchall():
                asked = copy.execute(
                    "SELECT max(seq) FROM inbox WHERE chat = ?", (chat,)
                ).fetchone()[0]
                if handled > (asked or 0):
                    self.world.problem(f"a backup has {chat} handled beyond what was written")

    async def _ask(self, deed: Deed) -> None:
        world = self.world
        tries = self.tried(deed)
        await asyncio.sleep(world.delay("owner", 0.5))
        kind = world.fault("owner")
        control, said = self.control, b""
        if kind == "crash before":
            world.crash()
            await asyncio.sleep(0)
        tool, arguments = self.request(deed) if control else ("", {})
        if control is not None and tool:
            reader, writer = asyncio.StreamReader(), Writer(gone=kind == "hangs up")
            asked = json.dumps({"tool": tool, "arguments": arguments})
            reader.feed_data(asked.encode() + b"\n")
            with suppress(TimeoutError):
                async with asyncio.timeout(60.0):
                    await control._serve(reader, writer)  # type: ignore[arg-type]
            said = writer.data
        if kind == "crash after":
            world.crash()
            await asyncio.sleep(0)
        if said or (control and not tool):
            self.answered(deed, json.loads(said or b"{}"))
        elif tries < TRIES:
            self._again(world.time + AGAIN_AFTER, deed)
        else:
            world.problem(f"nobody answers the owner: {deed}")
        self.waiting.pop(deed.number, None)

    def tried(self, deed: Deed) -> int:
        """How many times it has been asked for, with this one."""
        self.asked[deed.number] = self.asked.get(deed.number, 0) + 1
        self.spans[deed.number] = self.world.time, self.world.time
        return self.asked[deed.number]

    def answered(self, deed: Deed, said: dict[str, Any]) -> None:
        self.world.note(f"the owner is answered {deed.kind}: {said}")
        trouble = "(database" in str(said.get("error")) or "(disk I/O" in str(said.get("error"))
        if trouble and self.asked[deed.number] < TRIES:
            self._again(self.world.time + AGAIN_AFTER, deed)
            return
        self.done[deed.number] = deed, said
        if deed.kind == "instead of" and not said.get("ok"):
            self.world.abandoned.add(self._renamed[deed.number][0])
        self.spans[deed.number] = self.spans[deed.number][0], self.world.time

    def request(self, deed: Deed) -> tuple[str, dict[str, Any]]:
        """The tool and its arguments; nothing if there is nothing to ask for."""
        world = self.world
        known = dict(world.look("SELECT chat, folder FROM groups"))
        names = world.names.get(deed.chat) or [world.chat(deed.chat)]
        chat = next((name for name in names if name in known), names[-1])  # as it is listed
        folder = known.get(chat, world.group(deed.chat))
        trigger = TRIGGER if deed.chat else ""
        about = {"chat": chat, "folder": folder, "name": world.title(str(deed.chat))}
        now = datetime.fromtimestamp(world.wall(), UTC)
        due = (now + timedelta(seconds=40)).isoformat()
        prompt = f"task of m{deed.number}"
        granted = [SERVERS[deed.number % 2]] if deed.kind == "grant" else []
        match deed.kind:
            case "register":
                return "register_group", {**about, "trigger": trigger}
            case "grant" | "revoke":
                return "register_group", {**about, "trigger": trigger, "options": {"mcp": granted}}
            case "unregister":
                return "register_group", {"chat": chat, "remove": True, "cancel_tasks": True}
            case "instead of":
                old, new = self._renamed[deed.number]
                return "register_group", {"chat": new, "instead_of": old}
            case "schedule":
                values = {"prompt": prompt, "kind": "once", "value": due, "folder": folder}
                return "schedule_task", values
            case "list":
                return "list_tasks", {}
            case "refresh":
                return "refresh_groups", {}
        query = "SELECT id FROM tasks WHERE folder = ? AND status = 'active' ORDER BY rowid"
        found = world.look(query, folder)
        return (f"{deed.kind}_task", {"task_id": found[0][0]}) if found else ("", {})


async def alone(desk: Desk, deed: Deed, settings: Settings) -> None:
    """The bot does not run: the same, on its store."""
    world = desk.world
    world.note(f"deed {deed.kind} {deed.chat}, while the bot does not run")
    world.injected[f"deed {deed.kind}"] += 1
    desk.tried(deed)
    tool, arguments = desk.request(deed)
    said: dict[str, Any] = {}
    try:
        if tool:
            said = {"ok": True, "result": await ask(settings, tool, arguments)}
    except BotError as error:
        said = {"ok": False, "error": repr(error)}
    desk.answered(deed, said)
