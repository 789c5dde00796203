"""Requests of agents: authorised by directory, carried out once, and whatever else lies there harms
nobody.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from doubles import FunctionAgent, MemoryChannel
from test_assistant import QUICK, until

from bot.assistant import Assistant
from bot.confined import Folder
from bot.groups import Group
from bot.ipc import Ipc, RequestLimits
from bot.messages import Turn
from bot.paths import Paths
from bot.settings import Settings
from bot.store import Store, open_store
from bot.tasks import Task
from bot.tools import TOOLS, Arguments, Effect, Host
from bot.tools.tasks import KEEP

FLOOD = """
import json, os, select, sys, time
os.chdir(sys.argv[1])
n, begun = 0, time.monotonic()
def over():
    return select.select([sys.stdin], [], [], max(0, begun + n / 10_000 - time.monotonic()))[0]
while n < 30_000 and (n % 100 or not over()):
    with open(f"{n:09}.json", "w") as file:
        json.dump({"id": f"{n:09}", "tool": "send_message", "arguments": {"text": "spam"}}, file)
    n += 1
print(n)
"""
"""A process of its own, as an agent is: writes 10,000 requests a second until its input ends, at
most for 3 s; says how many.
"""


async def silent(turn: Turn) -> Sequence[str]:
    return []


class House:
    """Two groups beside main, and the host that serves them."""

    def __init__(self, store: Store, folder: Path, limits: RequestLimits | None = None) -> None:
        self.store = store
        self.paths = Paths(folder)
        self.channel = MemoryChannel(stays=True)
        self.assistant = Assistant(store, [self.channel], FunctionAgent(silent), QUICK)
        self.ipc = Ipc(Host(store, self.assistant, self.paths, Settings()), limits)

    def ask(self, who: str, tool: str, id_: str = "1", **arguments: Any) -> Path:
        text = json.dumps({"id": id_, "tool": tool, "arguments": arguments})
        path = self.paths.ipc(who).source / "requests" / f"{id_}.json"
        path.with_suffix(".tmp").write_text(text)
        return path.with_suffix(".tmp").rename(path)

    async def answer(self, who: str, tool: str, id_: str = "1", **arguments: Any) -> dict[str, Any]:
        request = self.ask(who, tool, id_, **arguments)
        group = next(group for group in self.store.groups if group.folder == who)
        assert not await self.ipc.serve(group)
        assert not request.exists()
        reply: dict[str, Any] = json.loads(
            (self.paths.ipc(who).source / "replies" / f"{id_}.json").read_text()
        )
        return reply

    async def sent(self) -> list[tuple[str, str]]:
        return [
            (chat, text)
            for chat, text in await self.store.read("SELECT chat, text FROM outbox ORDER BY seq")
        ]


@pytest_asyncio.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_store(tmp_path) as store:
        for folder in ("main", "ada", "bob"):
            await store.register(Group(folder, f"memory:{folder}", folder.title(), "@Andy"))
        made = House(store, tmp_path)
        for group in store.groups:
            made.paths.prepare(group)
        yield made


async def test_a_group_acts_on_itself_and_main_on_all(house: House) -> None:
    assert (await house.answer("ada", "send_message", "1", text="hi"))["ok"]
    refused = await house.answer("ada", "send_message", "2", text="hi", chat="memory:bob")
    assert refused["ok"] is False
    assert "may not write" in refused["error"]
    assert (await house.answer("main", "send_message", "3", text="hello", chat="memory:bob"))["ok"]
    assert await house.sent() == [("memory:ada", "hi"), ("memory:bob", "hello")]

    for number, tool in enumerate(("register_group", "refresh_groups"), 4):
        assert (
            "only main"
            in (await house.answer("bob", tool, str(number), chat="memory:x", folder="x"))["error"]
        )


async def test_main_registers_changes_and_removes_groups(house: House) -> None:
    await house.store.saw_chats(("memory:new", "New people"))
    known = (await house.answer("main", "refresh_groups"))["result"]
    assert [(one["chat"], one["folder"]) for one in known] == [("memory:new", None)]
    made = await house.answer(
        "main",
        "register_group",
        "2",
        chat="memory:new",
        folder="new",
        trigger="@Bot",
        senders=["7"],
        drop=True,
    )
    assert made["ok"]
    assert house.store.group("memory:new") == Group(
        "new", "memory:new", "new", "@Bot", ("7",), True
    )
    assert (house.paths.group("new").source / "CLAUDE.md").exists()
    await house.answer("main", "register_group", "3", chat="memory:new", name="Newer")
    changed = house.store.group("memory:new")
    assert changed is not None
    assert (changed.name, changed.senders, changed.trigger) == ("Newer", ("7",), "@Bot")
    for number, folder in enumerate(("../up", "global", "a/b", "UP", ".hidden", "ada"), 4):
        bad = await house.answer(
            "main", "register_group", str(number), chat="memory:other", folder=folder
        )
        assert not bad["ok"], folder
    for number, chat in enumerate(
        ("memory:", "new", "memory:a\nb", "memory:\x1b[2J", "m:\u202e"), 11
    ):
        bad = await house.answer("main", "register_group", str(number), chat=chat, folder="other")
        assert not bad["ok"], repr(chat)
    await house.answer("main", "register_group", "20", chat="memory:new", remove=True)
    assert house.store.group("memory:new") is None
    assert not (
        await house.answer("main", "register_group", "21", chat="memory:main", remove=True)
    )["ok"]


async def test_a_chat_that_is_answered_no_more_can_be_found(house: House) -> None:
    await house.answer("main", "register_group", chat="memory:ada", remove=True)
    await house.answer("main", "register_group", "2", chat="memory:me", folder="main")
    known = (await house.answer("main", "refresh_groups", "3"))["result"]
    assert {one["chat"] for one in known} == {"memory:ada", "memory:main"}


@pytest.mark.parametrize("crash", ["before the reply is written", "before the request is removed"])
async def test_a_crash_after_the_effect_does_not_repeat_it(
    house: House, monkeypatch: pytest.MonkeyPatch, crash: str
) -> None:
    class Killed(BaseException):
        """What no handler catches, as a kill."""

    def die(*_: object, **__: object) -> None:
        raise Killed

    request = house.ask("ada", "send_message", text="once")
    ada = house.store.group("memory:ada")
    assert ada is not None
    with monkeypatch.context() as patched:
        if crash == "before the reply is written":
            patched.setattr(Folder, "put", die)
        else:
            patched.setattr(Folder, "remove", die)
        with pytest.raises(Killed):
            await house.ipc.serve(ada)
    assert request.exists(), "it is kept until all is done"
    await house.ipc.serve(ada)
    assert await house.sent() == [("memory:ada", "once")]
    reply = json.loads((house.paths.ipc("ada").source / "replies/1.json").read_text())
    assert reply["ok"]
    assert not request.exists()


async def test_a_chat_that_takes_over_does_so_in_one_transaction_with_the_request(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """What no handler catches, as a kill."""

    async def die(_: Store) -> None:
        raise Killed

    main = house.store.main
    assert main is not None
    house.ask("main", "register_group", chat="memory:new", instead_of="memory:ada")
    with monkeypatch.context() as patched:
        patched.setattr(Store, "load_groups", die)
        with pytest.raises(Killed):
            await house.ipc.serve(main)
    await house.store.load_groups()
    group = house.store.group("memory:new")
    assert group
    assert group.folder == "ada"


@pytest.mark.parametrize(
    "options",
    [
        {"daily_tokens": "1000"},
        {"daily_tokens": True},
        {"bots": "no"},
        {"network": "yes"},
        {"mounts": "/srv"},
        {"mounts": ["/srv"]},
        {"mounts": [{"host": "/srv", "name": "srv", "writable": True}]},
        {"model": 5},
        {"dayly_tokens": 5},
    ],
)
async def test_an_option_of_another_kind_is_refused(house: House, options: dict[str, Any]) -> None:
    main = house.store.main
    assert main is not None
    house.ask("main", "register_group", chat="memory:ada", options=options)
    await house.ipc.serve(main)
    await house.store.load_groups()
    group = house.store.group("memory:ada")
    assert group
    assert not group.options


async def test_what_is_not_said_of_a_chat_stays_as_it_is_or_is_as_usual(house: House) -> None:
    async def asked(number: int, **said: Any) -> Group | None:
        await house.answer("main", "register_group", str(number), **said)
        return house.store.group(said["chat"])

    assert await asked(1, chat="memory:New") == Group(
        "memory_new", "memory:New", "memory_new", "@Andy"
    )
    assert await asked(2, chat="memory:b", folder="b", senders=["7"], trigger="") == Group(
        "b", "memory:b", "b", None, ("7",)
    )
    assert await asked(3, chat="memory:b", name="Bea") == Group(
        "b", "memory:b", "Bea", None, ("7",)
    )
    await house.answer("main", "register_group", "4", chat="memory:c", instead_of="memory:b")
    changed = await asked(5, chat="memory:b", drop=True)
    assert changed == Group("b", "memory:c", "Bea", None, ("7",), True), "by its name of before"


async def test_the_console_is_main_or_beside_another_main_and_nothing_else(house: House) -> None:
    for number, folder in enumerate(("ada", "console_me", "other")):
        bad = await house.answer(
            "main", "register_group", f"bad-{number}", chat="console:me", folder=folder
        )
        assert not bad["ok"]
    good = await house.answer("main", "register_group", "good", chat="console:me")
    assert good["ok"]
    assert house.store.group("console:me") == Group("console", "console:me", "Console")


@pytest.mark.parametrize("name", ["ada", ":", "memory:", ":ada"])
async def test_what_is_no_chat_takes_over_from_none(house: House, name: str) -> None:
    main = house.store.main
    assert main is not None
    house.ask("main", "register_group", chat=name, instead_of="memory:ada")
    await house.ipc.serve(main)
    await house.store.load_groups()
    group = house.store.group("memory:ada")
    assert group
    assert group.chat == "memory:ada"


async def test_what_is_no_request_is_set_aside_with_the_reason(house: House) -> None:
    requests = house.paths.ipc("ada").source / "requests"
    outside = house.paths.data / "secret.json"
    outside.write_text('{"id": "link", "tool": "send_message", "arguments": {"text": "secret"}}')
    (requests / "link.json").symlink_to(outside)
    os.mkfifo(requests / "pipe.json")
    (requests / "folder.json").mkdir()
    (requests / "noise.json").write_bytes(b"\xff\xfe{")
    (requests / "huge.json").write_bytes(b" " * 70_000)
    (requests / "deep.json").write_bytes(b"[" * 60_000)
    (requests / "surrogate.json").write_text(
        '{"id": "surrogate", "tool": "send_message", "arguments": {"text": "\\ud800"}}'
    )
    (requests / "other.json").write_text(
        '{"id": "another", "tool": "send_message", "arguments": {"text": "x"}}'
    )
    (requests / "list.json").write_text("[]")
    (requests / "..json").write_text("{}")
    (requests / "a b.json").write_text("{}")
    good = house.ask("ada", "send_message", "zz", text="good")
    ada = house.store.group("memory:ada")
    assert ada is not None
    await house.ipc.serve(ada)
    assert await house.sent() == [("memory:ada", "good")]
    assert not good.exists()
    assert not list(requests.iterdir())
    refused = house.paths.ipc("ada").source / "refused"
    reasons = {
        path.name.removesuffix(".reason"): path.read_text() for path in refused.glob("*.reason")
    }
    assert set(reasons) == {
        *(
            f"{n}.json"
            for n in (
                "link",
                "pipe",
                "folder",
                "noise",
                "huge",
                "deep",
                "surrogate",
                "other",
                "list",
            )
        ),
        "..json",
        "a b.json",
    }
    assert "longer than 65536 bytes" in reasons["huge.json"]
    assert outside.exists()


async def test_what_requests_may_store_in_an_hour_is_bounded_and_others_are_not_held_up(
    house: House,
) -> None:
    limit = house.ipc._limits.stored
    told: list[dict[str, Any]] = []
    for number in range(60):
        told.append(await house.answer("ada", "send_message", f"{number}", text="x" * 50_000))
    assert [one["ok"] for one in told] == sorted((one["ok"] for one in told), reverse=True)
    assert "in an hour is used up" in told[-1]["error"]
    sent = sum(len(text) for _, text in await house.sent())
    assert limit // 2 < sent <= limit
    rows = await house.store.read("SELECT count(*) FROM requests")
    assert rows[0][0] == sum(one["ok"] for one in told), "a refusal is not stored either"
    assert (await house.answer("bob", "send_message", "1", text="hello"))["ok"]


async def test_a_thousand_refusals_are_a_line_in_the_log(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    ada = house.store.group("memory:ada")
    assert ada is not None
    requests = house.paths.ipc("ada").source / "requests"
    house.ipc._requests.burst = 10_000
    for number in range(300):
        (requests / f"no request {number}").write_text("x")
    (requests / "\x1b[2J\n forged").write_text("x")
    await house.ipc.serve(ada)
    assert not list(requests.iterdir())
    assert len(caplog.records) == 1


async def test_a_schedule_without_a_kind_is_refused_and_the_next_request_is_served(
    house: House,
) -> None:
    reply = await house.answer("ada", "schedule_task", "1", prompt="water the plants")
    assert "there are cron, interval, once" in reply["error"]
    assert (await house.answer("ada", "send_message", "2", text="hi"))["ok"]


async def test_what_the_store_refuses_of_one_request_holds_up_no_other(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unkind(host: Host, group: Group, arguments: Arguments) -> Effect:
        task = Task("t", "ada", "p", "", "never", "", "UTC", False, "active", None)
        return Effect(None, ((KEEP, asdict(task) | {"set_at": "now"}),))

    monkeypatch.setitem(TOOLS, "schedule_task", unkind)
    wrong = house.ask("ada", "schedule_task", "1")
    assert (await house.answer("ada", "send_message", "2", text="hi"))["ok"]
    assert not wrong.exists()
    refused = house.paths.ipc("ada").source / "refused"
    assert "CHECK constraint" in (refused / "1.json.reason").read_text()


async def test_a_request_that_its_agent_takes_back_does_not_end_the_others(house: House) -> None:
    ada = house.store.group("memory:ada")
    assert ada is not None
    house.ask("ada", "send_message", "2", text="second")
    (house.paths.ipc("ada").source / "requests/1.json").symlink_to("gone")
    await house.ipc.serve(ada)
    assert await house.sent() == [("memory:ada", "second")]


async def test_replies_that_cannot_be_written_are_written_when_they_can(house: House) -> None:
    """A folder stands in a reply's place, with contents."""
    (house.paths.ipc("ada").source / "replies/1.json/x").mkdir(parents=True)
    assert (await house.answer("ada", "send_message", "1", text="hi"))["ok"]


async def test_directories_that_an_agent_replaced_by_links_lead_nowhere(
    house: House, tmp_path: Path
) -> None:
    ada, bob = (house.store.group(f"memory:{name}") for name in ("ada", "bob"))
    assert ada is not None
    assert bob is not None
    of_bob = house.ask("bob", "send_message", "1", text="of bob")
    room = house.paths.ipc("ada").source
    (room / "requests").rmdir()
    (room / "requests").symlink_to(house.paths.ipc("bob").source / "requests")
    await house.ipc.serve(ada)
    assert of_bob.exists()
    assert await house.sent() == []
    assert not (room / "requests").is_symlink(), "a folder of its own is there again"
    (room / "replies").rmdir()
    (room / "replies").symlink_to(tmp_path)
    house.ask("ada", "send_message", "CLAUDE", text="x")
    await house.ipc.serve(ada)
    assert not (tmp_path / "CLAUDE.json").exists()
    assert (room / "replies/CLAUDE.json").exists(), "it may ask again at once"
    await house.ipc.serve(bob)
    assert await house.sent() == [("memory:ada", "x"), ("memory:bob", "of bob")]


async def test_a_request_is_served_when_its_file_appears_and_one_that_waited_at_the_start(
    house: House,
) -> None:
    house.ask("ada", "send_message", "1", text="before")
    running = asyncio.create_task(house.ipc.run())
    reply = house.paths.ipc("ada").source / "replies/1.json"
    async with asyncio.timeout(600):
        await until(reply.exists)
        house.ask("bob", "send_message", "2", text="after")
        await until((house.paths.ipc("bob").source / "replies/2.json").exists)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert await house.sent() == [("memory:ada", "before"), ("memory:bob", "after")]


async def test_a_group_whose_folders_are_made_only_when_it_is_first_used_is_served_then(
    house: House,
) -> None:
    shutil.rmtree(house.paths.ipc("ada").source)
    running = asyncio.create_task(house.ipc.run())
    house.ask("bob", "send_message", "1", text="ready")
    async with asyncio.timeout(600):
        await until((house.paths.ipc("bob").source / "replies/1.json").exists)
        (ada,) = [group for group in house.store.groups if group.folder == "ada"]
        house.paths.prepare(ada)
        house.ask("ada", "send_message", "2", text="here")
        await until((house.paths.ipc("ada").source / "replies/2.json").exists)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@pytest.mark.slow
async def test_ten_thousand_files_a_second_are_limited_and_another_group_is_served_meanwhile(
    house: House,
) -> None:
    room = house.paths.ipc("ada").source / "requests"
    running = asyncio.create_task(house.ipc.run())
    flood = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", FLOOD, str(room)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    begun = time.monotonic()
    try:
        for n in range(5):
            house.ask("bob", "send_message", f"b{n}", text=f"{n}")
            async with asyncio.timeout(600):
                await until((house.paths.ipc("bob").source / f"replies/b{n}.json").exists)
    finally:
        written = int((await flood.communicate())[0])
    seconds = time.monotonic() - begun
    async with asyncio.timeout(600):
        await until(lambda: len(list(room.iterdir())) <= house.ipc._limits.crowd)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    sent = await house.sent()
    assert [text for chat, text in sent if chat == "memory:bob"] == ["0", "1", "2", "3", "4"]
    done = len(sent) - 5
    later = time.monotonic() - begun
    limits = house.ipc._limits
    assert done <= limits.burst + limits.rate * (later + 1), (written, seconds)
    assert written > 1_000, "it was no flood"
