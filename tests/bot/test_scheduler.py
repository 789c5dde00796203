"""Tasks: that a run is claimed before it starts, and what becomes of it in a crash."""

from __future__ import annotations

import asyncio
import importlib.util
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from doubles import FunctionAgent, MemoryChannel, message, register

from bot import migrations, run
from bot import scheduler as module
from bot import tasks as tasks_module
from bot.assistant import Assistant
from bot.errors import BotError
from bot.groups import Group
from bot.messages import Turn
from bot.paths import Paths
from bot.rows import stamp
from bot.scheduler import Scheduler
from bot.settings import Settings
from bot.store import Store, open_store
from bot.tasks import Tasks
from bot.tools import TOOLS, Host, call
from bot.tools.tasks import TASK_TOOLS
from bot.turns import ATTEMPTS
from bot.workers import Backoff

BERLIN = "Europe/Berlin"
QUICK = Backoff(first=0.001, most=0.002)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not holds():  # noqa: ASYNC110  # what is waited for has no event
            await asyncio.sleep(0.01)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


async def silent(turn: Turn) -> Sequence[str]:
    return []


class Scene:
    """An assistant that runs, and main's tools."""

    def __init__(self, store: Store, agent: FunctionAgent, folder: Path) -> None:
        self.store = store
        self.channel = MemoryChannel(stays=True)
        self.assistant = Assistant(store, [self.channel], agent, QUICK)
        self.host = Host(store, self.assistant, Paths(folder), Settings())
        self.scheduler = Scheduler(self.host)

    async def ask(self, who: Group, tool: str, **arguments: object) -> Any:
        effect = await call(self.host, who, tool, arguments)
        await self.store.write(*effect.statements)
        if effect.afterwards:
            await effect.afterwards()
        return effect.result

    async def call(self, tool: str, **arguments: object) -> dict[str, object]:
        result = await self.ask(self.store.groups[-1], tool, **arguments)
        assert isinstance(result, dict)
        return result

    async def due_now(self, **arguments: object) -> str:
        task = await self.call(
            "schedule_task", prompt="water the plants", kind="interval", value="3600", **arguments
        )
        now = stamp(datetime.now(UTC) - timedelta(hours=5))
        await self.store.write(("UPDATE tasks SET next_run = ? WHERE id = ?", (now, task["id"])))
        self.assistant.news["tasks"].set()
        return str(task["id"])

    async def due_once(self) -> None:
        await self.call("schedule_task", prompt="pill", kind="once", value="2099-01-01T09:00")
        now = stamp(datetime.now(UTC) - timedelta(seconds=1))
        await self.store.write(("UPDATE tasks SET next_run = ?, value = ?", (now, now)))
        self.assistant.news["tasks"].set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """From here to the end of the context."""
        stop = asyncio.Event()
        work = asyncio.create_task(
            self.assistant.run(stop, 0.2, beside=[("tasks", self.scheduler.run)])
        )
        yield
        stop.set()
        await asyncio.wait_for(work, 30)


async def test_a_long_run_is_started_once_and_its_history_is_kept(tmp_path: Path) -> None:
    began: list[Turn] = []
    go_on = asyncio.Event()

    async def slow(turn: Turn) -> Sequence[str]:
        began.append(turn)
        await go_on.wait()
        return ["done"]

    async with open_store(tmp_path) as store:
        await register(store, "memory:owner")
        scene = Scene(store, FunctionAgent(slow), tmp_path)
        async with scene.running():
            id_ = await scene.due_now(timezone=BERLIN, script="exit 0")
            await until(lambda: len(began) == 1)
            for _ in range(20):
                scene.assistant.news["tasks"].set()
                await asyncio.sleep(0.002)
            go_on.set()
            await until(lambda: scene.channel.sent == [("memory:owner", "done")])
            (turn,) = began
            assert (turn.task, turn.script, turn.isolated) == (id_, "exit 0", False)
            assert "water the plants" in turn.prompt
            assert 'timezone="Europe/Berlin"' in turn.prompt
            task = await scene.call("get_task", task_id=id_)
            assert task["status"] == "active"
            assert isinstance(task["runs"], list)
            ((run),) = task["runs"]
            assert (run["result"], run["error"]) == ("done", None)
            assert run["ended_at"] >= run["started_at"]
            assert str(task["next_run"]) > stamp(datetime.now(UTC)), "five missed runs were one"


async def test_an_isolated_task_holds_up_no_message_and_one_of_the_group_waits_its_turn(
    tmp_path: Path,
) -> None:
    at_work: set[str] = set()
    together: set[frozenset[str]] = set()
    go_on = asyncio.Event()

    async def watch(turn: Turn) -> Sequence[str]:
        me = "isolated" if turn.isolated else (turn.task and "task") or "message"
        at_work.add(me)
        together.add(frozenset(at_work))
        if turn.isolated:
            await go_on.wait()
        await asyncio.sleep(0.05)
        at_work.remove(me)
        return [me]

    async with open_store(tmp_path) as store:
        await register(store, "memory:owner")
        scene = Scene(store, FunctionAgent(watch), tmp_path)
        async with scene.running():
            await scene.due_now(isolated=True)
            await scene.due_now()
            await scene.assistant.receive(message("hello", "memory:owner"))
            await until(lambda: len(scene.channel.sent) == 2)
            go_on.set()
            await until(lambda: len(scene.channel.sent) == 3)
    assert {"isolated", "message"} in together
    assert not any({"task", "message"} <= those for those in together)


async def test_a_run_that_a_crash_cut_off_is_begun_again_at_the_next_start(tmp_path: Path) -> None:
    begun = asyncio.Event()

    async def never(turn: Turn) -> Sequence[str]:
        begun.set()
        await asyncio.Event().wait()
        return []

    async def answers(turn: Turn) -> Sequence[str]:
        return ["done"]

    async with open_store(tmp_path) as store:
        await register(store, "memory:owner")
        scene = Scene(store, FunctionAgent(never), tmp_path)
        async with scene.running():
            id_ = await scene.due_now()
            await asyncio.wait_for(begun.wait(), 20)
    async with open_store(tmp_path) as store:
        scene = Scene(store, FunctionAgent(answers), tmp_path)
        async with scene.running():
            await until(lambda: bool(scene.channel.sent))
        assert scene.channel.sent == [("memory:owner", "done")]
        assert await store.read("SELECT error FROM runs WHERE task = ? ORDER BY id", (id_,)) == [
            ("interrupted",),
            (None,),
        ]


async def test_pause_resume_update_and_cancel(tmp_path: Path) -> None:
    async def answers(turn: Turn) -> Sequence[str]:
        return [turn.asked[0].text]

    async with open_store(tmp_path) as store:
        await register(store, "memory:owner")
        scene = Scene(store, FunctionAgent(answers), tmp_path)
        task = await scene.call(
            "schedule_task", prompt="p", kind="cron", value="0 9 * * *", timezone=BERLIN
        )
        id_ = str(task["id"])
        assert (await scene.call("pause_task", task_id=id_))["status"] == "paused"
        assert await Tasks(store).seconds() is None
        changed = await scene.call("update_task", task_id=id_, value="0 21 * * *", prompt="q")
        assert (changed["prompt"], changed["status"], changed["zone"]) == ("q", "paused", BERLIN)
        assert (await scene.call("resume_task", task_id=id_))["status"] == "active"
        assert await Tasks(store).seconds() is not None
        await scene.call("cancel_task", task_id=id_)
        with pytest.raises(BotError, match="there is no task"):
            await scene.call("get_task", task_id=id_)


@pytest.mark.parametrize("steps", range(8))
async def test_it_ends_though_it_is_told_to_in_the_instant_in_which_it_is_woken(
    tmp_path: Path, steps: int
) -> None:
    async with open_store(tmp_path) as store:
        await register(store, "memory:owner")
        scene = Scene(store, FunctionAgent(silent), tmp_path)
        running = asyncio.create_task(scene.scheduler.run())
        await asyncio.sleep(0.05)
        scene.assistant.news["tasks"].set()
        for _ in range(steps):
            await asyncio.sleep(0)
        running.cancel()
        done, _ = await asyncio.wait({running}, timeout=5)
        running.cancel()
        assert done


async def test_a_change_during_a_run_outlives_it(tmp_path: Path) -> None:
    """The end of the run must not put the schedule back that it began with."""
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(turn: Turn) -> Sequence[str]:
        begun.set()
        await go_on.wait()
        return ["done"]

    async with open_store(tmp_path) as store:
        await register(store, "memory:owner")
        scene = Scene(store, FunctionAgent(slow), tmp_path)
        async with scene.running():
            id_ = await scene.due_now()
            await asyncio.wait_for(begun.wait(), 20)
            changed = await scene.call(
                "update_task", task_id=id_, kind="once", value="2099-01-01T00:00"
            )
            go_on.set()
            await until(lambda: bool(scene.channel.sent))
            task = await scene.call("get_task", task_id=id_)
            assert (task["next_run"], task["status"]) == (changed["next_run"], "active")


async def test_a_task_that_fails_is_tried_again_and_then_the_owner_is_told(tmp_path: Path) -> None:
    calls = 0

    async def down(turn: Turn) -> Sequence[str]:
        nonlocal calls
        calls += 1
        raise ConnectionError("529")

    async with open_store(tmp_path) as store:
        await register(store, "memory:owner")
        scene = Scene(store, FunctionAgent(down), tmp_path)
        async with scene.running():
            id_ = await scene.due_now()
            await until(lambda: bool(scene.channel.sent))
        assert calls == ATTEMPTS
        assert id_ in scene.channel.sent[0][1]
        ((error, status),) = await store.read(
            "SELECT error, status FROM runs JOIN tasks ON tasks.id = task"
        )
        assert (error, status) == (None, "active"), "it waits as messages do"


async def test_a_group_acts_on_its_own_tasks_main_on_all_and_nobody_on_a_strangers(
    tmp_path: Path,
) -> None:
    async with open_store(tmp_path) as store:
        await register(store, "memory:owner", "memory:ada", "memory:bob")
        scene = Scene(store, FunctionAgent(silent), tmp_path)
        main, ada, bob = (store.group(f"memory:{name}") for name in ("owner", "ada", "bob"))
        assert main
        assert ada
        assert bob
        plan = {"prompt": "p", "kind": "cron", "value": "0 9 * * *"}
        id_ = (await scene.ask(ada, "schedule_task", **plan))["id"]
        with pytest.raises(BotError, match="may not schedule"):
            await scene.ask(ada, "schedule_task", folder=bob.folder, **plan)
        for tool in ("get_task", "update_task", "pause_task", "resume_task", "cancel_task"):
            with pytest.raises(BotError, match="there is no task"):
                await scene.ask(bob, tool, task_id=id_)
        of_bob = (await scene.ask(main, "schedule_task", folder=bob.folder, **plan))["id"]
        assert [task["id"] for task in await scene.ask(bob, "list_tasks")] == [of_bob]
        assert {task["id"] for task in await scene.ask(main, "list_tasks")} == {id_, of_bob}


async def test_the_tasks_of_a_removed_group_end_and_whoever_gets_its_folder_has_none(
    tmp_path: Path,
) -> None:
    async with open_store(tmp_path) as store:
        await register(store, "memory:owner", "memory:ada")
        scene = Scene(store, FunctionAgent(silent), tmp_path)
        main, ada = store.group("memory:owner"), store.group("memory:ada")
        assert main
        assert ada
        await scene.ask(ada, "schedule_task", prompt="secret", kind="interval", value="60")
        await scene.ask(main, "register_group", chat="memory:ada", name="Ada the second")
        assert await scene.ask(ada, "list_tasks") != [], "another name is no removal"
        with pytest.raises(BotError, match="has 1 tasks, which would be cancelled"):
            await scene.ask(main, "register_group", chat="memory:ada", remove=True)
        asked = {"chat": "memory:ada", "remove": True, "cancel_tasks": True}
        await scene.ask(main, "register_group", **asked)
        await scene.ask(main, "register_group", chat="memory:eve", folder=ada.folder)
        assert await scene.ask(main, "list_tasks") == []
        assert await Tasks(store).seconds() is None


async def test_a_reminder_in_a_topic_of_what_was_main_is_said_in_what_is(tmp_path: Path) -> None:
    """Nobody asked for its end: who makes another chat main keeps what was said in main."""
    async with open_store(tmp_path) as store:
        await store.register(Group("main", "memory:old", "Main", None))
        await store.register(Group("main-topic-7", "memory:old:7", "Topic", None, topic=True))
        scene = Scene(store, FunctionAgent(silent), tmp_path)
        await scene.due_once()
        assert await store.read("SELECT folder FROM tasks") == [("main-topic-7",)]
        await store.register(Group("main", "memory:new", "Main", None))
        async with scene.running():
            await until(lambda: bool(scene.channel.sent))
    ((chat, text),) = scene.channel.sent
    assert chat == "memory:new"
    assert text.startswith("Reminder: pill")
    assert "its chat is registered no more" in text


async def test_a_store_gets_the_tables_at_any_age_and_keeps_them(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "bot.db")) as db:
        db.executescript(migrations.MIGRATIONS[0] + "PRAGMA user_version = 1")
    for _ in range(2):
        async with open_store(tmp_path) as store:
            await register(store, *(["memory:owner"] if not store.groups else []))
            scene = Scene(store, FunctionAgent(silent), tmp_path)
            await scene.call("schedule_task", prompt="p", kind="cron", value="0 9 * * *")
            tasks = await scene.ask(store.groups[0], "list_tasks")
    assert [task["value"] for task in tasks] == ["0 9 * * *"] * 2


def test_it_runs_with_the_bot_and_host_and_container_know_the_same_tools() -> None:
    assert Scheduler in run.SERVICES
    assert TOOLS.items() >= TASK_TOOLS.items()
    path = Path(run.__file__).parents[1] / "container/runner/tasks.py"
    spec = importlib.util.spec_from_file_location("runner_tasks", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert set(module.TASK_TOOLS) == set(TASK_TOOLS)


async def test_a_task_waits_out_an_outage_as_messages_do(tmp_path: Path) -> None:
    calls = 0

    async def later(turn: Turn) -> Sequence[str]:
        nonlocal calls
        calls += 1
        if calls < 3 * ATTEMPTS:
            raise ConnectionError("529")
        return ["take your pill"]

    async with open_store(tmp_path) as store:
        await register(store, "memory:owner")
        scene = Scene(store, FunctionAgent(later), tmp_path)
        scene.assistant.turns.patience = QUICK
        async with scene.running():
            await scene.due_once()
            await until(lambda: ("memory:owner", "take your pill") in scene.channel.sent)
        assert [text for _, text in scene.channel.sent if "I go on trying" in text]
        assert await store.read("SELECT status FROM tasks") == [("done",)]


@pytest.mark.parametrize("why", ["too late", "refused"])
async def test_a_reminder_is_never_done_without_having_been_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    monkeypatch.setattr(module, "LATE_SECONDS", 0.05 if why == "too late" else 900)

    async def down(turn: Turn) -> Sequence[str]:
        await asyncio.sleep(0.01)
        raise BotError("API Error: 400 no" if why == "refused" else "API Error: 529 overloaded")

    async with open_store(tmp_path) as store:
        await register(store, "memory:owner")
        scene = Scene(store, FunctionAgent(down), tmp_path)
        scene.assistant.turns.patience = QUICK
        async with scene.running():
            await scene.due_once()
            await until(lambda: any("Reminder: pill" in text for _, text in scene.channel.sent))
        ((status, error),) = await store.read(
            "SELECT status, error FROM tasks JOIN runs ON task = tasks.id"
        )
        assert status == "done"
        assert "API Error" in error


async def test_a_task_over_budget_waits_and_is_called_no_failure(tmp_path: Path) -> None:
    async def costs(turn: Turn) -> Sequence[str]:
        return [f"ran {turn.task}"]

    async with open_store(tmp_path) as store:
        await register(store, "memory:owner")
        await store.register(Group("fam", "memory:fam", "Fam", options={"daily_tokens": 100}))
        await store.used("fam", 90, 10)
        scene = Scene(store, FunctionAgent(costs), tmp_path)
        async with scene.running():
            id_ = await scene.due_now(folder="fam")
            await until(lambda: len(scene.channel.sent) == 2)
            await scene.call("schedule_task", prompt="pill", kind="once", value="2099-01-01T09:00")
            late = stamp(datetime.now(UTC) - timedelta(seconds=1))
            change = "UPDATE tasks SET folder = 'fam', next_run = ? WHERE kind = 'once'"
            await store.write((change, (late,)))
            scene.assistant.news["tasks"].set()
            await until(lambda: len(scene.channel.sent) == 3)
            found = sorted(scene.channel.sent)
            budget = "My 100 tokens for today are used up; I go on tomorrow."
            assert "Reminder: pill" in found[1][1]
            assert found[0][1].startswith(budget)
            assert found[2] == ("memory:owner", f"Fam (memory:fam): {found[0][1]}")
            await store.write(("UPDATE usage SET input = 0", ()))
            scene.scheduler._runs.wake(id_)  # as the clock does the next day
            await until(lambda: ("memory:fam", f"ran {id_}") in scene.channel.sent)
        assert len(scene.channel.sent) == 4


@pytest.mark.parametrize("days", [365, 1, -1, -365])
async def test_a_step_of_the_clock_parks_nothing_and_fires_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    """A run ends while the clock is wrong by so many days; then it is right again."""
    moment = {"now": utc("2026-11-30T09:00:05")}

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
            return moment["now"].astimezone(tz)

    monkeypatch.setattr(tasks_module, "datetime", Clock)
    async with open_store(tmp_path) as store:
        await register(store, "memory:owner")
        tasks, due = Tasks(store), "2026-11-30T09:00:00.000+00:00"
        for id_, kind, value in (("daily", "cron", "0 9 * * *"), ("hourly", "interval", "3600")):
            await store.write(
                (
                    "INSERT INTO tasks (id, folder, prompt, script, kind, value, zone, isolated, status, next_run) VALUES (?, 'main', 'p', '', ?, ?, 'UTC', 0, 'active', ?)",
                    (id_, kind, value, due),
                )
            )
        assert {id_ async for id_ in tasks.claim_due()} == {"daily", "hourly"}
        moment["now"] += timedelta(days=days)
        for id_ in ("daily", "hourly"):
            task = await tasks.find(id_)
            assert task
            await tasks.finish(task, "", None, [])
        moment["now"] = utc("2026-11-30T09:10")
        await tasks.unpark()
        assert [id_ async for id_ in tasks.claim_due()] == [], "it has run"
        following = {id_: (await tasks.find(id_)) for id_ in ("daily", "hourly")}
        assert following["daily"]
        assert following["daily"].next_run == "2026-12-01T09:00:00.000+00:00"
        assert following["hourly"]
        assert str(following["hourly"].next_run) <= "2026-11-30T10:10:00.000+00:00"
        moment["now"] = utc("2026-11-30T08:50")
        await tasks.unpark()
        assert [id_ async for id_ in tasks.claim_due()] == []


@pytest.mark.parametrize(
    ("kind", "value", "zone"),
    [
        ("cron", "0 9 * * *", "Europe/Nowhere"),
        ("cron", "no more an expression", "UTC"),
        ("interval", "9e99", "UTC"),
        ("once", "2026-11-30T09:00", "Europe/Nowhere"),
    ],
)
async def test_a_schedule_that_nobody_can_work_out_costs_nothing_and_holds_up_no_other(
    tmp_path: Path, kind: str, value: str, zone: str
) -> None:
    """As after a move to a machine without that zone, or with another cron library."""
    asked: list[str | None] = []

    async def agent(turn: Turn) -> Sequence[str]:
        asked.append(turn.task)
        return ["done"]

    async with open_store(tmp_path) as store:
        await register(store, "memory:owner")
        scene = Scene(store, FunctionAgent(agent), tmp_path)
        bad, good = await scene.due_now(), await scene.due_now()
        change = "UPDATE tasks SET kind = ?, value = ?, zone = ?, set_at = '2099' WHERE id = ?"
        await store.write((change, (kind, value, zone, bad)))
        async with scene.running():
            await until(lambda: any("I go on trying" in text for _, text in scene.channel.sent))
            await until(lambda: ("memory:owner", "done") in scene.channel.sent)
        assert set(asked) == {good}
