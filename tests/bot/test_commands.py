"""Commands: done at once, said once, by whom may ask, and read by no agent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from doubles import FunctionAgent, MemoryChannel, message, register

from bot.assistant import Assistant
from bot.commands import COMMANDS, command
from bot.groups import Group
from bot.messages import Turn
from bot.store import Store, open_store

GROUP = Group("g", "memory:g", "G", "@Andy", senders=("7",))


class Slow(FunctionAgent):
    """Answers `slow` never, and all else with what it was asked; keeps what it has forgotten."""

    def __init__(self) -> None:
        super().__init__(self._reply)
        self.begun = asyncio.Event()
        self.ended: list[str] = []
        self.forgotten: list[tuple[str, str | None]] = []

    async def _reply(self, turn: Turn) -> Sequence[str]:
        if turn.asked[-1].text == "slow":
            self.begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                self.ended.append(turn.chat)
        return [" | ".join(one.text for one in turn.messages)]

    async def open(self, store: Store) -> None:
        self.store = store

    async def forget(self, folder: str) -> None:
        self.forgotten.append((folder, await self.store.session(folder)))


@asynccontextmanager
async def running(
    folder: Path,
) -> AsyncIterator[tuple[Assistant, MemoryChannel, Slow, Store]]:
    stop = asyncio.Event()
    async with open_store(folder) as store:
        await register(store, "memory:me")
        channel, agent = MemoryChannel(stays=True), Slow()
        assistant = Assistant(store, [channel], agent)
        task = asyncio.create_task(assistant.run(stop, grace=1))
        try:
            yield assistant, channel, agent, store
        finally:
            stop.set()
            await asyncio.wait_for(task, 30)


async def said(channel: MemoryChannel, most: int) -> list[str]:
    async with asyncio.timeout(30):
        while len(channel.sent) < most:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    return [text for _, text in channel.sent]


async def test_stop_ends_the_turn_which_is_not_asked_again(tmp_path: Path) -> None:
    async with running(tmp_path) as (assistant, channel, agent, store):
        await assistant.receive(message("/stop"))
        await assistant.receive(message("slow"))
        await agent.begun.wait()
        await assistant.receive(message("/status"))
        await assistant.receive(message("/stop", id_="again"))
        texts = await said(channel, 3)
        assert texts[0] == "I am not at work on anything here."
        assert "I am at work." in texts[1]
        assert "wait for an answer: 1" in texts[1]
        assert texts[2] == "Stopped."
        await assistant.receive(message("and now?"))
        assert (await said(channel, 4))[3] == "and now?", (
            "what was stopped and commands are no part"
        )
        assert agent.ended == ["memory:me"]
        assert await store.waiting() == []


async def test_new_ends_what_runs_and_forgets_the_session(tmp_path: Path) -> None:
    async with running(tmp_path) as (assistant, channel, agent, store):
        await store.remember("main", "a-session")
        await assistant.receive(message("slow"))
        await agent.begun.wait()
        await assistant.receive(message("/new"))
        assert (await said(channel, 1))[0].startswith("We begin anew. What I was at work on")
        assert agent.ended == ["memory:me"]
        assert agent.forgotten == [("main", "a-session")], "first: an answer may be under way"
        assert await store.session("main") is None


async def test_a_command_that_is_brought_again_is_answered_once(tmp_path: Path) -> None:
    async with running(tmp_path) as (assistant, channel, _, _):
        assert not await assistant.receive(message("/help"))
        assert not await assistant.receive(message("/help"))
        await assistant.receive(message("hello"))
        texts = await said(channel, 2)
        assert all(f"/{name} " in texts[0] for name in COMMANDS)
        assert texts[1] == "hello"


@pytest.mark.parametrize(
    ("text", "who", "bot", "name"),
    [
        ("/new", "7", False, "new"),
        (" /NEW ", "7", False, "new"),
        ("@Andy /stop.", "7", False, "stop"),
        ("/new what is this", "7", False, None),
        ("new", "7", False, None),
        ("/unknown", "7", False, None),
        ("/new@other_bot", "7", False, None),
        ("/new", "8", False, None),
        ("/new", "", False, None),
        ("/new", "7", True, None),
    ],
)
def test_what_is_a_command_and_whose(text: str, who: str, *, bot: bool, name: str | None) -> None:
    one = replace(message(text, direct=False), sender_id=who, bot=bot)
    assert command(GROUP, one) is (COMMANDS[name] if name else None)
