"""Wakes each task when it is due, and carries its run to the end."""

import asyncio
import sqlite3
from contextlib import suppress
from datetime import UTC, datetime
from textwrap import shorten

from bot import prompt
from bot.errors import BotError, OverBudget, described, own_fault
from bot.groups import Group
from bot.log import log
from bot.messages import Message, Turn
from bot.prompt import escape, quoteattr
from bot.tasks import Task, Tasks
from bot.tools import Host
from bot.trouble import Trouble
from bot.turns import ATTEMPTS, MOST_PAID

LONGEST_SLEEP = 60.0
"""Seconds after which the clock is looked at again: it may have been set, or has slept."""
LATE_SECONDS = 900.0
"""So long a reminder waits for the agent; then its text is sent as it is."""
NOT_RUN = "The task {id} of {name} ({prompt}) failed {attempts} times{price}: {error}. {then}"
MEANWHILE, GONE = "ended meanwhile", BotError("its chat is registered no more")
GOES_ON, ENDED = "I go on trying.", "This run is given up."
PLAINLY = "Reminder: {prompt}\n(I could not do more about it: {why}.)"


class Scheduler:
    """A service. It sleeps until the first task is due, or until there is news of tasks."""

    def __init__(self, host: Host) -> None:
        self._assistant = host.assistant
        self._store = host.store
        self._tasks = Tasks(host.store)
        self._runs = host.assistant.queue("the task", self._run)
        self._news = host.assistant.news["tasks"]
        self._trials: dict[str, Trouble] = {}
        self._recovered = False
        host.assistant.turns.on_recovery.append(self._try_again)

    async def run(self) -> None:
        """Until cancelled."""
        if not self._recovered:  # this process has begun nothing yet: what is claimed was cut off
            for id_ in await self._tasks.recover():
                self._runs.wake(id_)
            self._recovered = True
        while True:
            self._news.clear()
            await self._tasks.unpark()
            async for id_ in self._tasks.claim_due():
                self._runs.wake(id_)
            seconds = await self._tasks.seconds()
            delay = LONGEST_SLEEP if seconds is None else min(max(seconds, 0.0), LONGEST_SLEEP)
            with suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self._news.wait()

    async def _run(self, id_: str) -> None:
        """A run that was claimed, to its end, or until it is put off."""
        task = await self._tasks.find(id_, claimed=True)  # a second wake-up finds that it has ended
        if task is None or (group := self._store.folders.get(task.folder)) is None:
            self._trials.pop(id_, None)
            if task:  # its group is registered no more, or the chat of which it is a topic
                main, said = self._store.main, []
                if main and task.status != "cancelled":
                    said = [(main.chat, text) for text in await self._plainly(task, main, GONE)]
                await self._tasks.finish(task, "", MEANWHILE, said)
            return
        trial = self._trials.setdefault(id_, Trouble())
        spent, error, pieces = await self._store.spent(group.folder), None, []
        if trial.timer and task.status != "active":
            error = MEANWHILE
        else:
            try:
                pieces = await self._assistant.perform(_turn(task, group))
            except sqlite3.Error:
                raise
            except OverBudget as failure:
                pause = await self._assistant.turns.budget.tell(group, failure)
                if task.kind != "once":
                    self._again_in(pause, trial, id_)
                    return
                error, pieces = str(failure), await self._plainly(task, group, failure)
            except Exception as failure:  # noqa: BLE001  # whatever an agent raises
                trial.failed(await self._store.spent(group.folder) - spent)
                log.warning("task failed", task=id_, attempt=trial.attempts, error=failure)
                if await self._put_off(task, group, trial, failure):
                    return
                error = described(failure, to_owner=True)
                await self._tell(task, group, trial, failure, ENDED)
                if task.kind == "once":
                    pieces = await self._plainly(task, group, failure)
        del self._trials[id_]
        outgoing = [(group.chat, piece) for piece in pieces]
        await self._tasks.finish(task, "\n".join(pieces), error, outgoing)
        self._news.set()

    async def _put_off(self, task: Task, group: Group, trial: Trouble, failure: Exception) -> bool:
        """Wait as messages do; False where no waiting helps, or a reminder has waited enough."""
        loop, mended = asyncio.get_running_loop(), False
        if own_fault(failure) and not trial.fresh and not task.isolated:
            trial.fresh = mended = await self._assistant.turns.fresh(group)
        late = task.kind == "once" and loop.time() - trial.since > LATE_SECONDS
        tried = trial.attempts >= ATTEMPTS
        if not mended and (own_fault(failure) or trial.paid >= MOST_PAID or (late and tried)):
            return False
        if trial.attempts == ATTEMPTS:
            await self._tell(task, group, trial, failure, GOES_ON)
        delay = self._assistant.backoff.delay(trial.attempts)
        if tried:
            delay = self._assistant.turns.patience.delay(trial.attempts - ATTEMPTS + 1)
            if task.kind == "once":
                delay = min(delay, LATE_SECONDS)
        self._again_in(0 if mended else delay, trial, task.id)
        return True

    def _again_in(self, seconds: float, trial: Trouble, id_: str) -> None:
        trial.timer = asyncio.get_running_loop().call_later(seconds, self._runs.wake, id_)

    async def _plainly(self, task: Task, group: Group, failure: Exception) -> list[str]:
        text = PLAINLY.format(prompt=task.prompt, why=described(failure).removesuffix("."))
        return await self._assistant.chunks(group.chat, [text])

    async def _tell(
        self, task: Task, group: Group, trial: Trouble, failure: Exception, then: str
    ) -> None:
        words = {"id": task.id, "prompt": shorten(task.prompt, 100), "then": then}
        await self._store.tell(trial.told(NOT_RUN, group, failure, **words))

    def _try_again(self) -> None:
        for id_, trial in self._trials.items():
            if trial.attempts >= ATTEMPTS:
                self._runs.wake(id_)


def _turn(task: Task, group: Group) -> Turn:
    """A task as the agent is asked it; nobody has written it just now."""
    now, zone = datetime.now(UTC), prompt.zone_of(task.zone)
    task.schedule.following(now, now)  # or the run could not end, and be paid for again and again
    asked = (Message(group.chat, task.id, "scheduler", task.prompt, now),)
    values = {"id": task.id, "time": prompt.time(now, zone), "timezone": zone.key}
    head = " ".join(["<task", *(f"{name}={quoteattr(value)}" for name, value in values.items())])
    text = f"{head}>\n{escape(task.prompt)}\n</task>"
    own = (task.id, task.isolated, task.script)
    return Turn(group.chat, asked, asked, 0, group, text, 0, *own)
