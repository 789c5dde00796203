"""The agent program in a container: it answers what it is asked, and asks the host for what
messages want done.
"""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from bot.container_session import BEGIN as RESULT
from bot.groups import MAIN
from bot.paths import Paths
from simulation.world import Answer

if TYPE_CHECKING:
    from simulation.engine import Door, Engine

NAMED = re.compile(r">(?:@Andy )?m(\d+)(?: (\w+))?(?=</message>|\n<att)")
FILE = re.compile(r'<attachment path="([^"]+)"')
TASK = re.compile(r'<task id="(\w+)"')
TOKENS = (60, 40)
DEAD = 137
SETTLED = 3.0
"""Seconds after which a registration is known everywhere."""
JOINS_AFTER = 5.0
"""Seconds in which a message is told to an agent that is at work."""
Write = Callable[[int, bytes], None]


class Program:
    """What runs in a container."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._world = engine, engine.world

    async def run(self, stdin: asyncio.StreamReader, write: Write) -> int:
        line = await stdin.readline()
        if not line:
            return 0
        start: dict[str, Any] = json.loads(line)
        if start["type"] == "close":
            return 0
        folder, door = start["group"], self._engine.doors.get(start["token"])
        if door is None or door.group != folder:
            self._world.problem(f"{folder} has the token of another, or of none")
        else:
            self._granted(folder, door, set(start["mcp"]))
        session = start["session"]
        if session is None and folder in self._world.conversing and not self._isolated(start):
            self._world.problem(f"{folder} has a conversation, and is not given it")
        if session is not None and self._engine.sessions.get(session) != folder:
            self._world.problem(f"{folder} is given the session {session}")
        if session is not None and self._engine.ordinal(session) < self._world.fresh[folder]:
            self._world.problem(f"{folder} is given {session}, which was left")
        kind = self._world.fault("session") if session else ""
        if session is None or kind == "refused":
            session = f"session-{len(self._engine.sessions)}"
            self._engine.sessions[session] = folder
        if kind == "poisoned":
            self._engine.poisoned.add(session)
        said = start
        while True:
            if (code := await self._turn(start, said, session, write)) is not None:
                return code
            line = await stdin.readline()
            if not line or (said := json.loads(line))["type"] == "close":
                return 0

    def _isolated(self, start: dict[str, Any]) -> bool:
        """Whether it is a task's that is done beside the conversation."""
        found = TASK.search(start["prompt"])
        query = "SELECT 1 FROM tasks WHERE id = ? AND isolated"
        return found is not None and bool(self._world.look(query, found[1]))

    def _granted(self, folder: str, door: Door, had: set[str]) -> None:
        """A container has what its group was granted when it was begun."""
        world = self._world
        if set(door.servers) != had:
            world.problem(f"{folder} has {had}, and a door to {door.servers}")
        keys = [key for key, name in world.registered.items() if name == folder]
        if world.groups_at < door.at - SETTLED:
            if not keys:
                world.problem(f"{folder} has a new container, and is registered no more")
                return
            _, servers = world.servers(keys[0])
            if set(servers) != had:
                world.problem(f"{folder} has {had} in a new container, and is granted {servers}")

    async def _turn(
        self, start: dict[str, Any], said: dict[str, Any], session: str, write: Write
    ) -> int | None:
        world, folder = self._world, start["group"]
        heard = start["token"] in self._engine.doors  # one that was lost reads on, for nobody
        if heard and self._engine.ordinal(session) < world.fresh[folder]:
            world.problem(f"{folder} is asked in {session}, which was left")
        found = [(int(number), does) for number, does in NAMED.findall(said["prompt"])]
        for number, _ in found:
            one = world.posted[number]
            if folder != MAIN and world.folders.get(folder) != one.chat:
                world.problem(f"{folder} is told what was written in {one.chat}")
        self._files(folder, said["prompt"], found)
        begun = world.time
        kind = world.fault("api")
        seconds = world.delay("api", 20.0)
        if any(does == "slow" for _, does in found):
            seconds += 300.0
        await asyncio.sleep({"silence": 7200.0, "slow": 400.0}.get(kind, seconds))
        status = "529" if world.down("api") else kind if kind.isdigit() else ""
        poisoned = session in self._engine.poisoned
        if any(does == "poison" for _, does in found) or poisoned:
            status = status or "400"
        if kind == "dies":
            return DEAD
        if kind == "crash":
            world.crash()
        if kind in {"half a line", "garbage"}:
            write(
                1, b"\n" + RESULT + (b'\n{"type": "res' if kind == "half a line" else b"\n\xff\n")
            )
            return DEAD
        if status:
            if status == "400" and not poisoned:
                for number, _ in found:
                    world.posted[number].refused = True
            self._put(write, said, "error", f"API Error: {status} no")
            return None
        self._joined(folder, found, begun)
        await self._pay(folder)
        number = len(world.answers) + 1
        task, due = self._task(folder, said["prompt"])
        world.answers[number] = Answer(number, folder, tuple(n for n, _ in found), task, due)
        for about, does in found:
            await self._do(folder, does, about, number)
        names = " ".join(f"m{one}" for one, _ in found) or f"task {task}"
        split = any(does == "split" for _, does in found)
        text = f"re {names} #{number}." + (f"|and more #{number}." if split else "")
        self._put(write, said, "result", text, session)
        return None

    def _files(self, folder: str, prompt: str, found: list[tuple[int, str]]) -> None:
        """What came with messages is there, and is what came with these."""
        if "it is not there yet" in prompt:
            self._world.problem(f"{folder} is asked before the files are there")
        texts = {f"file of m{number}" for number, does in found if does == "file"}
        for path in FILE.findall(prompt):
            there = Paths(self._world.folder).group(folder).source / path
            if not there.exists() or there.read_text() not in texts:
                self._world.problem(f"{folder} is told of {path}, which is not its file")

    def _joined(self, folder: str, found: list[tuple[int, str]], begun: float) -> None:
        """What was brought while this was under way has been told."""
        world = self._world
        chats = {world.posted[number].chat for number, _ in found}
        limit = world.plan.budget
        for one in world.posted.values():
            if (
                one.chat in chats
                and one.asks
                and not (one.offered or one.unknown or one.removed)
                and one.post.does != "file"
                and begun < one.taken < world.time - JOINS_AFTER
                and world.undisturbed(begun - JOINS_AFTER, world.time)
                and not limit
                and not any(other.refused for other in world.posted.values())
            ):
                world.problem(f"message {one.post.number} of {folder} waits beside its turn")

    async def _pay(self, folder: str) -> None:
        used, day = self._engine.used, self._today()
        assert used is not None
        try:
            await used(folder, *TOKENS)
        except sqlite3.Error:
            return
        if day == self._today():
            self._world.used[folder, day] += sum(TOKENS)

    def _today(self) -> str:
        return datetime.fromtimestamp(self._world.wall(), UTC).date().isoformat()

    def _task(self, folder: str, prompt: str) -> tuple[str, str]:
        """The task that a prompt is of, and the time at which it was due."""
        if (found := TASK.search(prompt)) is None:
            return "", ""
        rows = self._world.look("SELECT folder, last_due FROM tasks WHERE id = ?", found[1])
        if not rows or rows[0][0] != folder:
            self._world.problem(f"{folder} is asked to do a task of others")
            return found[1], ""
        return found[1], rows[0][1]

    async def _do(self, folder: str, does: str, about: int, number: int) -> None:
        """What a message wants done beside its answer."""
        id_ = f"{number:06}-{about}"
        now = datetime.fromtimestamp(self._world.wall(), UTC)
        if does == "say":
            text = f"said for m{about} #{number}."
            self._world.said[text] = self._world.posted[about].chat
            await self._request(folder, id_, "send_message", {"text": text})
        elif does in {"once", "every", "isolated"}:
            kind, value = "interval", "60"
            if does != "every":
                kind, value = "once", (now + timedelta(seconds=30 + about)).isoformat()
            await self._request(
                folder,
                id_,
                "schedule_task",
                {
                    "prompt": f"task of m{about}",
                    "kind": kind,
                    "value": value,
                    "isolated": does == "isolated",
                },
            )
        elif does == "send":
            await self._send(folder, id_, about, number)
        elif does == "cancel":
            query = "SELECT id FROM tasks WHERE folder = ? AND status = 'active' ORDER BY rowid"
            for (id_,) in self._world.look(query, folder)[:1]:
                await self._request(folder, id_, "cancel_task", {"task_id": id_})

    async def _send(self, folder: str, id_: str, about: int, number: int) -> None:
        """A file that the agent has made."""
        text = f"made for m{about} #{number}."
        self._world.sent[text] = self._world.posted[about].chat
        place = Paths(self._world.folder).group(folder).source / f"made-{number}-{about}.txt"
        place.write_text(text)
        arguments = {"path": f"/workspace/group/{place.name}", "text": f"see m{about}: "}
        await self._request(folder, id_, "send_file", arguments)

    async def _request(self, folder: str, id_: str, tool: str, arguments: dict[str, Any]) -> None:
        world, name = self._world, f"{id_}-{tool.replace('_', '-')}"
        base = Paths(world.folder).ipc(folder).source
        draft = base / "requests" / f".{name}.tmp"
        draft.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(json.dumps({"id": name, "tool": tool, "arguments": arguments}))
        draft.rename(draft.with_name(f"{name}.json"))
        world.note(f"{folder} requests {tool} {name}")
        self._engine.requested(folder)
        reply = base / "replies" / f"{name}.json"
        for _ in range(20):
            await asyncio.sleep(1.0)
            if reply.exists():
                ok = json.loads(reply.read_text())["ok"]
                world.note(f"{folder} is answered {ok}")
                world.replies[name] = ok
                reply.unlink()
                return

    def _put(
        self, write: Write, said: dict[str, Any], kind: str, text: str, session: str = ""
    ) -> None:
        body = {"type": kind, "turn": said["turn"], "text": text, "session": session or None}
        write(1, b"\n" + RESULT + b"\n" + json.dumps(body).encode() + b"\n---END---\n")
