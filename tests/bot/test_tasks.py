"""Tasks: when they are due, that a run is claimed before it starts, and what becomes of it in a crash."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from doubles import FunctionAgent, MemoryChannel, message, register
from test_assistant import QUICK, until

from bot.assistant import ATTEMPTS, Assistant
from bot.errors import BotError
from bot.groups import Places
from bot.messages import Turn
from bot.schedule import Schedule
from bot.store import Store, open_store, stamp
from bot.tools import Tools

BERLIN = "Europe/Berlin"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "now", "following"),
    [
        (Schedule("cron", "30 2 * * *", BERLIN), "2026-03-28T12:00", ["2026-03-29T01:00", "2026-03-30T00:30"]),
        (Schedule("cron", "30 2 * * *", BERLIN), "2026-10-24T12:00", ["2026-10-25T00:30", "2026-10-26T01:30"]),
        (Schedule("cron", "0 * * * *", BERLIN), "2026-10-24T23:30", ["2026-10-25T00:00", "2026-10-25T01:00"]),
        (Schedule("cron", "0 9 * * 1", "America/New_York"), "2026-11-24T00:00", ["2026-11-30T14:00"]),
        (Schedule("once", "2026-12-24T18:00", BERLIN), "2026-11-24T00:00", ["2026-12-24T17:00"]),
        (Schedule("interval", "90", "UTC"), "2026-11-24T00:00", ["2026-11-24T00:01:30", "2026-11-24T00:03"]),
    ],
)
def test_a_schedule_follows_the_clock_on_the_wall(schedule: Schedule, now: str, following: list[str]) -> None:
    moment = schedule.check(utc(now))
    runs = [moment]
    while len(runs) < len(following) and (after := schedule.following(runs[-1], runs[-1])):
        runs.append(after)
    assert runs == [utc(run) for run in following]


def test_what_was_missed_runs_once_and_an_interval_does_not_drift() -> None:
    every = Schedule("interval", "60", "UTC")
    assert every.following(utc("2026-01-01T00:00"), utc("2026-01-01T05:00:30")) == utc("2026-01-01T05:01")
    assert Schedule("once", "2026-01-01T00:00", "UTC").following(utc("2026-01-01T00:00"), utc("2026-01-02")) is None


@pytest.mark.parametrize(
    ("kind", "value", "zone"),
    [
        ("cron", "61 * * * *", "UTC"),
        ("cron", "* * * * * *", "UTC"),
        ("cron", "0 0 31 2 *", "UTC"),
        ("interval", "1", "UTC"),
        ("interval", "nan", "UTC"),
        ("interval", "inf", "UTC"),
        ("interval", "often", "UTC"),
        ("once", "2020-01-01", "UTC"),
        ("once", "soon", "UTC"),
        ("yearly", "1", "UTC"),
        ("cron", "* * * * *", "Mars/Olympus"),
        ("cron", "* * * * *", "../../etc/passwd"),
    ],
)
def test_what_is_no_schedule_is_refused_with_a_reason(kind: str, value: str, zone: str) -> None:
    with pytest.raises(BotError):
        Schedule(kind, value, zone).check(utc("2026-11-24T00:00"))


class Scene:
    """An assistant that runs, and main's tools."""

    def __init__(self, store: Store, agent: FunctionAgent, folder: Path) -> None:
        self.store = store
        self.channel = MemoryChannel(stays=True)
        self.assistant = Assistant(store, [self.channel], agent, QUICK)
        self.tools = Tools(store, self.assistant, Places(folder), "UTC")
        self.stop = asyncio.Event()

    async def call(self, tool: str, **arguments: object) -> dict[str, object]:
        effect = await self.tools.call(self.store.groups[-1], tool, arguments)
        if effect.statements:
            await self.store.write(*effect.statements)
        await effect.afterwards()
        assert isinstance(effect.result, dict)
        return effect.result

    async def due_now(self, **arguments: object) -> str:
        task = await self.call("schedule_task", prompt="water the plants", kind="interval", value="3600", **arguments)
        now = stamp(datetime.now(UTC) - timedelta(hours=5))
        await self.store.write(("UPDATE tasks SET next_run = ? WHERE id = ?", (now, task["id"])))
        self.assistant.scheduler.changed()
        return str(task["id"])

    async def run(self) -> None:
        await asyncio.wait_for(self.assistant.run(self.stop, grace=0.2), 30)


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
        running = asyncio.create_task(scene.run())
        id_ = await scene.due_now(timezone=BERLIN, script="exit 0")
        await until(lambda: len(began) == 1)
        for _ in range(20):
            scene.assistant.scheduler.changed()
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
        scene.stop.set()
        await running


async def test_an_isolated_task_holds_up_no_message_and_one_of_the_group_waits_its_turn(tmp_path: Path) -> None:
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
        running = asyncio.create_task(scene.run())
        await scene.due_now(isolated=True)
        await scene.due_now()
        await scene.assistant.receive(message("hello", "memory:owner"))
        await until(lambda: len(scene.channel.sent) == 2)
        go_on.set()
        await until(lambda: len(scene.channel.sent) == 3)
        scene.stop.set()
        await running
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
        running = asyncio.create_task(scene.run())
        id_ = await scene.due_now()
        await asyncio.wait_for(begun.wait(), 20)
        scene.stop.set()
        await running
    async with open_store(tmp_path) as store:
        scene = Scene(store, FunctionAgent(answers), tmp_path)
        running = asyncio.create_task(scene.run())
        await until(lambda: bool(scene.channel.sent))
        scene.stop.set()
        await running
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
        task = await scene.call("schedule_task", prompt="p", kind="cron", value="0 9 * * *", timezone=BERLIN)
        id_ = str(task["id"])
        assert (await scene.call("pause_task", task_id=id_))["status"] == "paused"
        assert await scene.assistant.scheduler._tasks.seconds() is None
        changed = await scene.call("update_task", task_id=id_, value="0 21 * * *", prompt="q")
        assert (changed["prompt"], changed["status"], changed["zone"]) == ("q", "paused", BERLIN)
        assert (await scene.call("resume_task", task_id=id_))["status"] == "active"
        assert await scene.assistant.scheduler._tasks.seconds() is not None
        await scene.call("cancel_task", task_id=id_)
        with pytest.raises(BotError, match="there is no task"):
            await scene.call("get_task", task_id=id_)


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
        running = asyncio.create_task(scene.run())
        id_ = await scene.due_now()
        await asyncio.wait_for(begun.wait(), 20)
        changed = await scene.call("update_task", task_id=id_, kind="once", value="2099-01-01T00:00")
        go_on.set()
        await until(lambda: bool(scene.channel.sent))
        task = await scene.call("get_task", task_id=id_)
        assert (task["next_run"], task["status"]) == (changed["next_run"], "active")
        scene.stop.set()
        await running


async def test_a_task_that_fails_is_tried_again_and_then_the_owner_is_told(tmp_path: Path) -> None:
    calls = 0

    async def down(turn: Turn) -> Sequence[str]:
        nonlocal calls
        calls += 1
        raise ConnectionError("529")

    async with open_store(tmp_path) as store:
        await register(store, "memory:owner")
        scene = Scene(store, FunctionAgent(down), tmp_path)
        running = asyncio.create_task(scene.run())
        id_ = await scene.due_now()
        await until(lambda: bool(scene.channel.sent))
        scene.stop.set()
        await running
        assert calls == ATTEMPTS
        assert id_ in scene.channel.sent[0][1]
        ((error, status),) = await store.read("SELECT error, status FROM runs JOIN tasks ON tasks.id = task")
        assert ("529" in error, status) == (True, "active")
