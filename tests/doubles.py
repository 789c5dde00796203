"""A channel, an agent and a runtime in memory: what the assistant, and whatever a skill adds to it,
is tested with.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar, Self

from aiohttp import web

from bot.agents.base import Agent
from bot.assistant import Assistant
from bot.attachments import Files
from bot.channels.base import Channel
from bot.groups import Group
from bot.messages import Message, Receive, Turn
from bot.paths import Paths
from bot.runtimes import Spec
from bot.settings import Settings
from bot.store import Store, open_store
from bot.workers import Backoff


def message(text: str, chat: str = "memory:me", id_: str = "", *, direct: bool = True) -> Message:
    """A message from somebody; its text serves as its identifier."""
    return Message(chat, id_ or text, "Somebody", text, datetime.now(UTC), direct)


async def register(store: Store, *chats: str, trigger: str | None = "@Andy") -> None:
    """Let the assistant answer these chats; the first is main, unless there is one."""
    for number, chat in enumerate(chats, len(store.groups)):
        await store.register(Group(f"group-{number}" if number else "main", chat, chat, trigger))


class MemoryChannel(Channel):
    """Brings `incoming`, then ends; `sent` is what was delivered, `shown` the chats that saw
    typing.
    """

    name: ClassVar[str] = "memory"

    def __init__(self, incoming: Sequence[Message] = (), *, stays: bool = False) -> None:
        self.incoming = list(incoming)
        self.sent: list[tuple[str, str]] = []
        self.shown: list[str] = []
        self._stays = stays

    @classmethod
    def from_settings(cls, settings: Settings) -> Self | None:
        return cls()

    async def connect(self, receive: Receive) -> None:
        for one in self.incoming:
            await receive(one)
        if self._stays:
            await asyncio.Event().wait()

    async def send(self, chat: str, text: str) -> None:
        self.sent.append((chat, text))

    async def typing(self, chat: str) -> None:
        self.shown.append(chat)


class FunctionAgent(Agent):
    """Answers with what a function says."""

    def __init__(self, answer: Callable[[Turn], Awaitable[Sequence[str]]]) -> None:
        self._answer = answer

    @classmethod
    def from_settings(cls, settings: Settings) -> Self | None:
        return None

    async def answer(self, turn: Turn) -> Sequence[str]:
        return await self._answer(turn)


async def echo(turn: Turn) -> Sequence[str]:
    return [f"re: {one.text}" for one in turn.asked]


@asynccontextmanager
async def answering(
    folder: Path,
    channel: Channel,
    *chats: str,
    answer: Callable[[Turn], Awaitable[Sequence[str]]] = echo,
) -> AsyncIterator[Store]:
    """An assistant on the store in `folder`, for as long as the context lasts: it answers these
    chats, of which the first is main, and fetches files of up to 100 bytes.
    """
    stop = asyncio.Event()
    async with open_store(folder) as store:
        await register(store, *(chat for chat in chats if store.group(chat) is None))
        files = Files(store, Paths(folder), 100, 10)
        assistant = Assistant(
            store, [channel], FunctionAgent(answer), Backoff(0.01, 0.02), files=files
        )
        running = asyncio.create_task(assistant.run(stop, grace=1))
        try:
            yield store
        finally:
            stop.set()
            await asyncio.wait_for(running, 600)


async def taken_in(channel: Channel, most: int) -> list[Message]:
    """So many messages that a channel hands over, or fewer where its connection ends by itself."""
    found: list[Message] = []
    enough = asyncio.Event()

    async def receive(message: Message) -> bool:
        found.append(message)
        if len(found) == most:
            enough.set()
        return True

    task = asyncio.create_task(channel.connect(receive))
    waiting = asyncio.create_task(enough.wait())
    await asyncio.wait({task, waiting}, timeout=600, return_when=asyncio.FIRST_COMPLETED)
    task.cancel()
    waiting.cancel()
    await asyncio.gather(task, waiting, return_exceptions=True)
    return found


@asynccontextmanager
async def serving(app: web.Application) -> AsyncIterator[str]:
    """The address of a web application on a free port of loopback, while the context lasts."""
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield "http://{}:{}".format(*runner.addresses[0][:2])
    finally:
        await runner.cleanup()


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
    """A container is a task of `program(standard input, write)`; it writes to 1 or 2 and returns
    the exit code.
    """

    def __init__(
        self,
        program: Callable[[asyncio.StreamReader, Callable[[int, bytes], None]], Awaitable[int]],
    ) -> None:
        self.started: dict[str, Spec] = {}
        self._containers: dict[str, MemoryContainer] = {}
        self._program = program

    async def prepare(self, say: Callable[[str], None]) -> None:
        """Nothing is needed."""

    async def has(self, image: str) -> bool:
        return True

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
