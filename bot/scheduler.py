"""Wakes each task when it is due, and carries its run to the end."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from xml.sax.saxutils import escape, quoteattr

from bot import prompt
from bot.groups import Group
from bot.log import log
from bot.messages import Message, Turn
from bot.tasks import Task, Tasks
from bot.tools import Host
from bot.turns import ATTEMPTS

LONGEST_SLEEP = 60.0
"""Seconds after which the wall clock is looked at again: it may have been set, or the machine has
slept.
"""
NOT_RUN = "The task {id} of {name} failed {attempts} times: {error}."


class Scheduler:
    """A service. It sleeps until the first task is due, or until there is news of tasks."""

    def __init__(self, host: Host) -> None:
        self._assistant = host.assistant
        self._store = host.store
        self._tasks = Tasks(host.store)
        self._runs = host.assistant.queue("the task", self._run)
        self._news = host.assistant.news["tasks"]
        self._recovered = False

    async def run(self) -> None:
        """Until cancelled."""
        if not self._recovered:  # this process has begun nothing yet: what is claimed was cut off
            for id_ in await self._tasks.recover():
                self._runs.wake(id_)
            self._recovered = True
        while True:
            self._news.clear()
            async for id_ in self._tasks.claim_due():
                self._runs.wake(id_)
            seconds = await self._tasks.seconds()
            delay = LONGEST_SLEEP if seconds is None else min(max(seconds, 0.0), LONGEST_SLEEP)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), delay)

    async def _run(self, id_: str) -> None:
        """A run that was claimed, to its end."""
        task = await self._tasks.find(id_)
        group = next(
            (group for group in self._store.groups if task and group.folder == task.folder), None
        )
        if task is None or group is None:
            return
        error, pieces = await self._try(task, group)
        outgoing = [(group.chat, piece) for piece in pieces]
        if error:
            notice = NOT_RUN.format(id=id_, name=group.name, attempts=ATTEMPTS, error=error[:300])
            outgoing += [(one.chat, notice) for one in self._store.groups if one.main]
        await self._tasks.finish(task, "\n".join(pieces), error, outgoing)
        for chat, _ in outgoing:
            self._assistant.wake_delivery(chat)
        self._news.set()

    async def _try(self, task: Task, group: Group) -> tuple[str | None, list[str]]:
        """The last error, or the reply in pieces."""
        error = None
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return None, await self._assistant.perform(_turn(task, group))
            except Exception as failure:  # noqa: BLE001  # whatever an agent raises
                error = repr(failure)
                log.warning("task failed", task=task.id, attempt=attempt, error=error)
            if attempt < ATTEMPTS:
                await asyncio.sleep(self._assistant.backoff.delay(attempt))
        return error, []


def _turn(task: Task, group: Group) -> Turn:
    """A task as the agent is asked it; nobody has written it just now."""
    now, zone = datetime.now(UTC), prompt.zone_of(task.zone)
    asked = (Message(group.chat, task.id, "scheduler", task.prompt, now),)
    values = {"id": task.id, "time": prompt.time(now, zone), "timezone": zone.key}
    head = " ".join(["<task", *(f"{name}={quoteattr(value)}" for name, value in values.items())])
    text = f"{head}>\n{escape(task.prompt)}\n</task>"
    return Turn(
        group.chat,
        asked,
        asked,
        0,
        group,
        text,
        task=task.id,
        isolated=task.isolated,
        script=task.script,
    )
