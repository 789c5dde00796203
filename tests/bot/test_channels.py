"""What every channel keeps to: nothing that comes in holds up what follows, and chats that have
another name go on.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Self

import pytest
from doubles import MemoryChannel, message, register

from bot import run
from bot.agents import OfflineAgent
from bot.assistant import Assistant
from bot.channels.kept import Kept
from bot.channels.refused import RefusedChannel
from bot.errors import BotError, Misconfigured
from bot.groups import Group
from bot.messages import Message
from bot.migrations import WORDS
from bot.paths import Paths
from bot.settings import Settings
from bot.store import Store, open_store
from bot.tools import Host, call

SECRET = "my PIN is 4711"


class Told(MemoryChannel):
    """A channel that keeps what the owner is told."""

    def __init__(self) -> None:
        super().__init__()
        self.notices: list[str] = []
        self.tell = self._keep

    async def _keep(self, text: str) -> None:
        self.notices.append(text)


@pytest.mark.parametrize(
    "error",
    [
        ValueError(SECRET),
        UnicodeEncodeError("utf-8", SECRET, 0, 1, "surrogates not allowed"),
        KeyError(SECRET),
        sqlite3.DataError(SECRET),
        sqlite3.InterfaceError(SECRET),
        sqlite3.IntegrityError(SECRET),
        RecursionError(SECRET),
    ],
)
async def test_a_message_that_can_never_be_taken_in_is_skipped_and_said_once(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    async def receive(one: Message) -> bool:
        if one.text == SECRET:
            raise error
        return True

    channel = Told()
    assert [await channel.hand_over(receive, message(text)) for text in (SECRET, SECRET, "b")] == [
        False,
        False,
        True,
    ]
    (notice,) = channel.notices
    assert type(error).__name__ in notice
    assert SECRET not in notice + caplog.text


@pytest.mark.parametrize(
    "error", [OSError("disk"), TimeoutError(), sqlite3.OperationalError("database or disk is full")]
)
async def test_what_passes_is_raised_and_the_message_comes_again(error: Exception) -> None:
    async def receive(one: Message) -> bool:
        raise error

    channel = Told()
    with pytest.raises(type(error)):
        await channel.hand_over(receive, message("a"))
    assert channel.notices == []


async def test_a_message_has_no_half_characters() -> None:
    whole = replace(message("\ud83d\ude00"), sender="a\udc00", quoted="\ud83d x")
    assert (whole.text, whole.sender, whole.quoted) == ("😀", "a\ufffd", "\ufffd x")


def assistant(store: Store) -> tuple[Assistant, MemoryChannel]:
    channel = MemoryChannel()
    return Assistant(store, [channel], OfflineAgent(Settings())), channel


async def test_a_chat_with_another_name_keeps_all_that_it_has(tmp_path: Path) -> None:
    async with open_store(tmp_path) as store:
        _, channel = assistant(store)
        await register(store, "memory:me", "memory:old", trigger=None)
        await store.take_in(message("1", "memory:old"), asks=True)
        assert await channel.moved("memory:old", "memory:new")
        assert not await channel.moved("memory:stranger", "memory:other")
        group = store.group("memory:new")
        assert group is not None
        assert group.folder == "group-1"
        assert store.group("memory:old") == group
        assert await store.waiting() == ["memory:new"]
        assert await store.take_in(message("1", "memory:new"), asks=True), "counted anew"
        await channel.moved("memory:new", "memory:newest")
        assert store.group("memory:old") == store.group("memory:newest") is not None
        await channel.moved("memory:newest", "memory:old")
        back = store.group("memory:old")
        assert back is not None
        assert back.chat == "memory:old"
    async with open_store(tmp_path) as store:
        assert store.group("memory:newest") == back


async def test_a_topic_has_a_folder_of_its_own_and_the_rules_of_its_chat(tmp_path: Path) -> None:
    async with open_store(tmp_path) as store:
        bot, _ = assistant(store)
        await register(store, "memory:me", "memory:forum")
        first = message("@Andy hi", "memory:forum:7", direct=False)
        assert await bot.receive(first)
        assert not await bot.receive(message("hi", "memory:other:7", direct=False))
        topic = store.group("memory:forum:7")
        assert topic is not None
        assert (topic.folder, topic.trigger, topic.topic) == ("group-1-topic-7", "@Andy", True)
        whole = Group("group-1", "memory:forum", "F", "@Bea", ("9",), drop=True)
        await store.register(whole)
        assert not await bot.receive(replace(first, id="2", text="@Bea hi"))
        assert await bot.receive(replace(first, id="3", text="@Bea hi", sender_id="9"))
        await store.write(("DELETE FROM groups WHERE chat = ?", ("memory:forum",)))
        await store.load_groups()
        assert store.group("memory:forum:7") is None


async def test_topics_move_and_go_with_their_chat(tmp_path: Path) -> None:
    async with open_store(tmp_path) as store:
        bot, channel = assistant(store)
        await register(store, "memory:me", "memory:forum", trigger=None)
        await bot.receive(message("hi", "memory:forum:7"))
        assert await channel.moved("memory:forum", "memory:newer")
        topic = store.group("memory:newer:7")
        assert topic is not None
        assert topic.folder == "group-1-topic-7"
        assert "memory:newer:7" in await store.waiting(), "what was asked there goes along"
        host = Host(store, bot, Paths(tmp_path), Settings())
        task = {"prompt": "p", "kind": "interval", "value": "60"}
        await carried_out(host, topic, "schedule_task", task)
        main, remove = store.group("memory:me"), {"chat": "memory:newer", "remove": True}
        assert main is not None
        with pytest.raises(BotError, match="has 1 tasks"):
            await carried_out(host, main, "register_group", remove)
        await carried_out(host, main, "register_group", {**remove, "cancel_tasks": True})
        assert await store.read("SELECT folder FROM groups") == [("main",)]
        assert await store.read("SELECT status FROM tasks") == [("cancelled",)]


async def test_what_is_said_in_a_topic_goes_along_though_its_chat_is_registered_no_more(
    tmp_path: Path,
) -> None:
    async with open_store(tmp_path) as store:
        bot, channel = assistant(store)
        await register(store, "memory:me", "memory:forum", trigger=None)
        await bot.receive(message("hi", "memory:forum:7"))
        turn = await store.turn("memory:forum:7")
        assert turn is not None
        await store.send("memory:forum:7", "before")
        await store.write(("DELETE FROM groups WHERE folder != 'main'", ()))
        await store.load_groups()
        assert await channel.moved("memory:forum", "memory:newer")
        await store.answered(turn, ["after"])
        assert await store.undelivered() == ["memory:newer:7"]
        assert await store.waiting() == []


MOVES = (("a", "b"), ("b", "c"), ("c", "a"), ("b:7", "d"), ("a", "e"), ("e", "b"), ("f", "b"))


async def test_the_store_and_its_statements_call_each_chat_the_same(tmp_path: Path) -> None:
    asked = f"SELECT {WORDS['called'].format('?1')}"
    names = [f"memory:{one}{topic}" for one in "abcdefg" for topic in ("", ":7", ":8")]
    async with open_store(tmp_path) as store:
        await store.write(("INSERT INTO moved VALUES (?, ?)", ("memory:g:7", "memory:a:7")))
        for old, new in MOVES:
            for name in names:
                await store.send(name, name)
            await store.write(*store.rekeyed(f"memory:{old}", f"memory:{new}"))
            await store.load_groups()
            for name in names:
                ((said,),) = await store.read(asked, (name,))
                assert said == store.called(name), (old, new)
                assert store.called(said) == said, "there is no older name behind it"
            left = {name for name in await store.undelivered() if store.called(name) != name}
            assert left == set()


async def carried_out(host: Host, group: Group, tool: str, given: Mapping[str, object]) -> None:
    effect = await call(host, group, tool, given)
    await host.store.write(*effect.statements)
    if effect.afterwards:
        await effect.afterwards()


async def test_what_a_channel_keeps_outlives_it_and_is_its_owners_alone(tmp_path: Path) -> None:
    file = tmp_path / "data/some.json"
    kept = Kept(file)
    await asyncio.gather(*(kept.put(f"chat {n}", str(n)) for n in range(5)))
    await kept.put("chat 1", "new")
    again = Kept(file)
    assert again.all() == {**{f"chat {n}": str(n) for n in range(5)}, "chat 1": "new"}
    assert again.get("chat 9") == ""
    assert file.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in file.parent.iterdir()] == ["some.json"]
    for damaged in ("{", "5"):
        file.write_text(damaged)
        with pytest.raises(Misconfigured, match="damaged"):
            Kept(file).get("chat 1")


async def test_who_is_cancelled_while_it_keeps_something_is_in_nobodys_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, syncing, begun = Kept(tmp_path / "some.json"), os.fsync, threading.Event()
    goes_on = threading.Event()

    def slowly(number: int) -> None:
        begun.set()
        goes_on.wait()
        syncing(number)

    monkeypatch.setattr("bot.channels.kept.os.fsync", slowly)
    first = asyncio.create_task(kept.put("chat 1", "1"))
    await asyncio.to_thread(begun.wait)
    first.cancel()
    second = asyncio.create_task(kept.put("chat 2", "2"))
    await asyncio.sleep(0)
    goes_on.set()
    await second
    assert Kept(tmp_path / "some.json").all() == {"chat 1": "1", "chat 2": "2"}


def test_a_channel_whose_settings_are_wrong_leaves_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Wrong(MemoryChannel):
        name = "wrong"

        @classmethod
        def from_settings(cls, settings: Settings) -> Self | None:
            raise Misconfigured("WRONG_TOKEN is no token")

    monkeypatch.setattr(run, "CHANNELS", (Wrong, MemoryChannel))
    channels, _ = run.parts(Settings())
    assert [(one.name, type(one)) for one in channels] == [
        ("wrong", RefusedChannel),
        ("memory", MemoryChannel),
    ]
