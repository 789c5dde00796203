"""Files in and out: fetched after the message is stored, within limits, and never at its cost."""

from __future__ import annotations

import asyncio
import errno
import io
import os
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from doubles import FunctionAgent, MemoryChannel, message, register

from bot import assistant as module
from bot.assistant import Assistant
from bot.attachments import MOST_WAITING, Files, _safe
from bot.channels.console import ConsoleChannel
from bot.errors import BotError, Undeliverable, Unfetchable
from bot.groups import Group
from bot.messages import Attachment, File, Turn
from bot.paths import Paths
from bot.settings import Settings
from bot.store import open_store
from bot.tools import Host, call
from bot.workers import Backoff

MOST = 100
SECRET = "my PIN is 4711"


class FileChannel(MemoryChannel):
    """Has files by their source, or the error that fetching them raises."""

    def __init__(self, files: dict[str, bytes | Exception]) -> None:
        super().__init__(stays=True)
        self.files, self.asked = files, list[str]()
        self.delivered: list[tuple[str, bytes, str]] = []
        self.refusal: Exception | None = None

    async def fetch(self, attachment: Attachment, most: int) -> bytes:
        self.asked.append(attachment.source)
        held = self.files[attachment.source]
        if isinstance(held, Exception):
            raise held
        return held

    async def send_file(self, chat: str, file: File, text: str) -> None:
        if self.refusal is not None:
            raise self.refusal
        data = Path(file.copy).read_bytes()  # noqa: ASYNC240
        self.delivered.append((file.name, data, text))


@asynccontextmanager
async def running(
    folder: Path, channel: MemoryChannel, most: int = MOST, kept: int = 3
) -> AsyncIterator[tuple[Host, list[str]]]:
    prompts: list[str] = []

    async def answer(turn: Turn) -> Sequence[str]:
        prompts.append(turn.prompt)
        return ["ok"]

    stop = asyncio.Event()
    async with open_store(folder) as store:
        if not store.groups:
            await register(store, "memory:me", "memory:family", trigger=None)
        paths = Paths(folder)
        files = Files(store, paths, most, kept)
        assistant = Assistant(
            store, [channel], FunctionAgent(answer), Backoff(0.001, 0.002), files=files
        )
        task = asyncio.create_task(assistant.run(stop, grace=1))
        try:
            yield Host(store, assistant, paths, Settings()), prompts
        finally:
            stop.set()
            await asyncio.wait_for(task, 30)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def attachment(source: str, name: str = "a.txt", size: int = 0) -> Attachment:
    return Attachment("document", name, size, "text/plain", source)


async def test_a_file_is_in_the_groups_folder_before_the_agent_is_asked(tmp_path: Path) -> None:
    channel = FileChannel({"one": b"1", "two": b"22"})
    async with running(tmp_path, channel) as (host, prompts):
        two = (attachment("one"), attachment("two", "../../b <x>\n.txt"))
        await host.assistant.receive(replace(message("look"), attachments=two))
        await until(lambda: prompts)
        room = tmp_path / "groups/main/attachments"
        assert {path.name: path.read_bytes() for path in room.iterdir()} == {
            "1.0-a.txt": b"1",
            "1.1-b_x_.txt": b"22",
        }
        assert 'path="attachments/1.0-a.txt" type="text/plain" size="1"/>' in prompts[0]
        assert 'path="attachments/1.1-b_x_.txt"' in prompts[0]
        assert channel.asked == ["one", "two"]


@pytest.mark.parametrize(
    ("held", "size", "why", "attempts"),
    [
        (Unfetchable("it has expired"), 0, "it has expired", 1),
        (ConnectionError(SECRET), 0, "ConnectionError", 3),
        (RuntimeError(SECRET), 0, "RuntimeError", 3),
        (b"", MOST + 1, "it is larger than", 0),
    ],
)
async def test_what_cannot_be_fetched_says_why_and_the_message_is_answered(
    tmp_path: Path,
    held: bytes | Exception,
    size: int,
    why: str,
    attempts: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    channel = FileChannel({"x": held, "y": b"1"})
    async with running(tmp_path, channel) as (host, prompts):
        both = (attachment("x", size=size), attachment("y"))
        await host.assistant.receive(replace(message("look"), attachments=both))
        await until(lambda: channel.sent)
        assert f'<attachment error="{why}' in prompts[0]
        assert 'path="attachments/1.1-a.txt"' in prompts[0]
        assert channel.asked.count("x") == attempts
        assert SECRET not in prompts[0] + caplog.text


async def test_the_parts_of_an_album_are_one_turn_if_one_of_them_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ALBUM_SECONDS", 0.3)
    channel = FileChannel({"one": b"1", "two": b"2"})
    async with running(tmp_path, channel) as (host, prompts):
        await host.store.register(Group("friends", "memory:friends", "Friends", "@Andy"))
        for source, text in (("one", "@Andy these"), ("two", "[photo]")):
            part = replace(message(text, "memory:friends", direct=False), album="A")
            await host.assistant.receive(replace(part, attachments=(attachment(source),)))
        alone = replace(message("[other]", "memory:friends", direct=False), album="B")
        assert not await host.assistant.receive(alone)
        await until(lambda: prompts)
        assert len(prompts) == 1
        assert prompts[0].count("<attachment path=") == 2
        assert "[other]" not in prompts[0]


async def test_a_crash_between_storing_and_fetching_loses_nothing(tmp_path: Path) -> None:
    async with open_store(tmp_path) as store:
        await register(store, "memory:me", trigger=None)
        stored = replace(message("look"), attachments=(attachment("x"),))
        assert await store.take_in(stored, asks=True)
        assert not await store.take_in(stored, asks=True)
    channel = FileChannel({"x": b"1"})
    async with running(tmp_path, channel) as (_, prompts):
        await until(lambda: prompts)
        assert 'path="attachments/1.0-a.txt"' in prompts[0]


async def test_a_file_is_fetched_though_nobody_asks_yet(tmp_path: Path) -> None:
    async with open_store(tmp_path) as store:
        await register(store, "memory:me")
    channel = FileChannel({"x": b"1"})
    async with running(tmp_path, channel) as (host, prompts):
        stored = replace(message("look", direct=False), attachments=(attachment("x"),))
        await host.assistant.receive(stored)
        await until((tmp_path / "groups/main/attachments/1.0-a.txt").exists)
        assert not prompts


async def test_only_the_newest_are_kept_and_what_is_the_agents_is_left_alone(
    tmp_path: Path,
) -> None:
    channel = FileChannel({"x": b"1"})
    async with running(tmp_path, channel, kept=2) as (host, _):
        room = tmp_path / "groups/main/attachments"
        for number in range(4):
            one = replace(message(f"{number}"), attachments=(attachment("x"),))
            await host.assistant.receive(one)
            await until(lambda: len(channel.sent) > number)  # noqa: B023
            (room / "notes.txt").write_text("mine")
        assert sorted(path.name for path in room.iterdir()) == [
            "3.0-a.txt",
            "4.0-a.txt",
            "notes.txt",
        ]


@pytest.mark.parametrize(
    "name",
    [
        "\U00020000" * 80 + "." + "\U00020001" * 20,
        "/dev/null",
        "a\0b",
        "..",
        "",
        "../" * 99,
        "x" * 300,
    ],
)
def test_a_name_that_somebody_chose_can_stand_anywhere(tmp_path: Path, name: str) -> None:
    (tmp_path / f"{2**63}.99-{_safe(name)}").touch()
    assert len(list(tmp_path.iterdir())) == 1


async def test_a_folder_that_the_agent_made_a_link_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    channel = FileChannel({"x": b"1"})
    async with running(tmp_path, channel) as (host, prompts):
        (tmp_path / "groups/main").mkdir(parents=True)
        (tmp_path / "groups/main/attachments").symlink_to(outside)
        await host.assistant.receive(replace(message("look"), attachments=(attachment("x"),)))
        await until(lambda: prompts)
        assert list(outside.iterdir()) == []


async def asked(host: Host, folder: str, **arguments: object) -> None:
    group = next(group for group in host.store.groups if group.folder == folder)
    effect = await call(host, group, "send_file", arguments)
    await host.store.write(*effect.statements)


async def test_an_agent_sends_a_file_as_it_was_when_it_asked(tmp_path: Path) -> None:
    channel = FileChannel({})
    async with running(tmp_path, channel) as (host, _):
        room = tmp_path / "groups/group-1/out"
        room.mkdir(parents=True)
        (room / "a.pdf").write_bytes(b"first")
        await asked(host, "group-1", path="/workspace/group/out/a.pdf", text="**here**")
        (room / "a.pdf").write_bytes(b"second")
        await until(lambda: channel.delivered)
        assert channel.delivered == [("a.pdf", b"first", "**here**")]
        await until(lambda: not list((tmp_path / "sent").iterdir()))


async def test_so_much_of_a_groups_files_may_wait_and_no_other_group_is_held_up(
    tmp_path: Path,
) -> None:
    channel = FileChannel({})
    channel.refusal = ConnectionError("later")
    async with running(tmp_path, channel) as (host, _):
        for folder in ("group-1", "main"):
            room = tmp_path / "groups" / folder
            room.mkdir(parents=True, exist_ok=True)
            (room / "a.bin").write_bytes(b"x" * MOST)
        for _ in range(MOST_WAITING):
            await asked(host, "group-1", path="a.bin")
        with pytest.raises(BotError, match="wait already"):
            await asked(host, "group-1", path="a.bin")
        await asked(host, "main", path="a.bin")
        assert len(list((tmp_path / "sent").iterdir())) == MOST_WAITING + 1
        channel.refusal = None
        await until(lambda: not list((tmp_path / "sent").iterdir()))
        await asked(host, "group-1", path="a.bin")


async def test_half_a_copy_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, data: bytes) -> int:
        path.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    async with running(tmp_path, FileChannel({})) as (host, _):
        (tmp_path / "groups/group-1").mkdir(parents=True, exist_ok=True)
        (tmp_path / "groups/group-1/a.bin").write_bytes(b"x")
        monkeypatch.setattr(Path, "write_bytes", full)
        with pytest.raises(BotError, match="cannot be sent: No space left"):
            await asked(host, "group-1", path="a.bin")
        assert not list((tmp_path / "sent").iterdir())


@pytest.mark.parametrize(
    "path",
    [
        "../main/secret.txt",
        "/etc/passwd",
        "/workspace/group/../main/secret.txt",
        "link.txt",
        "linked/secret.txt",
        "large.bin",
        "pipe",
        "missing",
        ".",
        "",
    ],
)
async def test_only_a_file_of_its_own_within_the_limit_can_be_sent(
    tmp_path: Path, path: str
) -> None:
    async with running(tmp_path, FileChannel({})) as (host, _):
        main, own = tmp_path / "groups/main", tmp_path / "groups/group-1"
        main.mkdir(parents=True, exist_ok=True)
        own.mkdir(parents=True, exist_ok=True)
        (main / "secret.txt").write_text(SECRET)
        (own / "link.txt").symlink_to(main / "secret.txt")
        (own / "linked").symlink_to(main)
        (own / "large.bin").write_bytes(b"x" * (MOST + 1))
        os.mkfifo(own / "pipe")
        with pytest.raises(BotError):
            await asked(host, "group-1", path=path)
        with pytest.raises(BotError, match="may not write"):
            await asked(host, "group-1", path=path, chat="memory:me")
        assert not list((tmp_path / "sent").glob("*"))


async def test_a_copy_goes_when_it_can_never_be_delivered_and_what_a_crash_left_at_the_start(
    tmp_path: Path,
) -> None:
    channel = FileChannel({})
    channel.refusal = ConnectionError("later")
    async with running(tmp_path, channel) as (host, _):
        own = tmp_path / "groups/group-1"
        own.mkdir(parents=True, exist_ok=True)
        (own / "a.txt").write_text("a")
        await asked(host, "group-1", path="a.txt")
        await asyncio.sleep(0.05)
        (tmp_path / "sent/orphan").write_text("")
        os.utime(tmp_path / "sent/orphan", (0, 0))
    async with running(tmp_path, channel):
        await until(lambda: len(list((tmp_path / "sent").iterdir())) == 1)
        channel.refusal = Undeliverable("never")
        await until(lambda: not list((tmp_path / "sent").iterdir()))


async def test_a_file_that_is_gone_does_not_hold_up_the_next(tmp_path: Path) -> None:
    channel = FileChannel({})
    async with running(tmp_path, channel) as (host, _):
        own = tmp_path / "groups/group-1"
        own.mkdir(parents=True, exist_ok=True)
        (own / "a.txt").write_text("a")
        channel.refusal = ConnectionError("later")
        await asked(host, "group-1", path="a.txt")
        for copy in (tmp_path / "sent").iterdir():
            copy.unlink()
        channel.refusal = None
        await asked(host, "group-1", path="a.txt", text="again")
        await until(lambda: channel.delivered)
        assert channel.delivered == [("a.txt", b"a", "again")]


async def test_on_the_console_a_file_goes_in_and_out_by_its_path(tmp_path: Path) -> None:
    (tmp_path / "a b.txt").write_text("hello")
    lines = "/file 'a b.txt' what is this?\n/file missing.txt\n/files\n"
    environment = {**os.environ, "GRAFTBOT_DATA": "data", "LOG_LEVEL": "ERROR"}
    bot = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "run"),
        cwd=tmp_path,
        env=environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    shown, _ = await asyncio.wait_for(bot.communicate(lines.encode()), 120)
    assert bot.returncode == 0
    assert "[document a b.txt] what is this?" in shown.decode()
    kept = list((tmp_path / "data/groups/main/attachments").iterdir())
    assert [path.read_text() for path in kept] == ["hello"]


async def test_a_path_that_no_file_can_have_is_said_at_once() -> None:
    channel = ConsoleChannel(io.BytesIO(), io.BytesIO())
    for path in ("a\0b", "a" * 5000, "~nobody-is-called-so/a", "/"):
        with pytest.raises(Unfetchable, match="it cannot be read"):
            await channel.fetch(Attachment("document", "a", 0, "text/plain", path), 10)


async def test_the_store_of_a_message_with_a_file_is_read_as_it_was(tmp_path: Path) -> None:
    async with open_store(tmp_path) as store:
        await register(store, "memory:me", trigger=None)
        one = replace(message("x"), attachments=(attachment("s", "ä.txt", 7),))
        await store.take_in(one, asks=True)
        turn = await store.turn("memory:me")
        assert turn is not None
        assert turn.messages[0].attachments == one.attachments
