"""The message path, with a channel and an agent in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from bot import assistant as module
from bot.assistant import ATTEMPTS, NO_ANSWER, Assistant
from bot.errors import Misconfigured, Undeliverable
from bot.messages import Receive, Turn
from bot.store import open_store
from bot.testing import FunctionAgent, MemoryChannel, message
from bot.workers import Backoff

QUICK = Backoff(first=0.001, most=0.002)


async def echo(turn: Turn) -> Sequence[str]:
    return [f"re: {m.text}" for m in turn.asked]


async def run(
    folder: Path, channel: MemoryChannel, agent: FunctionAgent | None = None, stop: asyncio.Event | None = None
) -> None:
    async with open_store(folder) as store:
        assistant = Assistant("Andy", store, [channel], agent or FunctionAgent(echo), QUICK)
        await asyncio.wait_for(assistant.run(stop or asyncio.Event(), grace=0.2), 20)


async def test_everything_is_answered_in_order_before_it_ends(tmp_path: Path) -> None:
    chats = [f"memory:{n}" for n in range(20)]
    channel = MemoryChannel([message(f"{n}", chat) for n in range(10) for chat in chats])
    await run(tmp_path, channel)
    for chat in chats:
        assert [text for to, text in channel.sent if to == chat] == [f"re: {n}" for n in range(10)]
    again = MemoryChannel(channel.incoming)
    await run(tmp_path, again)
    assert again.sent == [], "what was answered and delivered is neither answered nor sent again"


async def test_in_a_group_only_the_trigger_asks_and_the_rest_is_context(tmp_path: Path) -> None:
    turns: list[Turn] = []

    async def remember(turn: Turn) -> Sequence[str]:
        turns.append(turn)
        return ["yes"]

    texts = ["lunch?", "@Andyman, pizza", "pizza @andy", "@ANDY: which one", "the big one"]
    channel = MemoryChannel([message(text, direct=False) for text in texts])
    await run(tmp_path, channel, FunctionAgent(remember))
    assert channel.sent == [("memory:me", "yes")]
    assert [m.text for turn in turns for m in turn.messages] == texts[:4]
    assert [m.text for turn in turns for m in turn.asked] == ["@ANDY: which one"]


async def test_a_failing_agent_is_asked_again_and_then_the_chat_is_told_and_the_turn_waits(tmp_path: Path) -> None:
    calls = 0

    async def down(turn: Turn) -> Sequence[str]:
        nonlocal calls
        calls += 1
        raise ConnectionError("529")

    channel = MemoryChannel([message("first")])
    await run(tmp_path, channel, FunctionAgent(down))
    assert calls == ATTEMPTS
    assert channel.sent == [("memory:me", NO_ANSWER)]

    idle = MemoryChannel()
    await run(tmp_path, idle, FunctionAgent(down))
    assert (calls, idle.sent) == (ATTEMPTS, []), "told once, not at every start"

    later = MemoryChannel([message("second")])
    await run(tmp_path, later)
    assert [text for _, text in later.sent] == ["re: first", "re: second"]


async def test_sending_is_tried_again_in_order_and_a_lost_cause_does_not_hold_up_the_rest(tmp_path: Path) -> None:
    class Flaky(MemoryChannel):
        failures = 3

        def split(self, text: str) -> Sequence[str]:
            return text.split()

        async def send(self, chat: str, text: str) -> None:
            if text == "1" and self.failures:
                self.failures -= 1
                raise ConnectionError
            if chat == "memory:blocked":
                raise Undeliverable("the bot was blocked")
            await super().send(chat, text)

    channel = Flaky([message("1 2", "memory:a"), message("1 2", "memory:blocked"), message("3", "memory:a")])
    await run(tmp_path, channel)
    assert channel.sent == [("memory:a", text) for text in ("re:", "1", "2", "re:", "3")]
    again = MemoryChannel()
    await run(tmp_path, again)
    assert again.sent == []


async def test_a_lost_connection_is_made_again_and_one_that_only_the_owner_can_mend_ends_the_bot(
    tmp_path: Path,
) -> None:
    class Unsteady(MemoryChannel):
        connections = 0

        async def connect(self, receive: Receive) -> None:
            self.connections += 1
            if self.connections < 4:
                raise ConnectionError
            await super().connect(receive)
            if self.connections < 5:
                raise OSError

    channel = Unsteady([message("hi")])
    await run(tmp_path, channel)
    assert channel.connections == 5
    assert channel.sent == [("memory:me", "re: hi")], "brought twice, answered once"

    class Refused(MemoryChannel):
        async def connect(self, receive: Receive) -> None:
            raise Misconfigured("the token is refused")

    with pytest.raises(Misconfigured, match="token"):
        await run(tmp_path / "other", Refused())


async def test_typing_is_kept_alive_while_the_agent_works_and_its_failure_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TYPING_SECONDS", 0.01)
    shown = asyncio.Event()

    class Mute(MemoryChannel):
        async def typing(self, chat: str) -> None:
            await super().typing(chat)
            if len(self.shown) == 3:
                shown.set()
            raise ConnectionError

    channel = Mute([message("hi")])

    async def slow(turn: Turn) -> Sequence[str]:
        await shown.wait()
        return ["done"]

    await run(tmp_path, channel, FunctionAgent(slow))
    assert channel.sent == [("memory:me", "done")]


async def test_stop_lets_a_turn_end_and_leaves_what_does_not_end_to_the_next_start(tmp_path: Path) -> None:
    stop = asyncio.Event()

    async def slow(turn: Turn) -> Sequence[str]:
        stop.set()
        await asyncio.sleep(0.05 if turn.chat == "memory:quick" else 60)
        return ["done"]

    incoming = [message("hi", "memory:quick"), message("hi", "memory:slow")]
    channel = MemoryChannel(incoming, stays=True)
    await run(tmp_path, channel, FunctionAgent(slow), stop)
    assert channel.sent == [("memory:quick", "done")]
    after = MemoryChannel(incoming)
    await run(tmp_path, after)
    assert after.sent == [("memory:slow", "re: hi")]


async def test_a_chat_of_a_channel_that_is_gone_waits_for_it(tmp_path: Path) -> None:
    class Gone(MemoryChannel):
        name = "gone"

    async def never(turn: Turn) -> Sequence[str]:
        stop.set()
        await asyncio.sleep(60)
        return []

    stop = asyncio.Event()
    await run(tmp_path, Gone([message("hi", "gone:me")], stays=True), FunctionAgent(never), stop)
    other = MemoryChannel([message("hello")])
    await run(tmp_path, other)
    assert other.sent == [("memory:me", "re: hello")]
    back = Gone()
    await run(tmp_path, back)
    assert back.sent == [("gone:me", "re: hi")]
