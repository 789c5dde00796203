"""What a group's container costs above a bare one: `python benchmarks/container_start.py`, with the
image built.

Both run the same command of the same image until its first output: the client's `docker run` with
nothing asked of it, and our runtime with all that a group's container has (mounts, limits, no
network, labels). Runs alternate; medians.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from uuid import uuid4

from bot.agents.container import ContainerAgent
from bot.groups import Group
from bot.runtimes import Spec
from bot.runtimes.docker import DockerRuntime
from bot.settings import load

ROUNDS = 15
COMMAND = ["python", "-c", "print(1)"]


def bare(image: str) -> float:
    """Seconds until the output of the client's own run."""
    begun = time.perf_counter()
    with subprocess.Popen(
        [os.environ.get("DOCKER", "docker"), "run", "--rm", "--interactive", image, *COMMAND],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout  # noqa: S101
        assert process.stdout.readline() == b"1\n"  # noqa: S101
        return time.perf_counter() - begun


async def ours(agent: ContainerAgent, runtime: DockerRuntime, image: str) -> float:
    """Seconds until the output of a group's container."""
    begun = time.perf_counter()
    mounts = agent._mounts(Group("main", "console:me", "Main"))
    spec = Spec(
        image=image,
        installation="benchmark",
        run=uuid4().hex,
        user="10001",
        command=COMMAND,
        mounts=mounts,
    )
    container = await runtime.start(spec)
    assert (await container.read())[1][:1] == b"1"  # noqa: S101
    took = time.perf_counter() - begun
    await container.end()
    return took


async def main() -> None:
    runtime = DockerRuntime()
    with tempfile.TemporaryDirectory() as folder:
        settings = load({"GRAFTBOT_DATA": folder}, Path(folder) / "none")
        (Path(folder) / "proxy").mkdir()
        agent = ContainerAgent(settings, runtime)
        pairs = [
            (bare(settings.agent_image), await ours(agent, runtime, settings.agent_image))
            for _ in range(ROUNDS)
        ]
    await runtime.close()
    plain, group = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(
        f"docker run: {plain * 1000:.0f} ms; a group's container: {group * 1000:.0f} ms; ratio "
        f"{group / plain:.2f}"
    )


if __name__ == "__main__":
    asyncio.run(main())
