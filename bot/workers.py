"""One task a key, woken by events: the queue of a group, the outgoing line of a chat."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeAlias

from bot.log import failing

Work: TypeAlias = Callable[[str], Awaitable[object]]


async def nobody(*_: object) -> bool:
    """There is nobody yet whom it concerns."""
    return False


@dataclass(frozen=True)
class Backoff:
    """Doubles from `first` to `most` seconds, less up to a fifth, so that those who failed together
    come back apart.
    """

    first: float = 1.0
    most: float = 60.0

    def delay(self, failures: int) -> float:
        """Seconds to wait after so many failures in a row."""
        return min(self.first * 2.0 ** min(failures - 1, 30), self.most) * random.uniform(0.8, 1.0)  # noqa: S311


class KeyedQueue:
    """Runs `work(key)` once at a time for each key that was woken, different keys side by side.

    A key that is woken while its work runs is worked on once more, so no wake-up is lost and none
    waits for a clock. Work that raises is tried again after a pause. A key without work costs
    nothing.
    """

    def __init__(self, name: str, work: Work, backoff: Backoff) -> None:
        self._name, self._work, self._backoff = name, work, backoff
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()
        self._stopping = asyncio.Event()

    def wake(self, key: str) -> None:
        """There may be something to do for `key`."""
        if key in self._tasks:
            self._again.add(key)
        elif not self._stopping.is_set():
            self._tasks[key] = asyncio.create_task(self._run(key), name=f"{self._name} {key}")

    async def idle(self) -> None:
        while self._tasks:
            await asyncio.wait(self._tasks.values())

    async def stop(self, grace: float) -> None:
        """Begin nothing new; what runs has `grace` seconds to end, then it is cancelled."""
        self._stopping.set()
        tasks = set(self._tasks.values())
        if tasks:
            await asyncio.wait(tasks, timeout=grace)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, key: str) -> None:
        failures = 0
        try:
            while not self._stopping.is_set():
                self._again.discard(key)
                try:
                    await self._work(key)
                except Exception as error:  # noqa: BLE001  # whatever it is: it is logged, and tried again
                    failures += 1
                    delay = self._backoff.delay(failures)
                    work, again = f"{self._name} {key}", round(delay, 1)
                    failing(error)("failed", work=work, error=error, again_in=again)
                    with suppress(TimeoutError):
                        async with asyncio.timeout(delay):
                            await self._stopping.wait()
                else:
                    failures = 0
                    if key not in self._again:
                        return
        finally:
            del self._tasks[key]


MakeQueue: TypeAlias = Callable[[str, Work], KeyedQueue]
