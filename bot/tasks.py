"""Tasks in the store. A run is claimed before it starts, and ends in the transaction that stores
its reply.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bot.errors import BotError
from bot.migrations import SQL, statements
from bot.rows import stamp
from bot.schedule import Schedule
from bot.store import Store

COLUMNS = "id, folder, prompt, script, kind, value, zone, isolated, status, next_run"
QUERIES = statements("task_queries.sql")
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

    async def find(self, id_: str, *, claimed: bool = False) -> Task | None:
        """A task by its identifier, or only if its run is under way."""
        rows = await self._store.read(QUERIES["find"], (id_, not claimed))
        return task_of(rows[0]) if rows else None

    async def recover(self) -> list[str]:
        """The tasks whose runs an earlier process did not end: claimed, and now begun again."""
        now = stamp(datetime.now(UTC))
        claimed = [id_ for (id_,) in await self._store.read(QUERIES["claimed"])]
        begun = [(QUERIES["begin_again"], (id_, now)) for id_ in claimed]
        ended = ((QUERIES["cut_off"], (now,)), (QUERIES["release"], ()))
        await self._store.write(*ended, *begun)
        return claimed

    async def claim_due(self) -> AsyncIterator[str]:
        """Tasks that were due and are now the caller's, each claimed in its own transaction."""
        now = stamp(datetime.now(UTC))
        for (id_,) in await self._store.read(QUERIES["due"], (now,)):
            if await self._store.write(
                (QUERIES["claim"], (now, id_, now)), (QUERIES["begin"], (id_, now))
            ):
                yield id_

    async def unpark(self) -> None:
        """The clock was ahead when the next run of these was worked out, and is right again: none
        waits for a day that was never meant, and none that has run runs again.
        """
        now = datetime.now(UTC)
        for id_, last_due in await self._store.read(QUERIES["parked"], (stamp(now),)):
            if task := await self.find(id_):
                following, since = None, max(now, datetime.fromisoformat(last_due or stamp(now)))
                with suppress(BotError, ValueError, OverflowError, KeyError):  # its run says so
                    following = task.schedule.following(since, since)
                values = (stamp(following or since), stamp(now), id_)
                await self._store.write((QUERIES["unpark"], values))

    async def seconds(self) -> float | None:
        """Until the next task is due; None if there is none."""
        ((first,),) = await self._store.read(QUERIES["next_run"])
        now = datetime.now(UTC)
        return (datetime.fromisoformat(first) - now).total_seconds() if first else None

    async def finish(
        self, task: Task, result: str, error: str | None, outgoing: Sequence[tuple[str, str]]
    ) -> None:
        """End a run: its history, the next run, and what goes out (chat and piece), together."""
        now, following = datetime.now(UTC), None
        if task.next_run and task.kind != "once":
            following = task.schedule.following(datetime.fromisoformat(task.next_run), now)
        moved = (task.next_run, stamp(following) if following else None)
        ended = (
            (QUERIES["end"], (stamp(now), result[:LONGEST_RESULT], error, task.id)),
            (QUERIES["move_on"], (stamp(now), *moved, *moved, task.id)),
            (QUERIES["keep_runs"], (task.id, task.id)),
            *((SQL["send"], piece) for piece in outgoing),
        )
        await self._store.insist(*ended)


def task_of(row: Sequence[Any]) -> Task:
    """From a row of COLUMNS."""
    values = dict(zip(COLUMNS.split(", "), row, strict=True))
    return Task(**values | {"isolated": bool(values["isolated"])})
