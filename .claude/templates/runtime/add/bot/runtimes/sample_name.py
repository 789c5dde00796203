"""Sample name: containers as its program starts them."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from bot.errors import BotError
from bot.runtimes import Spec


def command(spec: Spec) -> list[str]:
    """The command line that starts a container with all that the spec asks for: to be written."""
    raise BotError("Sample name starts no container yet", hint="write bot/runtimes/sample_name.py")


class SampleNameContainer:
    """A process; `forget` takes it off the runtime's list."""

    def __init__(self, process: asyncio.subprocess.Process, forget: Callable[[], object]) -> None:
        self._process, self._forget = process, forget
        self._output: asyncio.Queue[tuple[int, bytes]] = asyncio.Queue()
        self._reading = asyncio.ensure_future(self._read())

    async def write(self, data: bytes) -> None:
        stdin = self._process.stdin
        if stdin is None or self._process.returncode is not None:
            raise BrokenPipeError("the container has ended")
        stdin.write(data)
        await stdin.drain()

    async def read(self) -> tuple[int, bytes]:
        return await self._output.get()

    async def end(self) -> str:
        with suppress(ProcessLookupError):
            self._process.kill()
        code = await self._process.wait()
        await self._reading
        self._forget()
        return f"ended with {code}"

    async def _read(self) -> None:
        async def follow(number: int, stream: asyncio.StreamReader | None) -> None:
            while stream is not None and (data := await stream.read(65_536)):
                self._output.put_nowait((number, data))

        await asyncio.gather(follow(1, self._process.stdout), follow(2, self._process.stderr))
        self._output.put_nowait((1, b""))


class SampleNameRuntime:
    """What it has started, by installation and run."""

    def __init__(self, command: Callable[[Spec], list[str]] = command) -> None:
        self._command = command
        self._started: dict[tuple[str, str], SampleNameContainer] = {}

    async def prepare(self, say: Callable[[str], None]) -> None:
        """What `bot setup` makes: the image, if there is one."""

    async def has(self, image: str) -> bool:
        return True

    async def start(self, spec: Spec) -> SampleNameContainer:
        pipe, key = asyncio.subprocess.PIPE, (spec.installation, spec.run)
        process = await asyncio.create_subprocess_exec(
            *self._command(spec), stdin=pipe, stdout=pipe, stderr=pipe
        )
        container = SampleNameContainer(process, lambda: self._started.pop(key, None))
        self._started[key] = container
        return container

    async def runs(self, installation: str) -> set[str]:
        return {run for owner, run in self._started if owner == installation}

    async def remove(self, installation: str, run: str) -> None:
        if (container := self._started.get((installation, run))) is not None:
            await container.end()

    async def close(self) -> None:
        """Nothing is held."""
