"""The engine with its containers, the proxy, and the agent program in a container, which answers
what it is asked and asks the host for what messages want done.
"""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from doubles import MemoryContainer, MemoryRuntime

from bot.agents.container import ContainerAgent
from bot.container_session import BEGIN as RESULT
from bot.errors import BotError
from bot.messages import Message, Turn
from bot.paths import Paths
from bot.runtimes import Spec
from bot.settings import Settings
from simulation.world import Answer, World

NAMED = re.compile(r">(?:@Andy )?m(\d+)(?: (\w+))?(?=</message>|\n<att)")
TASK = re.compile(r'<task id="(\w+)"')
TOKENS = (60, 40)
DEAD = 137
Write = Callable[[int, bytes], None]


@dataclass
class Engine:
    """Outlasts the bot: `left` are the runs of which it has a container, whatever its state."""

    world: World
    left: set[str] = field(default_factory=set)
    sessions: dict[str, str] = field(default_factory=dict)
    doors: dict[str, Door] = field(default_factory=dict)
    used: Callable[[str, int, int], Any] | None = None
    requested: Callable[[str], None] = lambda folder: None

    def check(self) -> None:
        if self.world.down("engine"):
            raise BotError("the engine is down")


class Container(MemoryContainer):
    engine: Engine

    async def end(self) -> str:
        self.engine.check()
        return await super().end()


class Runtime(MemoryRuntime):
    """The bot's side of the engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._world = engine, engine.world
        super().__init__(Program(engine).run)

    async def has(self, image: str) -> bool:
        self._engine.check()
        return True

    async def start(self, spec: Spec) -> MemoryContainer:
        world, engine = self._world, self._engine
        kind = world.fault("start")
        engine.check()
        if kind == "refused":
            raise BotError("the engine starts no container")
        if kind == "crash before":
            world.crash()
        await asyncio.sleep({"slow": 60.0, "hangs": 3000.0}.get(kind, world.delay("start", 1.0)))
        engine.check()
        engine.left.add(spec.run)
        self.started[spec.run] = spec
        container = self._containers[spec.run] = Container()
        container.engine = engine
        program = asyncio.ensure_future(
            self._program(container.stdin, lambda *piece: container.output.put_nowait(piece))
        )
        program.add_done_callback(lambda _: container.output.put_nowait((1, b"")))
        container.program, container.forget = program, lambda: self._forget(spec.run)
        if kind == "crash after":
            world.crash()
            await asyncio.sleep(0)
        return container

    def _forget(self, run: str) -> None:
        self._containers.pop(run, None)
        self._engine.left.discard(run)

    async def runs(self, installation: str) -> set[str]:
        self._engine.check()
        return set(self._engine.left)

    async def remove(self, installation: str, run: str) -> None:
        self._engine.check()
        self._engine.left.discard(run)
        if run in self._containers:
            await self._containers[run].end()

    def lose(self, *, dead: bool) -> None:
        """The bot hears no more of any container; they may be dead, too."""
        for container in [*self._containers.values()]:
            if dead:
                container.program.cancel()
            else:
                container.output.put_nowait((1, b""))


@dataclass(eq=False)
class Door:
    """What a container has of the proxy."""

    engine: Engine
    group: str
    token: str
    folder: Path
    address: str = "unix:/run/graftbot/proxy.sock"

    def close(self) -> None:
        self.engine.doors.pop(self.token, None)


class Proxy:
    """In the place of `bot.proxy.Proxy`."""

    engine: Engine
    credential, networked = "api_key", False

    def __init__(self, settings: Settings, folder: Path, used: Any, limits: Any = None) -> None:
        self._folder, self._used, self._count = folder, used, 0

    async def open(self) -> None:
        self.engine.used = self._used
        self.engine.doors.clear()

    def admit(self, group: str, servers: object = None) -> Door:
        self._count += 1
        token = f"{self.engine.world.life}-{self._count}"
        door = self.engine.doors[token] = Door(self.engine, group, token, self._folder / token)
        return door

    async def close(self) -> None:
        """Nothing is held."""


class Agent(ContainerAgent):
    """The bot's own, which the world looks at as it is asked."""

    def __init__(self, settings: Settings, engine: Engine) -> None:
        super().__init__(settings, Runtime(engine))
        self._world = engine.world

    async def answer(self, turn: Turn) -> Sequence[str]:
        world, folder = self._world, turn.group.folder
        world.note(f"{folder} asked: {[one.text for one in turn.asked]} {turn.task or ''}")
        limit, day = self._settings.daily_tokens, self._store.today()
        if limit and world.used[folder, day] >= limit:
            world.problem(f"{folder} is asked beyond its budget")
        for one in turn.messages:
            if turn.task is None:
                self._seen(turn, one)
        try:
            return await super().answer(turn)
        except (TypeError, AttributeError, LookupError, NameError) as error:
            world.problem(f"a mistake, and no fault of the world: {error!r}")
            raise

    async def follow_up(self, turn: Turn) -> bool:
        for one in turn.messages:
            self._seen(turn, one)
        taken = await super().follow_up(turn)
        self._world.note(f"{turn.group.folder} told: {[one.text for one in turn.asked]} {taken}")
        return taken

    def _seen(self, turn: Turn, one: Message) -> None:
        posted = self._world.posted[int(one.id)]
        posted.tried = True
        if posted.chat != turn.chat:
            self._world.problem(f"{turn.group.folder} is asked what was written in {one.chat}")


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
        session = start["session"]
        if session is not None and self._engine.sessions.get(session) != folder:
            self._world.problem(f"{folder} is given the session {session}")
        if session is None or self._world.fault("session") == "refused":
            session = f"session-{len(self._engine.sessions)}"
            self._engine.sessions[session] = folder
        said = start
        while True:
            if (code := await self._turn(folder, said, session, write)) is not None:
                return code
            line = await stdin.readline()
            if not line or (said := json.loads(line))["type"] == "close":
                return 0

    async def _turn(
        self, folder: str, said: dict[str, Any], session: str, write: Write
    ) -> int | None:
        world = self._world
        found = [(int(number), does) for number, does in NAMED.findall(said["prompt"])]
        for number, _ in found:
            one = world.posted[number]
            if world.group(one.post.chat) != folder:
                world.problem(f"{folder} is told what was written in {one.chat}")
        if "it is not there yet" in said["prompt"]:
            world.problem(f"{folder} is asked before the files are there")
        kind = world.fault("api")
        seconds = world.delay("api", 20.0)
        if any(does == "slow" for _, does in found):
            seconds += 300.0
        await asyncio.sleep({"silence": 7200.0, "slow": 400.0}.get(kind, seconds))
        status = "529" if world.down("api") else kind if kind.isdigit() else ""
        if any(does == "poison" for _, does in found):
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
            if status == "400":
                for number, _ in found:
                    world.posted[number].refused = True
            self._put(write, said, "error", f"API Error: {status} no")
            return None
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
        elif does == "cancel":
            query = "SELECT id FROM tasks WHERE folder = ? AND status = 'active' ORDER BY rowid"
            for (id_,) in self._world.look(query, folder)[:1]:
                await self._request(folder, id_, "cancel_task", {"task_id": id_})

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
                world.note(f"{folder} is answered {json.loads(reply.read_text())['ok']}")
                reply.unlink()
                return

    def _put(
        self, write: Write, said: dict[str, Any], kind: str, text: str, session: str = ""
    ) -> None:
        body = {"type": kind, "turn": said["turn"], "text": text, "session": session or None}
        write(1, b"\n" + RESULT + b"\n" + json.dumps(body).encode() + b"\n---END---\n")
