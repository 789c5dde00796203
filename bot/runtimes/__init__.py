"""The interface of a runtime: starts containers, talks with them, and finds those that nobody talks
with any more.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Mount:
    source: Path
    target: str
    write: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """A container without capabilities that writes to its mounts, its home and /tmp alone.

    `installation` and `run` are labels; `memory` is in bytes; without `network` there is loopback
    alone.
    """

    image: str
    installation: str
    run: str
    user: str
    command: list[str] | None = None
    mounts: Sequence[Mount] = ()
    memory: int = 2 << 30
    processes: int = 256
    network: bool = False


class Container(Protocol):
    """A container that was started. Its standard input ends when the host lets go of it."""

    async def write(self, data: bytes) -> None:
        """To its standard input. Raises OSError if it has ended."""

    async def read(self) -> tuple[int, bytes]:
        """The next of its output, from 1 or 2 as in a shell; b"" at its end, or the engine's."""

    async def end(self) -> str:
        """Kill it if it runs, and remove it; how it ended, in words."""


class Runtime(Protocol):
    """Each method raises BotError where the engine cannot do what is asked."""

    async def prepare(self, say: Callable[[str], None]) -> None:
        """For `bot setup`: the image of the settings is there when this ends."""

    async def has(self, image: str) -> bool:
        """Whether containers can be started from it."""

    async def start(self, spec: Spec) -> Container: ...

    async def runs(self, installation: str) -> set[str]:
        """The runs of which a container is left, whatever its state."""

    async def remove(self, installation: str, run: str) -> None: ...

    async def close(self) -> None: ...


RUNTIMES = {
    "docker": "bot.runtimes.docker:DockerRuntime",
}
"""By the setting RUNTIME; each is imported when it is used, for its library is large. It is made
without an argument, and raises Misconfigured where it can never run.
"""
