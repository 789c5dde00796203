"""Tasks in the store, and the clock that wakes them.

A run is claimed before it starts and ends in the transaction that stores its reply: one that takes long is never
started twice, and one that a crash has cut off is started again.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bot.groups import Group
from bot.migrations import SQL
from bot.schedule import Schedule
from bot.store import Store, stamp

COLUMNS = "id, folder, prompt, script, kind, value, zone, isolated, status, next_run"
LONGEST_SLEEP = 60.0
"""Seconds after which the wall clock is looked at again, for it may have been set, or the machine has slept."""
LONGEST_RESULT = 2_000


@dataclass(frozen=True, slots=True)
class Task:
    """`next_run` is UTC as the store writes it; None when there is none."""

    id: str
    folder: str
    prompt: str
    script: str
    kind: str
    value: str
    zone: str
    isolated: bool
    status: str
    next_run: str | None

    @property
    def schedule(self) -> Schedule:
        """When it runs."""
        return Schedule(self.kind, self.value, self.zone)


class Tasks:
    """What the store knows of tasks."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def find(self, id_: str) -> Task | None:
        """A task by its identifier."""
        return task_of(rows[0]) if (rows := await self._store.read(SQL["find_task"], (id_,))) else None

    async def recover(self) -> list[str]:
        """The tasks whose runs a crash has cut off; they are still claimed, and now begun again."""
        now = stamp(datetime.now(UTC))
        claimed = await self._store.read("SELECT id FROM tasks WHERE claimed_at IS NOT NULL AND status != 'cancelled'")
        await self._store.write(("UPDATE runs SET error = 'interrupted', ended_at = ? WHERE ended_at IS NULL", (now,)))
        if claimed:
            await self._store.write(
                *(("INSERT INTO runs (task, started_at) VALUES (?, ?)", (*id_, now)) for id_ in claimed)
            )
        return [id_ for (id_,) in claimed]

    async def claim_due(self) -> list[str]:
        """Tasks that were due and are now this caller's to run, each claimed in a transaction of its own."""
        now = stamp(datetime.now(UTC))
        due = await self._store.read(SQL["due"], (now,))
        return [
            id_
            for (id_,) in due
            if await self._store.write((SQL["claim"], (now, id_, now)), (SQL["begin_run"], (id_, now))) == 1
        ]

    async def seconds(self) -> float | None:
        """Until the next task is due; None if there is none."""
        ((first,),) = await self._store.read(SQL["next_run"])
        return (datetime.fromisoformat(first) - datetime.now(UTC)).total_seconds() if first else None

    async def finish(
        self, task: Task, group: Group, pieces: Sequence[str], error: str | None = None, notice: str = ""
    ) -> None:
        """End a run: its history, its replies in the outbox, and the next run, together."""
        now = datetime.now(UTC)
        following = task.schedule.following(datetime.fromisoformat(task.next_run), now) if task.next_run else None
        await self._store.write(
            (SQL["end_run"], (stamp(now), "\n".join(pieces)[:LONGEST_RESULT], error, task.id)),
            (SQL["move_on"], (task.id, task.next_run, stamp(following) if following else None)),
            (SQL["keep_runs"], (task.id,)),
            *((SQL["send"], (group.chat, piece)) for piece in pieces),
            *([(SQL["tell"], (notice,))] if notice else []),
        )


class Scheduler:
    """Wakes each task when it is due. It sleeps until the first one, or until `changed`."""

    def __init__(self, tasks: Tasks, wake: Callable[[str], None]) -> None:
        self._tasks = tasks
        self._wake = wake
        self._changed = asyncio.Event()

    def changed(self) -> None:
        """A task was added or changed, or a run has ended."""
        self._changed.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._changed.clear()
            for id_ in await self._tasks.claim_due():
                self._wake(id_)
            seconds = await self._tasks.seconds()
            delay = LONGEST_SLEEP if seconds is None else min(max(seconds, 0.0), LONGEST_SLEEP)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), delay)


def task_of(row: Sequence[Any]) -> Task:
    """From a row of COLUMNS."""
    values = dict(zip(COLUMNS.split(", "), row, strict=True))
    return Task(**values | {"isolated": bool(values["isolated"])})
