"""Which conversation a container that is started goes on with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from doubles import MemoryRuntime

from bot.agents.container import ContainerAgent
from bot.groups import Group
from bot.messages import Turn
from bot.settings import Secret, Settings
from bot.store import open_store

GROUP = Group("main", "memory:main", "Main")


@pytest.mark.parametrize("late", [False, True], ids=["as it was", "left while it is read"])
async def test_a_container_goes_on_with_what_was_not_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, late: bool
) -> None:
    """`/new` comes between the reading of the session and the container that is told it."""
    told: list[str | None] = []

    async def program(stdin, write) -> int:  # type: ignore[no-untyped-def]
        said = json.loads(await stdin.readline())
        told.append(said["session"])
        answer = {"type": "result", "turn": said["turn"], "text": "hi", "session": "newer"}
        write(1, b"\n---GRAFTBOT-RESULT---\n" + json.dumps(answer).encode() + b"\n---END---\n")
        await stdin.readline()
        return 0

    settings = Settings(graftbot_data=tmp_path, anthropic_api_key=Secret("k"))
    async with open_store(tmp_path) as store:
        await store.register(GROUP)
        await store.remember("main", "old")
        agent = ContainerAgent(settings, MemoryRuntime(program))
        await agent.open(store)
        read = store.session

        async def session(folder: str) -> str | None:
            found = await read(folder)
            if late and not told:
                monkeypatch.setattr(store, "session", read)
                await agent.forget(folder)
                await store.remember(folder, None)
            return found

        monkeypatch.setattr(store, "session", session)
        assert await agent.answer(Turn(GROUP.chat, (), (), 1, GROUP, "hello")) == ["hi"]
        assert told == [None if late else "old"]
        assert await read("main") == "newer"
        await agent.close()
