"""What the bot stands on goes away in mid-turn: nothing is lost, the owner is told, and nobody has
to help.
"""

from __future__ import annotations

import asyncio
import gc
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from typing import Any

import docker
import pytest
from daemon import AGENT, Daemon, root
from doubles import MemoryChannel, message
from engine import IMAGE, KEY
from fake_anthropic import Block, FakeAnthropic, default_reply

from bot.agents import ContainerAgent
from bot.assistant import Assistant
from bot.groups import Group
from bot.runtimes.docker import DockerRuntime
from bot.settings import Secret, Settings
from bot.store import Store, open_store
from bot.workers import Backoff

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
"""docker's library drops sockets that fail."""
OWNER, FRIENDS = "memory:owner", "memory:friends"


@pytest.fixture(scope="module")
def daemon(engine: docker.DockerClient) -> Iterator[Daemon]:
    """Where there is an engine for the other tests, another one can be started."""
    daemon = Daemon()
    try:
        daemon.start()
        daemon.load()
        yield daemon
    finally:
        daemon.remove()


@contextmanager
def small(folder: Path) -> Iterator[Path]:
    """A disk of 4 MB."""
    folder.mkdir()
    subprocess.run(
        root("mount", "-t", "tmpfs", "-o", "size=4m,mode=1777", "tmpfs", str(folder)), check=True
    )
    try:
        yield folder
    finally:
        subprocess.run(root("umount", str(folder)), check=True)


class Bot:
    """A bot that runs, with two chats, and the messenger that they are in."""

    def __init__(
        self, channel: MemoryChannel, assistant: Assistant, agent: ContainerAgent, store: Store
    ) -> None:
        self.channel, self.assistant, self.agent, self.store = channel, assistant, agent, store

    async def says(self, text: str, chat: str) -> None:
        await self.assistant.receive(message(text, chat))

    def heard(self, chat: str, text: str) -> int:
        """How often a chat was sent something with this text in it."""
        return sum(to == chat and text in said for to, said in self.channel.sent)

    async def until(self, *holds: Callable[[], object]) -> None:
        async with asyncio.timeout(600):
            for one in holds:
                while not one():  # noqa: ASYNC110  # another process makes it true
                    await asyncio.sleep(0.02)


@asynccontextmanager
async def running(data: Path, **settings: object) -> AsyncIterator[Bot]:
    """The bot as `bot run` has it, in a hurry."""
    configured = Settings(graftbot_data=data, anthropic_api_key=Secret(KEY), **settings)  # type: ignore[arg-type]
    async with open_store(data) as store:
        await store.register(Group("main", OWNER, "Owner"))
        await store.register(Group("friends", FRIENDS, "Friends"))
        channel, stop = MemoryChannel(stays=True), asyncio.Event()
        agent = ContainerAgent(configured, DockerRuntime())
        quick = Backoff(0.05, 0.1)
        assistant = Assistant(store, [channel], agent, quick, patience=Backoff(0.3, 0.5))
        work = asyncio.create_task(assistant.run(stop))
        try:
            yield Bot(channel, assistant, agent, store)
        finally:
            stop.set()
            await work
        assert await store.waiting() == await store.undelivered() == []
    gc.collect()  # while their warnings are ignored


async def test_the_engine_is_stopped_in_mid_turn_and_started_again(
    daemon: Daemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", daemon.url)
    monkeypatch.setattr("bot.agents.engine_watch.REAP_SECONDS", 0.2)
    async with running(tmp_path, agent_image=AGENT) as bot:
        await bot.says("SAY hello", OWNER)
        await bot.until(lambda: bot.heard(OWNER, "hello"))
        await bot.says("SAY one STAY", FRIENDS)
        room = tmp_path / "groups/friends"
        await bot.until((room / "stays").exists)
        await asyncio.to_thread(daemon.stop)
        await bot.says("SAY two", OWNER)
        await bot.until(
            lambda: bot.heard(OWNER, "could not answer in Friends"),
            lambda: bot.heard(OWNER, "could not answer in Owner"),
        )
        assert bot.heard(OWNER, "the Docker Engine cannot be reached")
        (room / "go").touch()
        await asyncio.to_thread(daemon.start)
        await bot.until(lambda: bot.heard(FRIENDS, "one"), lambda: bot.heard(OWNER, "two"))
        assert (bot.heard(FRIENDS, "one"), bot.heard(OWNER, "two")) == (1, 1)
        async with asyncio.timeout(600):  # what the engine's end has cut off is removed
            left: set[str] = set()
            while not len(left) == len(bot.agent._runs) == 2:
                left = await bot.agent._runtime.runs(bot.agent.installation)
            assert left == bot.agent._runs


async def test_the_disk_is_full_in_mid_turn_and_has_room_again(
    daemon: Daemon,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("DOCKER_HOST", daemon.url)
    with small(tmp_path / "data") as data:
        async with running(data, agent_image=AGENT) as bot:
            await bot.says("SAY one STAY CHATTER", FRIENDS)
            room = data / "groups/friends"
            await bot.until((room / "stays").exists)
            with (data / "ballast").open("wb", buffering=0) as ballast, suppress(OSError):
                while ballast.write(bytes(4096)):
                    pass
            await bot.until(lambda: "cannot be logged" in caplog.text)
            (room / "go").hardlink_to(room / "stays")  # which needs no room
            await bot.until(
                lambda: bot.heard(OWNER, "cannot write to my store: database or disk is full")
            )
            assert not bot.heard(FRIENDS, "one")
            (data / "ballast").unlink()
            await bot.until(lambda: bot.heard(FRIENDS, "one"))
            await bot.says("SAY two", FRIENDS)
            await bot.until(lambda: bot.heard(FRIENDS, "two"))
        assert (bot.heard(FRIENDS, "one"), bot.heard(FRIENDS, "two")) == (1, 1)


async def test_the_api_is_overloaded_refuses_the_key_says_nothing_and_is_well_again(
    engine: docker.DockerClient,
    tmp_path: Path,
    api: FakeAnthropic,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bot.turns.ATTEMPTS", 2)
    ills = cycle((529, 401))
    state = "silent"

    def reply(body: dict[str, Any]) -> list[Block] | int:
        return [] if state == "silent" else next(ills) if state == "ill" else default_reply(body)

    api.reply = reply
    settings = (
        tmp_path / "groups/friends/.claude/settings.json"
    )  # the agent's own: it asks once, not for a minute
    settings.parent.mkdir(parents=True)
    settings.write_text('{"env": {"CLAUDE_CODE_MAX_RETRIES": "0"}}')
    async with running(
        tmp_path, agent_image=IMAGE, anthropic_base_url=api.url, turn_seconds=4
    ) as bot:
        await bot.says("hello", FRIENDS)
        await bot.until(lambda: "no answer came within 4 seconds" in caplog.text)
        state, bot.agent._settings = "ill", replace(bot.agent._settings, turn_seconds=600)
        await bot.until(
            lambda: "API error 529" in caplog.text, lambda: "API error 401" in caplog.text
        )
        await bot.until(lambda: bot.heard(OWNER, "could not answer in Friends"))
        state = "well"
        await bot.until(lambda: bot.heard(FRIENDS, "echo: "))
        assert (bot.heard(FRIENDS, "echo: "), bot.heard(OWNER, "")) == (1, 1)
