"""One contract, which every runtime keeps: the Docker Engine, or what RUNTIME names, and the runtime
in memory.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pkgutil import resolve_name

import docker
import pytest
from doubles import MemoryRuntime
from engine import IMAGE
from runtime_contract import *  # noqa: F403  # the contract
from runtime_contract import echo

from bot.errors import BotError
from bot.runtimes import RUNTIMES, Runtime

PLACE = RUNTIMES[os.environ.get("RUNTIME") or "docker"]


@pytest.fixture
def image() -> str:
    return IMAGE


@pytest.fixture
async def walled(engine: docker.DockerClient) -> AsyncIterator[Runtime]:
    runtime: Runtime = resolve_name(PLACE)()
    yield runtime
    await runtime.close()


@pytest.fixture(params=["docker", "memory"])
def runtime(request: pytest.FixtureRequest) -> Runtime:
    if request.param == "memory":
        return MemoryRuntime(echo)
    walled: Runtime = request.getfixturevalue("walled")
    return walled


async def test_an_engine_that_is_not_there_is_a_reason_and_not_a_riddle(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    runtime: Runtime = resolve_name(PLACE)()
    with pytest.raises(BotError, match="cannot be reached"):
        await runtime.runs("x")
    await runtime.close()


async def test_an_engine_that_one_may_not_use_is_not_called_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def shut(connection: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setenv("DOCKER_HOST", "unix:///var/run/docker.sock")
    monkeypatch.setattr("docker.transport.unixconn.UnixHTTPConnection.connect", shut)
    with pytest.raises(BotError, match="cannot be reached") as caught:
        await resolve_name(RUNTIMES["docker"])().runs("x")
    assert "usermod -aG docker" in caught.value.hint
