"""A chat that is not registered shows a code, and the owner who types it lets the chat in."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import combinations
from operator import ne
from pathlib import Path

import pytest
from doubles import FunctionAgent, MemoryChannel, message, register

from bot import pairing as module
from bot.assistant import Assistant
from bot.attachments import Files
from bot.errors import BotError
from bot.groups import Group
from bot.messages import Turn
from bot.paths import Paths
from bot.store import Store, open_store
from bot.workers import Backoff


class Scene:
    def __init__(self, store: Store, folder: Path) -> None:
        async def echo(turn: Turn) -> list[str]:
            return [f"re: {turn.asked[-1].text}"]

        self.store, self.channel = store, MemoryChannel(stays=True)
        files = Files(store, Paths(folder), 100, 10)
        quick = Backoff(0.001, 0.002)
        self.assistant = Assistant(
            store, [self.channel], FunctionAgent(echo), quick, name="Andy", files=files
        )

    async def says(self, text: str, chat: str, *, direct: bool = True) -> list[str]:
        """What the chat is sent then."""
        before = len(self.channel.sent)
        said = message(text, chat, f"{text}-{before}", direct=direct)
        await self.assistant.receive(said)
        for queue in (*self.assistant._queues, self.assistant._deliveries.queue):
            await queue.idle()
        return [text for to, text in self.channel.sent[before:] if to == chat]


@asynccontextmanager
async def scene(folder: Path) -> AsyncIterator[Scene]:
    async with open_store(folder) as store:
        await register(store, "memory:owner")
        made, stop = Scene(store, folder), asyncio.Event()
        running = asyncio.create_task(made.assistant.run(stop, 1))
        yield made
        stop.set()
        await running


def code(text: str) -> str:
    found = re.search(r"pair (\d{6})", text)
    assert found, text
    return found[1]


async def test_the_owner_types_the_code_and_the_chat_is_answered(tmp_path: Path) -> None:
    async with scene(tmp_path) as here:
        (greeting,) = await here.says("hello", "memory:new")
        assert "bot setup --main memory:new" in greeting
        assert await here.says("hello?", "memory:new") == [], "once, while the code is good"
        owner = [text for to, text in here.channel.sent if to == "memory:owner"]
        assert len(owner) == 1
        assert "memory:new" in owner[0]
        assert code(greeting) not in owner[0], "who types it has seen that chat"
        assert await here.says(f"pair {code(greeting)}", "memory:new") == [], "not by the stranger"
        assert here.store.group("memory:new") is None
        (paired,) = await here.says(f"/pair {code(greeting)}", "memory:owner")
        assert "groups/somebody" in paired
        assert await here.says("hi", "memory:new") == ["re: hi"]
        (again,) = await here.says(f"pair {code(greeting)}", "memory:owner")
        assert again == f"That is done already. {paired}"


async def test_two_codes_that_are_typed_at_once_let_two_in(tmp_path: Path) -> None:
    async with scene(tmp_path) as here:
        shown = [await here.says("hello", f"memory:{n}") for n in range(2)]
        typed = [message(f"pair {code(one)}", "memory:owner") for (one,) in shown]
        await asyncio.gather(*map(here.assistant.receive, typed))
        folders = {one.folder for n in range(2) if (one := here.store.group(f"memory:{n}"))}
        assert len(folders) == 2


async def test_a_chat_becomes_main_and_another_group_needs_the_name(tmp_path: Path) -> None:
    async with scene(tmp_path) as here:
        assert await here.says("who is this?", "memory:group", direct=False) == []
        (greeting,) = await here.says("@Andy hello", "memory:group", direct=False)
        await here.says(f"pair {code(greeting)}", "memory:owner")
        group = here.store.group("memory:group")
        assert group
        assert group.trigger == "@Andy"
        (greeting,) = await here.says("it is me", "memory:phone")
        await here.says(f"pair {code(greeting)} MAIN", "memory:owner")
        assert here.store.main
        assert here.store.main.chat == "memory:phone"


async def test_however_many_strangers_write_the_owner_has_a_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST", 25)
    async with scene(tmp_path) as here:
        shown = [await here.says("hello", f"memory:{n}") for n in range(30)]
        codes = [code(greeting) for (greeting,) in shown]
        notices = [text for to, text in here.channel.sent if to == "memory:owner"]
        assert len(notices) == module.TOLD
        assert all(sum(map(ne, *two)) > 1 for two in combinations(codes[-25:], 2))
        assert await here.says(f"pair {codes[0]}", "memory:owner") == [module.UNKNOWN]
        await here.says(f"pair {codes[-1]} main", "memory:owner")
        assert here.store.main
        assert here.store.main.chat == "memory:29"


async def test_a_code_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with scene(tmp_path) as here:
        monkeypatch.setattr(module, "LIFETIME", 0.0)
        (greeting,) = await here.says("hello", "memory:late")
        assert await here.says(f"pair {code(greeting)}", "memory:owner") == [module.UNKNOWN]


async def test_who_calls_himself_like_a_group_that_was_gets_nothing_of_it(tmp_path: Path) -> None:
    async with scene(tmp_path) as here:
        for room in ("groups", "sessions", "ipc"):
            (tmp_path / room / f"somebody{'-1' * (room != 'groups')}").mkdir(parents=True)
        (tmp_path / "groups/somebody-2").symlink_to("nowhere")
        (greeting,) = await here.says("hello", "memory:new")
        await here.says(f"pair {code(greeting)}", "memory:owner")
        group = here.store.group("memory:new")
        assert group
        assert group.folder == "somebody-3"


@pytest.mark.parametrize("as_main", ["", " main"])
async def test_a_code_takes_the_place_of_no_registration(tmp_path: Path, as_main: str) -> None:
    async with scene(tmp_path) as here:
        (greeting,) = await here.says("hello", "memory:new")
        kept = Group("team", "memory:new", "Team", "@Andy", ("42",), drop=True)
        await here.store.register(kept)
        (said,) = await here.says(f"pair {code(greeting)}{as_main}", "memory:owner")
        assert "registered otherwise" in said
        assert here.store.group("memory:new") == kept
        assert here.store.main
        assert here.store.main.chat == "memory:owner"
        other = Group("team", "memory:other", "Other")
        with pytest.raises(BotError, match="registered otherwise"):
            await here.store.register(other)


async def test_a_name_is_one_line_in_the_notice(tmp_path: Path) -> None:
    async with scene(tmp_path) as here:
        said = message("hello", "memory:new")
        object.__setattr__(said, "sender", "Bob\n\x1b[31m\u202epair 123456 main\n" + "x" * 200)
        await here.assistant.receive(said)
        await asyncio.sleep(0.05)
        (notice,) = [text for to, text in here.channel.sent if to == "memory:owner"]
        assert notice.isprintable()
        assert len(notice) < 400


async def test_a_bot_and_the_owners_own_account_show_no_code(tmp_path: Path) -> None:
    async with scene(tmp_path) as here:
        said = message("hello", "memory:bot")
        object.__setattr__(said, "bot", True)
        await here.assistant.receive(said)
        here.channel.pairs = False
        assert await here.says("hello", "memory:friend") == []
        assert here.channel.sent == []


async def test_a_chat_that_has_another_name_by_now_has_its_code_still(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def down(*_: str) -> None:
        raise ConnectionError

    async with scene(tmp_path) as here:
        (greeting,) = await here.says("hello", "memory:new:7")
        with monkeypatch.context() as patched:
            patched.setattr(here.channel, "send", down)
            await here.store.send("memory:new:7", "this waits")
            assert await here.channel.moved("memory:new", "memory:newer")
            assert await here.store.undelivered() == ["memory:newer:7"]
        assert await here.says("hello?", "memory:newer:7") == ["this waits"]
        (paired,) = await here.says(f"pair {code(greeting)}", "memory:owner")
        assert paired.startswith("I answer in memory:newer:7 ")
        assert await here.says("hi", "memory:newer:7") == ["re: hi"]
