"""An event loop with a clock of its own: what is next runs next, and time jumps to it.

No thread, no selector, no system call. One callback is one step, and before any step everything
may end, as a process does that is killed.
"""

from __future__ import annotations

import asyncio
import heapq
import sys
import warnings
from collections.abc import Callable, Coroutine
from contextlib import suppress
from itertools import count
from typing import Any, ClassVar


class Crash(BaseException):
    """The process is no more."""


class Stuck(BaseException):
    """Nothing is to come, or it never ends: the text says which."""


class _Numbered:
    """What has a place in a set that does not depend on where in memory it lies."""

    _numbers: ClassVar[count[int]]

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self._number = next(self._numbers)
        super().__init__(*arguments, **named)

    def __hash__(self) -> int:
        return self._number

    def __eq__(self, other: object) -> bool:
        return self is other


class Task(_Numbered, asyncio.Task[Any]):
    _numbers = count()


class Future(_Numbered, asyncio.Future[Any]):
    _numbers = count()


class Loop(asyncio.BaseEventLoop):
    """Begins at `now` seconds. `before_step` may raise Crash; `thread_delay` says after how many
    seconds what was given to a thread is done, at once.
    """

    _ready: Any
    _scheduled: Any

    def __init__(
        self,
        now: float,
        before_step: Callable[[], None],
        thread_delay: Callable[[], float],
    ) -> None:
        super().__init__()
        self._now, self._before_step, self._thread_delay = now, before_step, thread_delay
        self._alive = True
        self.tasks: dict[int, Task] = {}
        self.set_task_factory(self._new_task)  # type: ignore[arg-type]

    def time(self) -> float:
        return self._now

    def create_future(self) -> asyncio.Future[Any]:
        return Future(loop=self)

    def run_in_executor(  # type: ignore[override]
        self, executor: object, function: Callable[..., Any], *arguments: Any
    ) -> asyncio.Future[Any]:
        future = self.create_future()

        def work() -> None:
            try:
                result = function(*arguments)
            except Exception as error:  # noqa: BLE001  # whatever it is, it is the caller's
                if not future.done():
                    future.set_exception(error)
            else:
                if not future.done():
                    future.set_result(result)

        self.call_later(self._thread_delay(), work)
        return future

    def call_soon_threadsafe(  # type: ignore[override]
        self, *arguments: Any, **named: Any
    ) -> asyncio.Handle:
        return self.call_soon(*arguments, **named)

    def _new_task(
        self, loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, Any], **named: Any
    ) -> Task:
        if not self._alive:
            coroutine.close()
            raise RuntimeError("the process is no more")
        task = Task(coroutine, loop=loop, **named)
        self.tasks[task._number] = task
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self.tasks.pop(hash(task), None)

    def _run_once(self) -> None:
        if not self._ready:
            self._jump()
        handle = self._ready.popleft()
        if not handle._cancelled:
            self._before_step()
            handle._run()

    def _jump(self) -> None:
        scheduled = self._scheduled
        while scheduled and scheduled[0]._cancelled:
            heapq.heappop(scheduled)._scheduled = False
        if not scheduled:
            raise Stuck("nothing is to come, and somebody waits")
        self._now = max(self._now, scheduled[0]._when)
        while scheduled and scheduled[0]._when <= self._now:
            handle = heapq.heappop(scheduled)
            handle._scheduled = False
            self._ready.append(handle)

    def _process_events(self, event_list: object) -> None:
        """There are none."""

    def _write_to_self(self) -> None:
        """Nobody waits in a system call."""

    def kill(self) -> None:
        """All that is in memory is gone; nothing that was to be done is done."""
        self._alive = False
        self._ready.clear()
        self._scheduled.clear()
        hook, sys.unraisablehook = sys.unraisablehook, lambda _: None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self.set_exception_handler(lambda *_: None)
                tasks = [*self.tasks.values()]
                self.tasks.clear()
                for task in tasks:
                    task._log_destroy_pending = False  # type: ignore[attr-defined]
                    with suppress(BaseException):
                        task.get_coro().close()
                self._ready.clear()
                self._scheduled.clear()
                self.close()
                tasks.clear()
        finally:
            sys.unraisablehook = hook
