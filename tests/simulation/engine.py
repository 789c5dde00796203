"""The engine with its containers, the proxy, and the agent as the world looks at it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from doubles import MemoryContainer, MemoryRuntime

from bot.agents.container import ContainerAgent
from bot.errors import BotError, NotRegistered, own_fault
from bot.messages import Message, Turn
from bot.runtimes import Spec
from bot.settings import Settings
from simulation.program import SETTLED, Program
from simulation.world import FAILURES, GRACE, World

GIVES_UP = 90.0
"""Seconds after which an engine that hangs is heard of no more: three calls, of 30 seconds each."""


@dataclass
class Engine:
    """Outlasts the bot: `left` are the runs of which it has a container, whatever its state."""

    world: World
    left: set[str] = field(default_factory=set)
    sessions: dict[str, str] = field(default_factory=dict)
    poisoned: set[str] = field(default_factory=set)
    doors: dict[str, Door] = field(default_factory=dict)
    used: Callable[[str, int, int], Any] | None = None
    requested: Callable[[str], None] = lambda folder: None
    was_down: bool = False

    @staticmethod
    def ordinal(session: str) -> int:
        return int(session.removeprefix("session-"))

    def check(self) -> None:
        if self.world.down("engine"):
            self.was_down = True
            raise BotError("the engine is down")


class Container(MemoryContainer):
    engine: Engine
    input_ended = False

    async def end(self) -> str:
        self.input_ended = True  # which no engine is needed for
        self.engine.check()
        return await super().end()


class Runtime(MemoryRuntime):
    """The bot's side of the engine. `back` is called when it is found to be there again."""

    back: Callable[[], None]

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
        patience = {"slow": 60.0, "hangs": GIVES_UP}
        await asyncio.sleep(patience.get(kind, world.delay("start", 1.0)))
        engine.check()
        engine.left.add(spec.run)
        if kind == "hangs":
            raise BotError("the engine does not answer")  # and does what it was asked
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
        if self._engine.was_down:
            self._engine.was_down = False
            self.back()
        return set(self._engine.left)

    async def remove(self, installation: str, run: str) -> None:
        self._engine.check()
        self._engine.left.discard(run)
        if run in self._containers:
            await self._containers[run].end()

    async def close(self) -> None:
        """The process ends: whose input has ended ends with it."""
        for container in self._containers.values():
            if isinstance(container, Container) and container.input_ended:
                container.program.cancel()

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
    servers: tuple[str, ...] = ()
    at: float = 0.0
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

    def admit(self, group: str, servers: Mapping[str, object]) -> Door:
        self._count += 1
        token = f"{self.engine.world.life}-{self._count}"
        now, named = self.engine.world.time, tuple(servers)
        door = Door(self.engine, group, token, self._folder / token, named, now)
        self.engine.doors[token] = door
        return door

    async def close(self) -> None:
        """Nothing is held."""


class Agent(ContainerAgent):
    """The bot's own, which the world looks at as it is asked."""

    def __init__(self, settings: Settings, engine: Engine) -> None:
        super().__init__(settings, runtime := Runtime(engine))
        runtime.back = lambda: engine.world.again(self._put_off())
        engine.was_down = False
        self._world = engine.world
        self._failures: Counter[str] = Counter()
        self._under_way: Counter[str] = Counter()

    async def answer(self, turn: Turn) -> Sequence[str]:
        world, folder = self._world, turn.group.folder
        world.note(f"{folder} asked: {[one.text for one in turn.asked]} {turn.task or ''}")
        world.asked_at[turn.task or world.key(turn.chat)].append(world.time)
        if world.time > world.stopping_at + GRACE + 0.5:
            world.problem(f"{folder} is asked when all should be at its end")
        limit, day = self._settings.daily_tokens, self._store.today()
        if limit and world.used[folder, day] >= limit:
            world.problem(f"{folder} is asked beyond its budget")
        self._allowed(turn)
        for one in turn.messages:
            if turn.task is None:
                self._seen(turn, one)
        about, freshes = turn.task or f"in {world.key(turn.chat)}", world.freshes[folder]
        self._under_way[about] += 1
        try:
            replies = await super().answer(turn)
        except asyncio.CancelledError:
            self._failures.pop(about, None)  # who has ended a turn waits for nothing
            if world.cut_short and not world.stopped(turn.chat):
                world.problem(f"{folder} is cut off, and had time")
            raise
        except (TypeError, AttributeError, LookupError, NameError) as error:
            world.problem(f"a mistake, and no fault of the world: {error!r}")
            raise
        except Exception as error:
            self._failed(turn, about, error)
            raise
        finally:
            self._under_way[about] -= 1
        if self._failures.pop(about, 0) >= FAILURES and not turn.task:
            world.again(self._put_off())
        if not turn.isolated and world.freshes[folder] == freshes:
            world.conversing.add(folder)
        return replies

    def _put_off(self) -> list[str]:
        """Chats and tasks that have failed so often that they are left alone for a while."""
        open_ = "SELECT 1 FROM tasks WHERE id = ? AND claimed_at IS NOT NULL AND status = 'active'"
        failed = [one for one, times in self._failures.items() if times >= FAILURES]
        waiting = [one for one in failed if not self._under_way[one]]
        tasks = [one for one in waiting if self._world.look(open_, one)]
        return [*tasks, *(one[3:] for one in waiting if one.startswith("in "))]

    def _allowed(self, turn: Turn) -> None:
        """Of what the store has, nothing is out of date here."""
        world, folder = self._world, turn.group.folder
        world.of(folder, turn.chat)
        settled = world.time - world.groups_at > SETTLED
        if world.registered.get(world.key(turn.chat)) != folder and settled:
            world.problem(f"{folder} is asked, and is registered no more")
        known, servers = world.servers(world.key(turn.chat))
        had = tuple(turn.group.options.get("mcp", ()))
        if known and settled and servers != had:
            world.problem(f"{folder} has {had} where {servers} are granted")

    def _failed(self, turn: Turn, about: str, error: Exception) -> None:
        """After so many failures the owner knows."""
        if own_fault(error):
            self._failures.pop(about, None)
        if isinstance(error, sqlite3.Error | NotRegistered) or own_fault(error):
            return
        self._failures[about] += 1
        if self._failures[about] == FAILURES and turn.task:
            self._world.due(f"The task {turn.task} of", "")
        elif self._failures[about] == FAILURES:
            self._world.due("I could not answer in", f"{turn.group.name} (")

    async def follow_up(self, turn: Turn) -> bool:
        day = self._store.today()
        taken = await super().follow_up(turn)
        limit = self._settings.daily_tokens
        if taken and limit and self._world.used[turn.group.folder, day] >= limit:
            self._world.problem(f"{turn.group.folder} is told more beyond its budget")
        for one in turn.messages:
            self._seen(turn, one, told=taken)
        self._world.note(f"{turn.group.folder} told: {[one.text for one in turn.asked]} {taken}")
        return taken

    def _seen(self, turn: Turn, one: Message, *, told: bool = True) -> None:
        posted = self._world.posted[int(one.sender_id)]
        posted.tried |= told
        posted.offered = True
        if posted.chat != self._world.key(turn.chat):
            self._world.problem(f"{turn.group.folder} is asked what was written in {posted.chat}")
