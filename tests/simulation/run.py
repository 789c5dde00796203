"""One run: the bot's lives, one after the other, until all is quiet; then it is judged."""

from __future__ import annotations

import asyncio
import heapq
import logging
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Coroutine, Mapping
from contextlib import closing, nullcontext, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import bot.assistant
import bot.attachments
import bot.budget
import bot.confined
import bot.deliveries
import bot.ipc
import bot.log
import bot.mcp
import bot.proxy
import bot.run
import bot.scheduler
import bot.store
import bot.turns
from bot.bounds import Allowance, Seldom
from bot.errors import BotError, OverBudget
from bot.housekeeping import Housekeeping
from bot.ipc import Ipc
from bot.scheduler import Scheduler
from bot.settings import Secret, Settings
from simulation.disk import Database
from simulation.engine import GIVES_UP, Agent, Engine, Proxy, Runtime
from simulation.files import Files
from simulation.judging import judge, quiet, tasks_end
from simulation.loop import Crash, Loop, Stuck
from simulation.messenger import Messenger, SimulatedChannel
from simulation.nature import replaced, replacements
from simulation.owner import MCP, Controls, Desk, alone
from simulation.places import Watch, template, unlocked
from simulation.plan import DAYS, CallFault, Deed, Plan, TimeFault
from simulation.world import World

NAMES = ("tele", "whats")
CALM_AFTER = 30.0
STOPS_IN = 90.0 + GIVES_UP
"""Seconds: the grace for turns and deliveries, and for containers to end, or to have begun."""
PATIENCE = 9 * 24 * 3600.0  # a budget lets one turn through a day, of at most eight
MOST_LIVES = 60
WITHOUT = {
    "move",
    "move unsaid",
    "new token",
    "pair",
    "pair as main",
    "backup",
    "status",
    "refresh",
}
"""Deeds that are not asked of a store."""
LOGGING = (bot.log, bot.assistant, bot.turns, bot.deliveries, bot.scheduler, bot.attachments)
SHM = Path("/dev/shm")


@dataclass(frozen=True)
class Outcome:
    """What was wrong; what was injected, by kind; what happened, line by line."""

    problems: tuple[str, ...]
    injected: Mapping[str, int]
    trace: tuple[str, ...]
    steps: int
    lives: int


class Log:
    """Hears what has failed: mistakes are no faults of the world."""

    def __init__(self, world: World) -> None:
        self._world = world

    def info(self, event: str, **about: Any) -> None:
        """Nothing has failed."""

    def warning(self, event: str, **about: Any) -> None:
        error = about.get("error") if self._world.loop else None  # what is killed says anything
        if isinstance(error, Exception) and not isinstance(
            error, BotError | OSError | sqlite3.Error
        ):
            self._world.problem(f"a mistake, and no fault of the world: {event} {error!r}")

    debug = error = exception = warning


class Simulation:
    """A plan that is carried out."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self.world = world = World(plan, folder)
        self.engine = Engine(world)
        self.messengers = [Messenger(world, name, self._later) for name in NAMES]
        self.desk = Desk(world, self.messengers, self._later)
        self.news = asyncio.Event()
        self.events: list[tuple[float, int, Any]] = []
        self._order = count()
        for one in (*plan.posts, *plan.faults, *plan.deeds):
            if not isinstance(one, CallFault):
                self._later(one.at, one)
        world.sessions = lambda: len(self.engine.sessions)
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

    def _later(self, at: float, event: Any) -> None:
        self.news.set()
        heapq.heappush(self.events, (at, next(self._order), event))

    def run(self) -> Outcome:
        world = self.world
        template(world.plan.chats, world.folder)
        (world.folder / "mcp.toml").write_text(MCP)
        world.look = _reading(world.folder / "bot.db")
        world.read_groups()
        while not self.final and not world.problems:
            world.life += 1
            if world.life > MOST_LIVES:
                world.problem("it is begun again and again")
                break
            self._live(self._main)
            world.now += self.chance.choice((0.5, 5.0, 100.0))
            if not self.final and self.chance.random() < 0.5:
                self._ask_alone()
        if not world.problems:
            judge(world, self.engine, self.desk)
        return Outcome(
            tuple(world.problems), dict(world.injected), tuple(world.trace), world.step, world.life
        )

    def _ask_alone(self) -> None:
        """What the owner asks while the bot does not run."""
        world = self.world
        self.desk.restart()
        due = [event for _, _, event in sorted(self.events)[:1] if isinstance(event, Deed)]
        if not due or due[0].at > world.now or due[0].kind in WITHOUT:
            return
        heapq.heappop(self.events)
        self.desk.prepare(due[0])
        before, world.calm = world.calm, True
        world.look = _reading(world.folder / "bot.db")
        self._live(lambda loop, database: alone(self.desk, due[0], self.settings))
        world.calm = before

    def _live(self, main: Callable[[Loop, Database], Coroutine[Any, Any, None]]) -> None:
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
                loop.run_until_complete(main(loop, database))
            except Crash:
                world.note("crash")
                world.doubt()
                self.final = False
                self.desk.control = None
            except Stuck as error:
                world.problem(str(error))
            finally:
                world.now = loop.time()
                world.loop, world.on_end = None, lambda kind: None
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
        Controls.desk = self.desk
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
            (bot.store, "locked_by", unlocked),
            (bot.run, "parts", lambda settings: (channels, agent)),
            (bot.run, "SERVICES", (Ipc, Scheduler, Controls, Housekeeping)),
            (bot.mcp, "SERVERS", self.world.folder / "mcp.toml"),
            (bot.run, "word_left", lambda *_: nullcontext()),  # of the fork, which is not here
            (bot.ipc, "Watch", Watch),
            (bot.confined, "os", Files(self.world)),
            (bot.turns.Turns, "stop", self._stopping(bot.turns.Turns.stop)),
            (bot.proxy, "Proxy", Proxy),
            (bot.budget.Budget, "check", self._checking(bot.budget.Budget.check)),
            (bot.turns.Turns, "fresh", self._leaving(bot.turns.Turns.fresh)),
            *((module, "log", Log(self.world)) for module in LOGGING),
        ]

    def _aged(self) -> None:
        """What lies there since an earlier life is old."""
        long_ago = self.world.wall() - 7200.0
        for copy in (self.world.folder / "sent").glob("*"):
            os.utime(copy, (long_ago, long_ago))

    def _leaving(self, fresh: Callable[..., Any]) -> Callable[..., Any]:
        """A conversation that was left is not gone on with."""

        async def left(turns: Any, group: Any) -> bool:
            self.world.freshes[group.folder] += 1
            self.world.conversing.discard(group.folder)
            return bool(await fresh(turns, group))

        return left

    def _checking(self, check: Callable[..., Any]) -> Callable[..., Any]:
        """Who is over the budget of the day is told."""

        async def checked(budget: Any, group: Any) -> None:
            try:
                await check(budget, group)
            except OverBudget:
                over = self.world.time, group.folder, self.world.key(group.chat)
                self.world.over_budget.append(over)
                raise

        return checked

    def _stopping(self, stop: Callable[..., bool]) -> Callable[..., bool]:
        """A turn that somebody ended needs no answer."""

        def stopped(turns: Any, chat: str) -> bool:
            running = turns._under_way(chat)
            if not stop(turns, chat):
                return False
            for one in running.turn.asked:
                self.world.posted[int(one.sender_id)].tried = True
            for posted in self.world.posted.values():
                posted.stopped |= posted.chat == self.world.key(chat) and posted.tried
            return True

        return stopped

    async def _main(self, loop: Loop, database: Database) -> None:
        world, stop = self.world, asyncio.Event()
        world.hurried = False
        world.misses.clear()
        self._aged()
        world.stopping_at = float("inf")
        with replaced({}, [(bot.run, "_signalled", lambda: stop)]):
            running = asyncio.ensure_future(bot.run._run(self.settings))

            def end(kind: str) -> None:
                world.note(f"stop ({kind})")
                if not stop.is_set():
                    world.stopping_at = loop.time()
                stop.set()
                if kind == "hurry":
                    world.hurried = True
                    world.doubt()
                    loop.call_later(1.0, running.cancel)

            world.on_end = end
            world.refused.clear()
            world.look = database.look
            directing = asyncio.ensure_future(self._direct(loop, database, stop))
            done, _ = await asyncio.wait({running, directing}, return_when=asyncio.FIRST_COMPLETED)
            if directing in done:
                directing.result()
            ended = False
            try:
                with suppress(asyncio.CancelledError):
                    await running
                    ended = True
                if ended and not stop.is_set():
                    world.problem("it has ended by itself, and does not say why")
                took = loop.time() - world.stopping_at
                calm = world.undisturbed(world.stopping_at + 1, loop.time())
                if took > STOPS_IN and calm:
                    world.problem(f"it took {took:.0f} seconds to stop")
            except (BotError, sqlite3.Error) as error:  # who runs services begins it again
                if world.calm:
                    world.problem(f"it gives up: {error!r}")
                world.note(f"gives up: {type(error).__name__}")
                world.doubt()
            others = (directing, *self.desk.asking)
            for one in others:
                one.cancel()
            await asyncio.gather(*others, return_exceptions=True)
        for _ in range(5):
            await asyncio.sleep(0)
        me = asyncio.current_task()
        if ended and (left := [one for one in loop.tasks.values() if one is not me]):
            world.problem(f"{len(left)} tasks are left: {left[0].get_coro()}")

    async def _direct(self, loop: Loop, database: Database, stop: asyncio.Event) -> None:
        """People and faults, at their times; then calm, until all is quiet."""
        world = self.world
        self.news = asyncio.Event()
        self.desk.restart()
        await self._events(loop)
        if not world.calm:
            long = [one for one in world.plan.faults if isinstance(one, TimeFault)]
            await asyncio.sleep(
                max((one.seconds for one in long if one.seconds > DAYS), default=CALM_AFTER)
            )
            world.calm = True
            world.note("calm")
        begun, ended = loop.time(), False
        while True:
            await self._events(loop)
            why = quiet(world, self.messengers, database, self.agent, self.desk)
            if not (why or self.events):
                if ended:
                    break
                tasks_end(world, database)  # or one could be due in the instant of the end
                ended = True
            if loop.time() - begun > PATIENCE:
                world.problem(f"it does not come to rest: {why}")
                break
            if loop.time() - begun > 600.0:
                tasks_end(world, database)
            if world.refused and loop.time() - begun > 60.0:
                world.on_end("restart")  # the owner has mended it
            await asyncio.sleep(5.0 if loop.time() - begun < 120.0 else 60.0)
        self.final = True
        world.note("stop")
        world.stopping_at = loop.time()
        stop.set()

    async def _events(self, loop: Loop) -> None:
        while self.events:
            at, _, event = self.events[0]
            if at > loop.time():
                self.news.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout_at(at):
                        await self.news.wait()
                continue
            heapq.heappop(self.events)
            if isinstance(event, TimeFault):
                self._begin(event)
            elif isinstance(event, Deed):
                self.desk.begin(event)
            else:
                self.messengers[event.chat % 2].post(event)

    def _begin(self, fault: TimeFault) -> None:
        world = self.world
        world.begin(fault)
        runtime = self.agent._runtime
        assert isinstance(runtime, Runtime)
        if fault.kind in {"engine down", "containers gone"}:
            runtime.lose(dead=fault.kind == "containers gone")
        elif fault.kind in {"restart", "hurry"}:
            world.on_end(fault.kind)
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


def _reading(path: Path) -> Callable[..., list[Any]]:
    """Looks into the store while the bot does not run."""

    def look(sql: str, *values: Any) -> list[Any]:
        with closing(sqlite3.connect(path)) as db:
            return db.execute(sql, values).fetchall()

    return look


def simulate(plan: Plan) -> Outcome:
    """Carry a plan out, in a folder of its own."""
    logging.disable(logging.CRITICAL)
    folder = Path(tempfile.mkdtemp(prefix="simulation-", dir=SHM if SHM.is_dir() else None))
    try:
        return Simulation(plan, folder).run()
    finally:
        shutil.rmtree(folder)
        logging.disable(logging.NOTSET)
