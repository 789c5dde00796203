"""Tasks in the store, and the clock that wakes them.

A run is claimed before it starts and ends in the transaction that stores its reply: one that takes long is never
started twice, and one that a crash has cut off is started again.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bot.schedule import Schedule
from bot.store import SEND, TELL, Store, stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bot.groups import Group

__all__ = ["COLUMNS", "Scheduler", "Task", "Tasks", "task_of"]

COLUMNS = "id, folder, prompt, script, kind, value, zone, isolated, status, next_run"
FIND = f"SELECT {COLUMNS} FROM tasks WHERE id = ?"  # noqa: S608
UNCLAIMED = "FROM tasks WHERE status = 'active' AND claimed_at IS NULL AND next_run IS NOT NULL"
DUE = f"SELECT id {UNCLAIMED} AND next_run <= ? ORDER BY next_run LIMIT 100"
NEXT = f"SELECT min(next_run) {UNCLAIMED}"
CLAIM = """
    UPDATE tasks SET claimed_at = ? WHERE id = ? AND claimed_at IS NULL AND status = 'active' AND next_run <= ?
"""
BEGIN = "INSERT INTO runs (task, started_at) SELECT ?, ? WHERE changes() = 1"
END = "UPDATE runs SET ended_at = ?, result = ?, error = ? WHERE task = ? AND ended_at IS NULL"
MOVE_ON = """
    UPDATE tasks SET claimed_at = NULL, next_run = CASE WHEN next_run IS ?2 THEN ?3 ELSE next_run END,
    status = CASE WHEN next_run IS ?2 AND ?3 IS NULL AND status != 'cancelled' THEN 'done' ELSE status END WHERE id = ?1
"""
KEEP = """
    DELETE FROM runs WHERE task = ?1
    AND id <= (SELECT id FROM runs WHERE task = ?1 ORDER BY id DESC LIMIT 1 OFFSET 50)
"""
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
        return task_of(rows[0]) if (rows := await self._store.read(FIND, (id_,))) else None

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
        due = await self._store.read(DUE, (now,))
        return [id_ for (id_,) in due if await self._store.write((CLAIM, (now, id_, now)), (BEGIN, (id_, now))) == 1]

    async def seconds(self) -> float | None:
        """Until the next task is due; None if there is none."""
        ((first,),) = await self._store.read(NEXT)
        return (datetime.fromisoformat(first) - datetime.now(UTC)).total_seconds() if first else None

    async def finish(
        self, task: Task, group: Group, pieces: Sequence[str], error: str | None = None, notice: str = ""
    ) -> None:
        """End a run: its history, its replies in the outbox, and the next run, together."""
        now = datetime.now(UTC)
        following = task.schedule.following(datetime.fromisoformat(task.next_run), now) if task.next_run else None
        await self._store.write(
            (END, (stamp(now), "\n".join(pieces)[:LONGEST_RESULT], error, task.id)),
            (MOVE_ON, (task.id, task.next_run, stamp(following) if following else None)),
            (KEEP, (task.id,)),
            *((SEND, (group.chat, piece)) for piece in pieces),
            *([(TELL, (notice,))] if notice else []),
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
