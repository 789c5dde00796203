"""An engine, or an image, that is back is seen at once, and what waited for it is asked, whatever patience the
bot would have had.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from doubles import MemoryChannel, MemoryContainer, MemoryRuntime, message
from engine import KEY
from test_container_session import runtime as answering

from bot.agents import ContainerAgent
from bot.assistant import Assistant
from bot.errors import BotError
from bot.groups import Group
from bot.runtimes import Spec
from bot.settings import Secret, Settings
from bot.store import open_store
from bot.workers import Backoff

GONE = BotError("the Docker Engine cannot be reached: gone")


class NoImage(BotError):
    """There is an engine, and nothing to start."""


class Fickle(MemoryRuntime):
    """An engine that goes and comes, itself or its image, and counts how often it was asked for
    while it was gone.
    """

    there, asked = True, 0

    def __init__(self, lacks: BotError) -> None:
        super().__init__(answering()._program)
        self.lacks = lacks

    def _reached(self) -> None:
        if not self.there:
            self.asked += 1
            raise self.lacks

    async def has(self, image: str) -> bool:
        with suppress(NoImage):
            self._reached()
        return self.there

    async def start(self, spec: Spec) -> MemoryContainer:
        self._reached()
        return await super().start(spec)

    async def runs(self, installation: str) -> set[str]:
        with suppress(NoImage):
            self._reached()
        return await super().runs(installation)


async def until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110  # what is waited for has no event
        await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    "lacks", [GONE, NoImage("there is no such image")], ids=["engine", "image"]
)
async def test_a_message_that_waits_is_answered_seconds_after_the_engine_or_the_image_is_back(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    lacks: BotError,
) -> None:
    monkeypatch.setattr("bot.agents.engine_watch.LOST_SECONDS", 0.05)
    fickle = Fickle(lacks)
    fickle.there = False
    settings = Settings(graftbot_data=tmp_path, anthropic_api_key=Secret(KEY))
    async with open_store(tmp_path) as store:
        await store.register(Group("main", "memory:owner", "Owner"))
        await store.register(Group("friends", "memory:friends", "Friends"))
        channel, stop = MemoryChannel(stays=True), asyncio.Event()
        day = 86_400.0
        assistant = Assistant(
            store,
            [channel],
            ContainerAgent(settings, fickle),
            Backoff(0.01, 0.02),
            patience=Backoff(day, day),
        )
        work = asyncio.create_task(assistant.run(stop))
        await assistant.receive(message("anybody?", "memory:friends"))
        await until(lambda: any("Friends" in text for _, text in channel.sent))
        asked = fickle.asked
        await until(lambda: fickle.asked > asked + 30)
        assert len([one for one in caplog.records if "looked after" in one.getMessage()]) <= 1
        fickle.there = True
        await until(lambda: any(chat == "memory:friends" for chat, _ in channel.sent))
        stop.set()
        await work


@pytest.mark.parametrize("room", ["groups/main", "groups/global", "sessions/main", "ipc/main"])
@pytest.mark.parametrize("stands", ["file", "link that leads nowhere"])
async def test_what_stands_in_the_place_of_a_folder_is_named_to_the_owner(
    tmp_path: Path, room: str, stands: str
) -> None:
    place = tmp_path / room
    place.parent.mkdir()
    if stands == "file":
        place.touch()
    else:
        place.symlink_to(tmp_path / "nowhere")
    agent = ContainerAgent(Settings(graftbot_data=tmp_path), Fickle(GONE))
    with pytest.raises(BotError, match=f"{place} cannot be the agent's /") as caught:
        agent._mounts(Group("main", "memory:owner", "Owner"))
    assert "put a folder there" in caught.value.hint
    place.unlink()
    assert agent._mounts(Group("main", "memory:owner", "Owner"))
