"""A runtime in memory, held to the same tests as Docker's."""

import asyncio
from collections.abc import Awaitable, Callable

from bot.runtimes import Spec


class MemoryContainer:
    """What MemoryRuntime starts."""

    program: asyncio.Future[int]
    forget: Callable[[], object]

    def __init__(self) -> None:
        self.stdin = asyncio.StreamReader()
        self.output: asyncio.Queue[tuple[int, bytes]] = asyncio.Queue()

    async def write(self, data: bytes) -> None:
        if self.program.done():
            raise BrokenPipeError("the container has ended")
        self.stdin.feed_data(data)

    async def read(self) -> tuple[int, bytes]:
        return await self.output.get()

    async def end(self) -> str:
        self.forget()
        if self.program.cancelled():
            return "was removed by somebody else"
        if self.program.done():
            return f"ended with {self.program.result()}"
        self.program.cancel()
        return "was stopped"


class MemoryRuntime:
    """A container is a task of `program(standard input, write)`; it writes to 1 or 2 and returns the exit code."""

    def __init__(self, program: Callable[[asyncio.StreamReader, Callable[[int, bytes], None]], Awaitable[int]]) -> None:
        self.started: dict[str, Spec] = {}
        self._containers: dict[str, MemoryContainer] = {}
        self._program = program

    async def start(self, spec: Spec) -> MemoryContainer:
        self.started[spec.run] = spec
        container = self._containers[spec.run] = MemoryContainer()
        program = asyncio.ensure_future(
            self._program(container.stdin, lambda *piece: container.output.put_nowait(piece))
        )
        program.add_done_callback(lambda _: container.output.put_nowait((1, b"")))
        container.program, container.forget = program, lambda: self._containers.pop(spec.run, None)
        return container

    async def runs(self, installation: str) -> set[str]:
        return {run for run in self._containers if self.started[run].installation == installation}

    async def remove(self, installation: str, run: str) -> None:
        if run in await self.runs(installation):
            await self._containers[run].end()

    async def close(self) -> None:
        """Nothing is held."""
