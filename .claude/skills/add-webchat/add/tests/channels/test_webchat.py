"""The page's server, as its page talks to it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, WSServerHandshakeError
from doubles import answering

from bot.channels import CHANNELS
from bot.channels.webchat import PAGE, WebChatChannel
from bot.errors import Misconfigured, Unfetchable
from bot.log import set_up
from bot.messages import Attachment, File, Message
from bot.settings import Settings, load

CHAT = WebChatChannel.CHAT


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def channel(folder: Path, port: int) -> WebChatChannel:
    settings = Settings(assistant_name="Andy", graftbot_data=folder, webchat_port=port)
    made = WebChatChannel.from_settings(settings)
    assert made is not None
    return made


@asynccontextmanager
async def opened(webchat: WebChatChannel) -> AsyncIterator[tuple[ClientWebSocketResponse, Any]]:
    """A page that has said its token, and what it was shown."""
    address, _, token = (await webchat.check()).partition("#")
    async with ClientSession() as session:
        while True:  # until it listens
            try:
                page = await session.ws_connect(f"{address}socket")
                break
            except OSError:
                await asyncio.sleep(0.01)
        await page.send_str(token)
        yield page, await asyncio.wait_for(page.receive_json(), 600)
        await page.close()


async def until(page: ClientWebSocketResponse, key: str, value: str = "") -> Any:
    """The next that the page is told of this kind."""
    async with asyncio.timeout(600):
        while True:
            news = await page.receive_json()
            if key in news and (not value or any(value in one["text"] for one in news[key])):
                return news[key]


def test_it_starts_with_the_others_once_there_is_a_port(tmp_path: Path) -> None:
    assert WebChatChannel in CHANNELS
    assert WebChatChannel.from_settings(Settings()) is None
    with pytest.raises(Misconfigured, match="WEBCHAT_PORT cannot be '70000'") as refused:
        load({"WEBCHAT_PORT": "70000"}, tmp_path / ".env")
    assert refused.value.hint.startswith("set WEBCHAT_PORT to a whole number from 0 to 65535")


async def test_a_message_is_stored_once_answered_and_shown_to_every_page(tmp_path: Path) -> None:
    set_up("DEBUG", [], tmp_path / "logs")
    webchat = channel(tmp_path, free_port())
    assert await webchat.pair() == CHAT
    async with answering(tmp_path, webchat, CHAT), opened(webchat) as (page, shown):
        assert shown == {"name": "Andy", "said": []}
        await page.send_json({"id": "1", "text": "lunch *now*?"})
        assert await until(page, "stored") == "1"
        (said,) = await until(page, "said", "re:")
        await page.send_json({"id": "1", "text": "lunch *now*?"})  # the page did not hear of it
        assert await until(page, "stored") == "1"
        assert said["html"].strip() == "<p>re: lunch <em>now</em>?</p>"
        async with opened(webchat) as (_, other):
            texts = [one["text"] for one in other["said"]]
    again = channel(tmp_path, free_port())
    async with answering(tmp_path, again, CHAT), opened(again) as (_, later):
        assert [one["text"] for one in later["said"]] == texts
    assert sorted(texts) == ["lunch *now*?", "re: lunch *now*?"]
    token = (tmp_path / "webchat/token").read_text()
    log = (tmp_path / "logs/bot.log").read_text("utf-8")
    assert token not in log
    assert "lunch" not in log
    assert {one.stat().st_mode & 0o77 for one in (tmp_path / "webchat").iterdir()} == {0}


async def test_what_is_not_stored_is_not_said_to_be(tmp_path: Path) -> None:
    webchat, stored = channel(tmp_path, free_port()), list[str]()

    async def full(message: Message) -> bool:
        stored.append(message.text)
        raise OSError("no space left")

    task = asyncio.create_task(webchat.connect(full))
    async with opened(webchat) as (page, _):
        await page.send_json({"id": "1", "text": "hello"})
        assert (await page.receive()).data in {None, 1011, 1006}
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert stored == ["hello"]


async def test_nobody_else_gets_in(tmp_path: Path) -> None:
    webchat = channel(tmp_path, port := free_port())
    address = f"http://127.0.0.1:{port}"
    token = (await webchat.check()).partition("#")[2]
    right = {"Authorization": f"Bearer {token}"}
    async with answering(tmp_path, webchat, CHAT), opened(webchat), ClientSession() as session:
        page = await session.ws_connect(f"{address}/socket")
        await page.send_str("another")
        assert (await page.receive()).data == 4401
        for headers in (
            {"Origin": "http://evil.example"},
            {"Origin": "http://localhost:1"},
            {"Origin": "null"},
            {"Host": "evil.example"},
            {"Host": f"evil.example:{port}", "Origin": f"http://evil.example:{port}"},
        ):
            with pytest.raises(WSServerHandshakeError):
                await session.ws_connect(f"{address}/socket", headers=headers)
            async with session.post(f"{address}/files", headers={**right, **headers}) as answer:
                assert answer.status == 403
        for given in ("", "Bearer ", "Bearer \xff"):
            headers = {"Authorization": given}
            async with session.post(f"{address}/files", data=b"x", headers=headers) as answer:
                assert answer.status == 401
        far = {"Host": "localhost:9000", "Origin": "http://localhost:9000"}  # through a tunnel
        await (await session.ws_connect(f"{address}/socket", headers=far)).close()
        for path in ("/files/..%2ftoken", "/files/token", "/webchat.py"):
            async with session.get(address + path, headers=right) as answer:
                assert answer.status == 404
        for path in ("/", "/chat.js", "/chat.css"):
            async with session.get(address + path) as answer:
                assert answer.status == 200
                assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("left", [b"", b"\n", b"short"])
async def test_half_a_token_lets_nobody_in(tmp_path: Path, left: bytes) -> None:
    (tmp_path / "webchat").mkdir()
    (tmp_path / "webchat/token").write_bytes(left)  # by a crash, or a full disk
    webchat = channel(tmp_path, port := free_port())
    async with answering(tmp_path, webchat, CHAT), opened(webchat), ClientSession() as session:
        for given in (left.decode(), left.decode().strip()):
            page = await session.ws_connect(f"http://127.0.0.1:{port}/socket")
            await page.send_str(given)
            assert (await page.receive()).data == 4401


async def test_what_is_said_after_half_a_line_is_kept(tmp_path: Path) -> None:
    first = channel(tmp_path, free_port())
    await first.send(CHAT, "one")
    said = tmp_path / "webchat/said.jsonl"
    said.write_bytes(said.read_bytes() + b'{"from": "assistant", "te')
    second = channel(tmp_path, free_port())
    await second.send(CHAT, "two")
    texts = [one["text"] for one in channel(tmp_path, free_port())._history()]
    assert texts == ["one", "two"]


async def test_what_a_full_disk_keeps_out_is_not_said_and_the_next_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    webchat = channel(tmp_path, free_port())
    await webchat.send(CHAT, "one")

    def full(path: Path, data: bytes, mode: str) -> None:
        with path.open("ab") as file:
            file.write(data[:9])
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(webchat, "_write", full)
        with pytest.raises(OSError, match="no space"):
            await webchat.send(CHAT, "two")
    await webchat.send(CHAT, "two")
    for one in (webchat, channel(tmp_path, free_port())):
        assert [said["text"] for said in one._history()] == ["one", "two"]


async def test_a_page_that_takes_nothing_holds_nobody_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.channels.webchat.SLOW_SECONDS", 0.2)
    webchat = channel(tmp_path, port := free_port())
    address = f"http://127.0.0.1:{port}/socket"
    token = (await webchat.check()).partition("#")[2]

    async def take(page: ClientWebSocketResponse) -> None:
        while True:
            await page.receive_json()

    async with (
        answering(tmp_path, webchat, CHAT),
        opened(webchat) as (page, _),
        ClientSession() as session,
    ):
        slow = await session.ws_connect(address)
        await slow.send_str(token)
        await slow.receive_json()
        assert slow._conn
        assert slow._conn.transport
        slow._conn.transport.pause_reading()  # type: ignore[attr-defined]
        taking = asyncio.create_task(take(page))
        async with asyncio.timeout(120):
            while len(webchat._pages) == 2:
                await webchat.send(CHAT, "x" * 300_000)
        taking.cancel()


async def test_files_come_in_and_go_out(tmp_path: Path) -> None:
    webchat = channel(tmp_path, port := free_port())
    token = (await webchat.check()).partition("#")[2]
    right = {"Authorization": f"Bearer {token}", "Content-Type": "image/png"}
    files = f"http://127.0.0.1:{port}/files"
    copy = tmp_path / "copy"
    copy.write_bytes(b"contents")
    async with (
        answering(tmp_path, webchat, CHAT),
        opened(webchat) as (page, _),
        ClientSession() as session,
    ):
        async with session.post(f"{files}?name=cat.png", data=b"\x89PNG", headers=right) as answer:
            about = await answer.json()
        await page.send_json({"id": "1", "text": "my cat", "files": [about]})
        (said,) = await until(page, "said", "re:")
        assert said["text"] == "re: [document cat.png] my cat"
        saved = tmp_path / "groups/main/attachments"
        assert [one.read_bytes() for one in saved.iterdir()] == [b"\x89PNG"]
        await webchat.send_file(CHAT, File("a.pdf", "application/pdf", str(copy), ""), "here")
        (said,) = await until(page, "said", "here")
        async with session.get(f"{files}/{said['files'][0]['id']}", headers=right) as answer:
            assert await answer.read() == b"contents"
        await webchat.typing(CHAT)
        assert await until(page, "typing") is True
        with pytest.raises(Unfetchable, match="larger"):
            await webchat.fetch(Attachment("document", "x", source=about["id"]), 3)
        with pytest.raises(Unfetchable, match="no longer"):
            await webchat.fetch(Attachment("document", "x", source="other"), 3)


async def test_what_cannot_be_read_is_skipped_and_html_is_text(tmp_path: Path) -> None:
    webchat = channel(tmp_path, free_port())
    async with answering(tmp_path, webchat, CHAT), opened(webchat) as (page, _):
        for bad in ("[", "7", '{"id": "1"}', '{"id": "2", "text": "x", "files": [{"id": "../x"}]}'):
            await page.send_str(bad)
        await page.send_json({"id": "3", "text": "<script>alert(1)</script>"})
        (said,) = await until(page, "said", "re:")
    assert "<script" not in said["html"]
    assert "&lt;script&gt;" in said["html"]


def test_the_page_has_no_script_or_style_of_its_own_and_names_for_all_that_is_used() -> None:
    page = (PAGE / "index.html").read_text("utf-8")
    assert 'src="chat.js"' in page
    assert "<style" not in page
    for part in ("text", "files"):
        assert f'<label for="{part}">' in page
        assert f'id="{part}"' in page
