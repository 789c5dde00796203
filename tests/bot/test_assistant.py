"""The message path, with a channel and an agent in memory."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from doubles import FunctionAgent, MemoryChannel, message, register

from bot import turns as module
from bot.assistant import Assistant
from bot.channels.refused import RefusedChannel
from bot.errors import Misconfigured, RefusedForNow, Undeliverable
from bot.groups import Group
from bot.messages import Message, Receive, Turn
from bot.store import open_store
from bot.transactions import Statement
from bot.turns import ATTEMPTS
from bot.workers import Backoff

QUICK = Backoff(first=0.001, most=0.002)


async def echo(turn: Turn) -> Sequence[str]:
    return [f"re: {m.text}" for m in turn.asked]


async def until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110  # what is waited for has no event
        await asyncio.sleep(0.01)


async def run(
    folder: Path,
    channel: MemoryChannel,
    agent: FunctionAgent | None = None,
    stop: asyncio.Event | None = None,
) -> None:
    async with open_store(folder) as store:
        await register(
            store, *dict.fromkeys(m.chat for m in channel.incoming if not store.group(m.chat))
        )
        assistant = Assistant(store, [channel], agent or FunctionAgent(echo), QUICK)
        await asyncio.wait_for(assistant.run(stop or asyncio.Event(), grace=0.2), 600)


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


async def test_after_five_failures_the_owner_is_told_once_in_main_and_the_turn_waits(
    tmp_path: Path,
) -> None:
    calls = 0

    async def down(turn: Turn) -> Sequence[str]:
        nonlocal calls
        calls += 1
        raise ConnectionError("529")

    async with open_store(tmp_path) as store:
        await register(store, "memory:owner", "memory:friends")
    channel = MemoryChannel([message("first", "memory:friends")])
    await run(tmp_path, channel, FunctionAgent(down))
    assert calls == ATTEMPTS
    ((chat, text),) = channel.sent
    assert chat == "memory:owner"
    assert "memory:friends" in text
    assert "ConnectionError" in text

    idle = MemoryChannel()
    await run(tmp_path, idle, FunctionAgent(down))
    assert (calls, idle.sent) == (2 * ATTEMPTS, []), "tried again at the next start, but told once"

    later = MemoryChannel([message("second", "memory:friends")])
    await run(tmp_path, later)
    assert later.sent == [("memory:friends", "re: first"), ("memory:friends", "re: second")]


async def test_an_attempt_that_fails_after_a_long_time_is_told_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LONG_SECONDS", 0.01)
    calls = 0

    async def silent(turn: Turn) -> Sequence[str]:
        nonlocal calls
        calls += 1
        await asyncio.sleep(0.05)
        raise TimeoutError

    channel = MemoryChannel([message("first")])
    await run(tmp_path, channel, FunctionAgent(silent))
    assert calls == 1
    assert "at attempt 1: TimeoutError at" in channel.sent[0][1]


async def test_who_was_put_off_is_answered_without_help_once_the_agent_works_again(
    tmp_path: Path,
) -> None:
    """By the clock, and as soon as another chat has been answered; a chat that fails by itself is
    left alone.
    """
    stop, broken = asyncio.Event(), True
    asked: list[str] = []

    async def unsteady(turn: Turn) -> Sequence[str]:
        asked.append(turn.chat)
        if broken or turn.chat == "memory:poison":
            raise ConnectionError("529")
        return ["yes"]

    channel = MemoryChannel(
        [message("hi", chat) for chat in ("memory:owner", "memory:b", "memory:poison")], stays=True
    )
    async with open_store(tmp_path) as store:
        await register(store, *(m.chat for m in channel.incoming))
        assistant = Assistant(
            store, [channel], FunctionAgent(unsteady), QUICK, patience=Backoff(0.05, 60)
        )
        running = asyncio.create_task(assistant.run(stop, 0.2))
        async with asyncio.timeout(600):
            await until(
                lambda: len([text for _, text in channel.sent if "given up for now" in text]) == 3
            )
            broken = False
            answered = {"memory:owner", "memory:b"}
            await until(lambda: {chat for chat, text in channel.sent if text == "yes"} == answered)
        before = asked.count("memory:poison")
        for n in range(20):
            await assistant.receive(message(f"{n}", "memory:b"))
            await asyncio.sleep(0.005)
        stop.set()
        await running
    assert asked.count("memory:poison") - before <= 3, "not once for every answer elsewhere"


async def test_a_message_that_arrives_during_a_turn_joins_it_and_is_answered_once(
    tmp_path: Path,
) -> None:
    class Joinable(FunctionAgent):
        joined = asyncio.Event()
        more: tuple[str, ...] = ()

        async def follow_up(self, turn: Turn) -> bool:
            self.more += tuple(m.text for m in turn.asked)
            self.joined.set()
            return True

    async def slow(turn: Turn) -> Sequence[str]:
        if not agent.more:
            await assistant.receive(message("and this"))
            await agent.joined.wait()
        return [f"{turn.asked[0].text} {' '.join(agent.more)}"]

    agent = Joinable(slow)
    channel = MemoryChannel([message("this")])
    async with open_store(tmp_path) as store:
        await register(store, "memory:me")
        assistant = Assistant(store, [channel], agent, QUICK)
        await asyncio.wait_for(assistant.run(asyncio.Event(), grace=0.2), 600)
        assert await store.waiting() == []
    assert channel.sent == [("memory:me", "this and this")]


async def test_a_follow_up_that_joined_a_turn_which_then_fails_is_asked_again(
    tmp_path: Path,
) -> None:
    class Forgetful(FunctionAgent):
        joined = asyncio.Event()

        async def follow_up(self, turn: Turn) -> bool:
            self.joined.set()
            return True

    async def dies(turn: Turn) -> Sequence[str]:
        if not agent.joined.is_set():
            await assistant.receive(message("second"))
            await agent.joined.wait()
            raise ConnectionError("the container was killed")
        return [m.text for m in turn.asked]

    agent = Forgetful(dies)
    channel = MemoryChannel([message("first")])
    async with open_store(tmp_path) as store:
        await register(store, "memory:me")
        assistant = Assistant(store, [channel], agent, QUICK)
        await asyncio.wait_for(assistant.run(asyncio.Event(), grace=0.2), 600)
    assert [text for _, text in channel.sent] == ["first", "second"]


async def test_who_is_registered_in_that_very_instant_is_answered(tmp_path: Path) -> None:
    async with open_store(tmp_path) as store:
        assistant = Assistant(store, [channel := MemoryChannel()], FunctionAgent(echo), QUICK)
        await store.write(*store.registered(Group("new", "memory:new", "New")))  # not read again
        assert await assistant.receive(message("hi", "memory:new"))
        await asyncio.wait_for(assistant.run(asyncio.Event()), 600)
    assert channel.sent == [("memory:new", "re: hi")]


async def test_only_registered_chats_and_trusted_senders_are_answered(tmp_path: Path) -> None:
    turns: list[Turn] = []

    async def remember(turn: Turn) -> Sequence[str]:
        turns.append(turn)
        return ["yes"]

    def said(text: str, chat: str, sender: str) -> Message:
        return Message(chat, text, "Anybody", text, datetime.now(UTC), False, sender)

    channel = MemoryChannel(
        [
            said("@andy stranger", "memory:unknown", "1"),
            said("@andy not mine to ask", "memory:open", "2"),
            said("@andy asked", "memory:open", "1"),
            said("@andy dropped", "memory:closed", "2"),
            said("@andy asked too", "memory:closed", "1"),
        ]
    )
    async with open_store(tmp_path) as store:
        await store.register(Group("open", "memory:open", "Open", "@Andy", senders=("1",)))
        await store.register(
            Group("closed", "memory:closed", "Closed", "@Andy", senders=("1",), drop=True)
        )
        await asyncio.wait_for(
            Assistant(store, [channel], FunctionAgent(remember), QUICK).run(asyncio.Event()), 600
        )
        assert await store.read("SELECT chat, name FROM known") == [("memory:unknown", "Anybody")]
        assert await store.read("SELECT count(*) FROM inbox WHERE text LIKE '%dropped'") == [(0,)]
    heard = {turn.chat: [m.text for m in turn.messages] for turn in turns}
    assert heard == {
        "memory:open": ["@andy not mine to ask", "@andy asked"],
        "memory:closed": ["@andy asked too"],
    }


async def test_a_store_that_cannot_be_written_loses_nothing_and_the_owner_is_told_meanwhile(
    tmp_path: Path,
) -> None:
    """A full disk, as SQLite reports it: its file may not grow by another page."""
    channel = MemoryChannel([message("x" * 50_000, id_="big"), message("small")])
    async with open_store(tmp_path) as store:
        await register(store, "memory:me")
        ((pages,),) = await store.read("PRAGMA page_count")
        await store.read(f"PRAGMA max_page_count = {pages}")
        running = asyncio.create_task(
            Assistant(store, [channel], FunctionAgent(echo), QUICK).run(asyncio.Event())
        )
        async with asyncio.timeout(600):
            await until(lambda: bool(channel.sent))
            assert "database or disk is full" in channel.sent[0][1]
            await store.read("PRAGMA max_page_count = 1000000")
            await running
    assert [text for _, text in channel.sent[1:]] == ["re: " + "x" * 50_000, "re: small"]


@pytest.mark.parametrize("after", ["delivery", "answer", "session"])
async def test_what_has_happened_is_not_done_again_for_a_store_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: str
) -> None:
    """The disk is full from the moment on in which something was paid or delivered."""
    done: list[str] = []

    async with open_store(tmp_path) as store:
        write, refusals = store.write, 0

        async def refused(*statements: Statement) -> int:
            nonlocal refusals
            if after in done and refusals < 5:
                refusals += 1
                error = sqlite3.OperationalError("database or disk is full")
                error.sqlite_errorcode = sqlite3.SQLITE_FULL
                raise error
            return await write(*statements)

        class Delivering(MemoryChannel):
            async def send(self, chat: str, text: str) -> None:
                await super().send(chat, text)
                done.append("delivery")

        async def answer(turn: Turn) -> Sequence[str]:
            done.append("answer")
            if after == "session":
                done.append(after)
                await store.remember(turn.group.folder, "s")
            return ["yes"]

        monkeypatch.setattr(store, "write", refused)
        channel = Delivering([message("hello")])
        await register(store, "memory:me")
        assistant = Assistant(store, [channel], FunctionAgent(answer), QUICK)
        await asyncio.wait_for(assistant.run(asyncio.Event()), 60)
    assert refusals == 5
    assert done.count("answer") == 1
    assert channel.sent == [("memory:me", "yes")]


async def test_sending_is_tried_again_in_order_and_a_lost_cause_does_not_hold_up_the_rest(
    tmp_path: Path,
) -> None:
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

    channel = Flaky(
        [message("1 2", "memory:a"), message("1 2", "memory:blocked"), message("3", "memory:a")]
    )
    await run(tmp_path, channel)
    notices = [text for _, text in channel.sent if "can never be delivered" in text]
    assert len(notices) == 1, "the owner is told, once"
    sent = [text for _, text in channel.sent if text not in notices]
    assert sent == ["re:", "1", "2", "re:", "3"]
    again = MemoryChannel()
    await run(tmp_path, again)
    assert again.sent == []


async def test_what_a_chat_refuses_for_now_waits_for_days_and_not_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Muted(MemoryChannel):
        attempts = 0
        muted = True

        async def send(self, chat: str, text: str) -> None:
            if chat == "memory:b" and self.muted:
                self.attempts += 1
                raise RefusedForNow("not enough rights")
            await super().send(chat, text)

    def told(channel: Muted) -> list[str]:
        return [text for chat, text in channel.sent if chat == "memory:a"]

    monkeypatch.setattr("bot.assistant.PATIENCE", QUICK)
    channel, stop = Muted([message(text, "memory:b") for text in "12"], stays=True), asyncio.Event()
    async with open_store(tmp_path) as store:
        await register(store, "memory:a", "memory:b")
        assistant = Assistant(store, [channel], FunctionAgent(echo), QUICK)
        running = asyncio.create_task(assistant.run(stop))
        await until(lambda: channel.attempts > 20)
        assert len(told(channel)) == 1
        assert "I go on trying" in told(channel)[0], "the owner is told once, and it waits"
        channel.muted = False
        await until(lambda: len(channel.sent) == 3)
        assert channel.sent[1:] == [("memory:b", "re: 1"), ("memory:b", "re: 2")]
        channel.muted, channel.attempts = True, 0
        await assistant.receive(message("3", "memory:b"))
        await until(lambda: channel.attempts > 1)
        await store.write(("UPDATE chats SET refused_since = '2026-01-01T00:00:00.000+00:00'", ()))
        await until(lambda: "have given up" in told(channel)[-1])
        assert channel.attempts > 10, "a clock that was set forward gives nothing up at once"
        await assistant.receive(message("4", "memory:b"))
        while await store.undelivered():  # noqa: ASYNC110  # what is waited for has no event
            await asyncio.sleep(0.01)
        assert len(told(channel)) == 3, "of what follows it is not said again"
        channel.muted = False
        await assistant.receive(message("5", "memory:b"))
        await until(lambda: channel.sent[-1] == ("memory:b", "re: 5"))
        ((since,),) = await store.read("SELECT refused_since FROM chats WHERE chat = 'memory:b'")
        assert since is None
        stop.set()
        await running


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


async def test_a_channel_that_only_the_owner_can_mend_is_said_and_the_others_answer(
    tmp_path: Path,
) -> None:
    reason = Misconfigured("TOKEN is no token", hint="set TOKEN")
    channel = MemoryChannel([message("hi")])
    async with open_store(tmp_path) as store:
        await register(store, "memory:me", "other:you")
        await store.send("other:you", "good morning")
        assistant = Assistant(
            store, [RefusedChannel("other", reason), channel], FunctionAgent(echo), QUICK
        )
        with pytest.raises(Misconfigured, match="TOKEN is no token"):
            await asyncio.wait_for(assistant.run(asyncio.Event()), 600)
        assert await store.undelivered() == ["other:you"]
    assert ("memory:me", "re: hi") in channel.sent
    (told,) = [text for _, text in channel.sent if not text.startswith("re:")]
    assert told.startswith("The channel other does not run: TOKEN is no token; set TOKEN.")


@pytest.mark.parametrize(
    ("fifth", "said"),
    [
        (OSError("no watches are left"), "5 times: OSError at test_assistant.py"),
        (sqlite3.OperationalError("database is locked"), "6 times: it has ended"),
    ],
)
async def test_a_service_that_fails_or_ends_is_begun_again_and_the_owner_is_told_once(
    tmp_path: Path, fifth: Exception, said: str
) -> None:
    """Once, and not of a store that is locked: that is said otherwise, and not in its place."""
    stop, begun = asyncio.Event(), 0

    async def breaks() -> None:
        nonlocal begun
        begun += 1
        if begun % 2:
            raise fifth if begun == 5 else OSError("no watches are left")
        if begun == 10:
            await asyncio.Event().wait()  # from here on it does what it should

    channel = MemoryChannel(stays=True)
    async with open_store(tmp_path) as store:
        await register(store, "memory:owner", "memory:friends")
        assistant = Assistant(store, [channel], FunctionAgent(echo), QUICK)
        running = asyncio.create_task(assistant.run(stop, 0.2, beside=[("Watcher", breaks)]))
        async with asyncio.timeout(600):
            await until(lambda: begun == 10 and bool(channel.sent))
        stop.set()
        await running
    ((chat, text),) = channel.sent
    assert chat == "memory:owner"
    assert f"Watcher has failed {said}" in text


async def test_a_service_that_only_the_owner_can_mend_ends_the_bot(tmp_path: Path) -> None:
    async def refused() -> None:
        raise Misconfigured("the port is taken")

    async with open_store(tmp_path) as store:
        assistant = Assistant(store, [MemoryChannel(stays=True)], FunctionAgent(echo), QUICK)
        with pytest.raises(Misconfigured, match="port"):
            await asyncio.wait_for(
                assistant.run(asyncio.Event(), beside=[("Listener", refused)]), 600
            )


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


async def test_stop_lets_a_turn_end_and_leaves_what_does_not_end_to_the_next_start(
    tmp_path: Path,
) -> None:
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


async def test_others_are_served_while_an_answer_that_is_hard_to_read_is_cut(
    tmp_path: Path,
) -> None:
    """Of a hostile agent's Markdown, whose reading takes long; and a bound for its length."""
    begun, goes_on = threading.Event(), threading.Event()

    class Slow(MemoryChannel):
        def split(self, text: str) -> list[str]:
            if text.startswith("hard"):
                begun.set()
                goes_on.wait(10)
            return [text]

    async def answer(turn: Turn) -> list[str]:
        return ["hard" * 100_000 if turn.chat.endswith("ada") else "easy"]

    async with open_store(tmp_path) as store:
        channel = Slow(stays=True)
        for name in ("ada", "bob"):
            await register(store, f"memory:{name}")
        assistant, stop = Assistant(store, [channel], FunctionAgent(answer)), asyncio.Event()
        running = asyncio.create_task(assistant.run(stop))
        await assistant.receive(message("hello", "memory:ada"))
        await asyncio.to_thread(begun.wait, 10)
        await assistant.receive(message("hello", "memory:bob"))
        await until(lambda: ("memory:bob", "easy") in channel.sent)
        assert len(channel.sent) == 1
        goes_on.set()
        await until(lambda: len(channel.sent) == 2)
        assert channel.sent[1][1] == f"{'hard' * 50_000} [200000 more characters]"
        stop.set()
        await running
