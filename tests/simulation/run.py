"""One run: the bot's lives, one after the other, until all is quiet; then it is judged."""

from __future__ import annotations

import asyncio
import logging
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import bot.confined
import bot.ipc
import bot.proxy
import bot.run
import bot.store
import bot.turns
from bot.bounds import Allowance, Seldom
from bot.errors import BotError
from bot.groups import Group
from bot.housekeeping import Housekeeping
from bot.ipc import Ipc
from bot.scheduler import Scheduler
from bot.settings import Secret, Settings
from bot.store import open_store
from simulation.disk import Database
from simulation.engine import Agent, Engine, Proxy, Runtime
from simulation.files import Files
from simulation.judging import judge, quiet, tasks_end
from simulation.loop import Crash, Loop, Stuck
from simulation.messenger import TRIGGER, Messenger, SimulatedChannel
from simulation.nature import replaced, replacements
from simulation.plan import Plan, TimeFault
from simulation.world import World

NAMES = ("tele", "whats")
CALM_AFTER = 30.0
PATIENCE = 40 * 3600.0
MOST_LIVES = 60
SHM = Path("/dev/shm")
_templates: dict[int, bytes] = {}


@dataclass(frozen=True)
class Outcome:
    """What was wrong; what was injected, by kind; what happened, line by line."""

    problems: tuple[str, ...]
    injected: Mapping[str, int]
    trace: tuple[str, ...]
    steps: int
    lives: int


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

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *_: object) -> None:
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


class Simulation:
    """A plan that is carried out."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self.world = world = World(plan, folder)
        self.engine = Engine(world)
        self.messengers = [Messenger(world, name) for name in NAMES]
        self.events: list[tuple[float, int, Any]] = [
            (one.at, number, one)
            for number, one in enumerate((*plan.posts, *plan.faults))
            if not hasattr(one, "port")
        ]
        self.events.sort(key=lambda event: event[:2])
        self.final = False
        self.chance = Random(f"lives {plan.seed}")
        self.settings = Settings(
            graftbot_data=folder,
            console=False,
            timezone="UTC",
            anthropic_api_key=Secret("sk-simulated"),
            max_containers=plan.slots,
            idle_seconds=240.0,
            turn_seconds=900.0,
            daily_tokens=plan.budget,
        )

    def run(self) -> Outcome:
        world = self.world
        _template(world.plan.chats, world.folder)
        while not self.final and not world.problems:
            world.life += 1
            if world.life > MOST_LIVES:
                world.problem("it is begun again and again")
                break
            self._live()
            world.now += self.chance.choice((0.5, 5.0, 100.0))
        if not world.problems:
            judge(world, self.engine)
        return Outcome(
            tuple(world.problems), dict(world.injected), tuple(world.trace), world.step, world.life
        )

    def _live(self) -> None:
        world = self.world
        loop = Loop(world.now, world.before_step, lambda: world.delay("thread", 0.02, often=0.2))
        loop.set_exception_handler(self._unhandled)
        world.loop, database = loop, Database(world, loop)
        world.note(f"life {world.life}")
        with replaced(
            replacements(world.wall, loop.time, world.chance), self._doubles(loop, database)
        ):
            try:
                asyncio.events.set_event_loop(loop)
                if world.fault("open"):
                    world.crash_within(self.chance.randint(1, 600))
                loop.run_until_complete(self._main(loop, database))
            except Crash:
                world.note("crash")
                world.doubt()
                self.final = False
            except Stuck as error:
                world.problem(str(error))
            finally:
                world.now = loop.time()
                world.loop = None
                for messenger in self.messengers:
                    messenger.news = None
                self.engine.requested = lambda folder: None
                if database.made is not None:
                    database.made.kill()
                loop.kill()
                asyncio.events.set_event_loop(None)

    def _doubles(self, loop: Loop, database: Database) -> list[tuple[Any, str, Any]]:
        engine = self.engine
        self.agent = agent = Agent(self.settings, engine)
        channels = [SimulatedChannel(one) for one in self.messengers]
        Watch.engine = Proxy.engine = engine
        steady = [
            (
                cls.__init__,
                "__defaults__",
                tuple(
                    loop.time if one is time.monotonic else one
                    for one in cls.__init__.__defaults__ or ()
                ),
            )
            for cls in (Allowance, Seldom)
        ]
        return [
            *steady,
            (bot.store, "aiosqlite", database),
            (bot.store, "locked_by", _unlocked),
            (bot.run, "parts", lambda settings: (channels, agent)),
            (bot.run, "SERVICES", (Ipc, Scheduler, Housekeeping)),
            (bot.run, "word_left", lambda *_: nullcontext()),  # of the fork, which is not here
            (bot.ipc, "Watch", Watch),
            (bot.confined, "os", Files(self.world)),
            (bot.turns.Turns, "stop", self._stopping(bot.turns.Turns.stop)),
            (bot.proxy, "Proxy", Proxy),
        ]

    def _stopping(self, stop: Callable[..., bool]) -> Callable[..., bool]:
        """A turn that somebody ended needs no answer."""

        def stopped(turns: Any, chat: str) -> bool:
            running = turns._running.get(chat)
            if not stop(turns, chat):
                return False
            for one in running.turn.asked:
                self.world.posted[int(one.id)].tried = True
            for posted in self.world.posted.values():
                posted.stopped |= posted.chat == chat and posted.tried
            return True

        return stopped

    async def _main(self, loop: Loop, database: Database) -> None:
        world, stop = self.world, asyncio.Event()
        with replaced({}, [(bot.run, "_signalled", lambda: stop)]):
            running = asyncio.ensure_future(bot.run._run(self.settings))

            def end(kind: str) -> None:
                world.note(f"stop ({kind})")
                stop.set()
                if kind == "hurry":
                    world.doubt()
                    loop.call_later(1.0, running.cancel)

            world.on_end = end
            world.look = lambda sql, *values: _look(database, sql, values)
            directing = asyncio.ensure_future(self._direct(loop, database, stop))
            done, _ = await asyncio.wait({running, directing}, return_when=asyncio.FIRST_COMPLETED)
            if directing in done:
                directing.result()
            try:
                with suppress(asyncio.CancelledError):
                    await running
            except (BotError, sqlite3.Error) as error:  # who runs services begins it again
                if world.calm:
                    world.problem(f"it gives up: {error!r}")
                world.note(f"gives up: {type(error).__name__}")
                world.doubt()
            directing.cancel()
            await asyncio.gather(directing, return_exceptions=True)
        for _ in range(5):
            await asyncio.sleep(0)
        me = asyncio.current_task()
        if self.final and (left := [one for one in loop.tasks.values() if one is not me]):
            world.problem(f"{len(left)} tasks are left: {left[0].get_coro()}")

    async def _direct(self, loop: Loop, database: Database, stop: asyncio.Event) -> None:
        """People and faults, at their times; then calm, until all is quiet."""
        world = self.world
        while self.events:
            at, _, event = self.events[0]
            if at > loop.time():
                await asyncio.sleep(at - loop.time())
            self.events.pop(0)
            if isinstance(event, TimeFault):
                self._begin(event)
            else:
                self.messengers[event.chat % 2].post(event)
        if not world.calm:
            await asyncio.sleep(CALM_AFTER)
            world.calm = True
            world.note("calm")
        begun = loop.time()
        while why := quiet(world, self.messengers, database, self.agent):
            if loop.time() - begun > PATIENCE:
                world.problem(f"it does not come to rest: {why}")
                break
            if loop.time() - begun > 600.0:
                tasks_end(world, database)
            await asyncio.sleep(5.0 if loop.time() - begun < 120.0 else 60.0)
        self.final = True
        world.note("stop")
        stop.set()

    def _begin(self, fault: TimeFault) -> None:
        world = self.world
        world.begin(fault)
        runtime = self.agent._runtime
        assert isinstance(runtime, Runtime)
        if fault.kind in {"engine down", "containers gone"}:
            runtime.lose(dead=fault.kind == "containers gone")
        elif fault.kind == "restart":
            world.on_end("restart")
        elif fault.kind in {"crash", "two crashes"}:
            world.crash()
            if fault.kind == "two crashes":
                world.crash_within(self.chance.randint(2, 600))

    def _unhandled(self, loop: object, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, sqlite3.Error):  # of a write that nobody waits for any more
            self.world.note(f"unheard: {error}")
            return
        self.world.problem(f"nobody hears of: {context['message']}: {error!r}")


def _look(database: Database, sql: str, values: tuple[Any, ...]) -> list[Any]:
    assert database.made is not None
    assert database.made.line.raw is not None
    return database.made.line.raw.execute(sql, values).fetchall()


@contextmanager
def _unlocked(folder: Path) -> Iterator[None]:
    """The lock is the system's, which gives it back when a process dies."""
    folder.mkdir(parents=True, exist_ok=True)
    yield


def _template(chats: int, folder: Path) -> None:
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


def simulate(plan: Plan) -> Outcome:
    """Carry a plan out, in a folder of its own."""
    logging.disable(logging.CRITICAL)
    folder = Path(tempfile.mkdtemp(prefix="simulation-", dir=SHM if SHM.is_dir() else None))
    try:
        return Simulation(plan, folder).run()
    finally:
        shutil.rmtree(folder)
        logging.disable(logging.NOTSET)
