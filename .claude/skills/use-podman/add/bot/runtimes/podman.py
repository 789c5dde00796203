"""Containers by Podman, which speaks the Docker Engine's API on a socket of its own."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from docker.types import Ulimit

from bot.errors import BotError
from bot.runtimes import Spec
from bot.runtimes.docker import DockerContainer, DockerRuntime
from bot.runtimes.seccomp import PROFILE

PROCESSES, SETTLED_SECONDS = 4_096, 3
T = TypeVar("T")


def place() -> str:
    """Where Podman listens for this user."""
    run = Path(os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}")
    return f"unix://{(Path('/run') if os.getuid() == 0 else run) / 'podman/podman.sock'}"


class PodmanContainer(DockerContainer):
    """Of one that has ended by itself, Podman may not know so yet: it is given a moment."""

    async def end(self) -> str:
        if self._reader.at_eof():
            wait = partial(self._runtime.client.wait, self._identity, timeout=SETTLED_SECONDS)
            with suppress(BotError):
                await self._runtime.call(wait)
        return await super().end()


class PodmanRuntime(DockerRuntime):
    """Docker's runtime, at Podman's socket: that of DOCKER_HOST, or the user's own."""

    def __init__(self) -> None:
        super().__init__()
        os.environ.setdefault("DOCKER_HOST", place())  # also for whoever builds the image
        self._profile = Path(tempfile.mkdtemp(prefix="graftbot-podman-")) / "seccomp.json"
        self._profile.write_text(PROFILE, "utf-8")

    def host_config(self, spec: Spec) -> dict[str, Any]:
        config = super().host_config(spec)
        config["SecurityOpt"] = ["no-new-privileges", f"seccomp={self._profile}"]  # a file's name
        if os.getuid():  # what the agent writes is the bot's user's
            config["UsernsMode"] = "keep-id"
        else:  # of the user who is nobody but agents; Podman would ask for more than it may have
            config["Ulimits"] += [Ulimit(name="nproc", soft=PROCESSES, hard=PROCESSES)]
        return config

    async def call(self, ask: Callable[[], T], attempts: int = 3) -> T:
        try:
            return await super().call(ask)
        except BotError as error:
            hint = error.hint
            if "could not be stopped" in error.message and attempts > 1:  # it was ending just then
                await asyncio.sleep(1)
                return await self.call(ask, attempts - 1)
            if "catatonit" in error.message:
                hint = "install it (Debian: apt install catatonit)"
            elif "cannot be reached" in error.message:
                hint = "let it listen: systemctl --user enable --now podman.socket"
            what = error.message.replace("the Docker Engine", "Podman", 1)
            raise BotError(what, hint=hint) from error

    async def start(self, spec: Spec) -> DockerContainer:
        one = await super().start(spec)
        return PodmanContainer(one._runtime, one._identity, one._reader, one._writer)

    async def close(self) -> None:
        await super().close()
        shutil.rmtree(self._profile.parent, ignore_errors=True)
