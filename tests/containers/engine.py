"""A real Docker Engine with the agent's image, and what the tests ask of it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from pkgutil import resolve_name
from typing import Any
from uuid import uuid4

import docker
import pytest
from docker.errors import DockerException, ImageNotFound
from fake_anthropic import FakeAnthropic

from bot.agents import ContainerAgent
from bot.groups import Group
from bot.messages import Turn
from bot.runtimes import RUNTIMES, Runtime
from bot.settings import Secret, Settings
from bot.store import Store, open_store

__all__ = ["FAMILY", "IMAGE", "KEY", "MAIN", "World", "api", "engine", "turn", "world"]

RUNTIME = os.environ.get("RUNTIME") or "docker"
"""Another one, in a fork that has it, needs no engine."""
IMAGE = os.environ.get("AGENT_IMAGE") or "graftbot-agent"
KEY = f"sk-ant-{uuid4().hex}"
"""The real one; made anew each time, so that not even the tests' own files have it."""
MAIN = Group("main", "memory:main", "Main")
FAMILY = Group("family", "memory:family", "Family")


@pytest.fixture(scope="session")
def engine() -> Iterator[docker.DockerClient | None]:
    """The engine. Without it, or without the image: skips visibly, or fails in CI."""
    if RUNTIME != "docker":
        yield None
        return
    try:
        client = docker.from_env()
        client.images.get(IMAGE)
    except (DockerException, ImageNotFound) as error:
        reason = f"needs a Docker Engine with the image {IMAGE} (make image): {error}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with closing(client):
        yield client


@pytest.fixture
def api() -> Iterator[FakeAnthropic]:
    """A Messages API on loopback."""
    with FakeAnthropic() as fake:
        yield fake


def turn(prompt: str, group: Group = MAIN, **more: Any) -> Turn:
    """A turn as the host hands it to an agent."""
    return Turn(group.chat, (), (), 1, group, prompt, **more)


class RegisteringAgent(ContainerAgent):
    """Whoever it is asked by is registered, as it is then."""

    async def answer(self, turn: Turn) -> Sequence[str]:
        if self._store.group(turn.chat) != turn.group:
            await self._store.register(turn.group)
        return await super().answer(turn)


@dataclass(frozen=True)
class World:
    """A data directory, an API, and the agent between them."""

    data: Path
    api: FakeAnthropic

    @asynccontextmanager
    async def agent(
        self, runtime: Runtime | None = None, **settings: Any
    ) -> AsyncIterator[tuple[ContainerAgent, Store]]:
        """The agent as `bot run` has it, on RUNTIME if no other is named."""
        configured = Settings(
            **{
                "graftbot_data": self.data,
                "anthropic_api_key": Secret(KEY),
                "anthropic_base_url": self.api.url,
                "agent_image": IMAGE,
                **settings,
            }
        )
        async with open_store(self.data) as store:
            agent = RegisteringAgent(configured, runtime or resolve_name(RUNTIMES[RUNTIME])())
            await agent.open(store)
            try:
                yield agent, store
            finally:
                await agent.close()


@pytest.fixture
def world(api: FakeAnthropic, tmp_path: Path) -> World:
    """Somewhere for an agent to live; where mounts are written as text, such a path leads
    elsewhere.
    """
    return World(tmp_path / f"a home: {uuid4().hex}", api)
