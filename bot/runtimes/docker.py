"""Containers by the Docker Engine, through its SDK."""

import asyncio
import socket
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypeVar

import docker
from docker.errors import APIError, DockerException, ImageNotFound, NotFound
from docker.types import LogConfig, Ulimit
from docker.types import Mount as Bind

from bot.errors import BotError
from bot.runtimes import Spec
from bot.runtimes.seccomp import PROFILE

INSTALLATION, RUN = "graftbot.installation", "graftbot.run"
LIMITS = {"core": 0, "nofile": 8_192, "msgqueue": 0, "sigpending": 512}
"""What else a process may have; the last two are counted for all of a user's processes, of which
the bot may be one.
"""
BUILD = Path(__file__).parents[2] / "container/build.py"
ABSENT = (
    "install Docker and start it, so that `docker info` works for you "
    "(https://docs.docker.com/engine)"
)
SHUT = (
    "let this user talk to it, so that `docker info` works: as root, usermod -aG docker USER; then "
    "log in anew"
)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class DockerContainer:
    """A container and the socket that its streams come through, each piece of output with a header
    of eight bytes.
    """

    _runtime: "DockerRuntime"
    _identity: str
    _reader: asyncio.StreamReader
    _writer: asyncio.StreamWriter

    async def write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def read(self) -> tuple[int, bytes]:
        try:
            header = await self._reader.readexactly(8)
            return header[0], await self._reader.readexactly(int.from_bytes(header[4:], "big"))
        except (asyncio.IncompleteReadError, OSError):
            return 1, b""

    async def end(self) -> str:
        self._writer.close()
        return await self._runtime.call(self._end)

    def _end(self) -> str:
        client = self._runtime.client
        try:
            state = client.inspect_container(self._identity)["State"]
            client.remove_container(self._identity, force=True, v=True)
        except NotFound:
            return "was removed by somebody else"
        if state["Running"]:
            return "was stopped"
        return "had no memory left" if state["OOMKilled"] else f"ended with {state['ExitCode']}"


class DockerRuntime:
    """Talks with the engine in threads of its own, and with containers through sockets in the event
    loop.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(4, "docker")

    @cached_property
    def client(self) -> docker.APIClient:
        """Made in a thread when it is first used: it asks the engine which version it speaks."""
        return docker.from_env(timeout=30).api

    async def call(self, ask: Callable[[], T]) -> T:
        """Ask the engine; BotError for whatever it, or the way to it, says."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, ask)
        except ImageNotFound as error:
            raise BotError(
                f"there is no such image: {error.explanation}", hint="build it: bot setup"
            ) from error
        except APIError as error:
            raise BotError(f"the Docker Engine refuses: {error.explanation}") from error
        except (DockerException, OSError) as error:
            hint = SHUT if PermissionError.__name__ in str(error) else ABSENT
            raise BotError(f"the Docker Engine cannot be reached: {error}", hint=hint) from error

    async def prepare(self, say: Callable[[str], None]) -> None:
        build = await asyncio.create_subprocess_exec(sys.executable, BUILD, "--if-outdated")
        if await build.wait():
            raise BotError("the agent's image is not built", hint="see above why, and set up again")

    async def has(self, image: str) -> bool:
        def look() -> bool:
            inspect: Any = self.client.inspect_image
            try:
                return bool(inspect(image))
            except ImageNotFound:
                return False

        return await self.call(look)

    async def start(self, spec: Spec) -> DockerContainer:
        identity, end = await self.call(partial(self._start, spec))
        end.setblocking(False)
        streams = await asyncio.open_connection(sock=end, limit=1 << 20)
        return DockerContainer(self, identity, *streams)

    async def runs(self, installation: str) -> set[str]:
        label = {"label": f"{INSTALLATION}={installation}"}
        found = await self.call(lambda: self.client.containers(all=True, filters=label))
        return {container["Labels"].get(RUN, "") for container in found}

    async def remove(self, installation: str, run: str) -> None:
        await self.call(partial(self._remove, [f"{INSTALLATION}={installation}", f"{RUN}={run}"]))

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        if "client" in self.__dict__:
            self.client.close()

    def _remove(self, labels: list[str]) -> None:
        for container in self.client.containers(all=True, filters={"label": labels}):
            with suppress(NotFound):
                self.client.remove_container(container["Id"], force=True, v=True)

    def host_config(self, spec: Spec) -> dict[str, Any]:
        """The walls and limits of a container, in the words of the engine's API."""
        config: dict[str, Any] = self.client.create_host_config(
            mounts=[
                Bind(mount.target, str(mount.source), "bind", not mount.write)
                for mount in spec.mounts
            ],
            tmpfs={"/tmp": "rw,exec,mode=1777", "/home/agent": "rw,mode=1777"},  # noqa: S108  # counted as its memory
            read_only=True,
            cap_drop=["ALL"],
            security_opt=["no-new-privileges", f"seccomp={PROFILE}"],
            network_mode="bridge" if spec.network else "none",
            mem_limit=spec.memory,
            memswap_limit=spec.memory,
            nano_cpus=10**9,
            pids_limit=spec.processes,
            ulimits=[Ulimit(name=name, soft=most, hard=most) for name, most in LIMITS.items()],
            log_config=LogConfig(type="none"),  # the engine's own would fill the disk
            init=True,
        )
        return config

    def _start(self, spec: Spec) -> tuple[str, socket.socket]:
        client, host = self.client, self.host_config(spec)
        about = {"labels": {INSTALLATION: spec.installation, RUN: spec.run}, "user": spec.user}
        make: Any = client.create_container
        made = make(spec.image, spec.command, stdin_open=True, host_config=host, **about)
        identity: str = made["Id"]
        # the SDK asks for StdinOnce: the container's input ends with us, and no orphan outlives us
        # for long
        try:
            streams = dict.fromkeys(("stdin", "stdout", "stderr", "stream"), 1)
            attached: Any = client.attach_socket(identity, streams)
            client.start(identity)
        except BaseException:
            client.remove_container(identity, force=True, v=True)
            raise
        theirs: socket.socket = attached._sock
        own = theirs.dup()  # the event loop's alone
        attached._response.close()
        theirs.close()
        return identity, own
