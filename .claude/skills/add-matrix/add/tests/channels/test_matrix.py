"""The Matrix channel through matrix-nio, against a server on loopback."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ServerDisconnectedError
from doubles import answering, taken_in
from fake_matrix import Server, matrix
from nio import AsyncClient

from bot.channels import CHANNELS
from bot.channels import matrix as module
from bot.channels.matrix import LONGEST, MatrixChannel
from bot.errors import Misconfigured, RefusedForNow, Undeliverable, Unfetchable
from bot.messages import Attachment, File, Message, Turn
from bot.settings import Secret, Settings

HTML = {"format": "org.matrix.custom.html"}


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with matrix() as found:
        yield found


def channel(folder: Path, server: Server, token: str) -> MatrixChannel:
    settings = Settings(
        assistant_name="Andy",
        graftbot_data=folder,
        matrix_server=server.url,
        matrix_token=Secret(token),
    )
    made = MatrixChannel.from_settings(settings)
    assert made is not None
    return made


async def ready(folder: Path, server: Server, token: str) -> None:
    """It has been there once: what is written from now on is answered."""
    made, read = channel(folder, server, token), asyncio.Event()
    putting = made._kept.put

    async def put(name: str, text: str) -> None:
        await putting(name, text)
        if name == module.SINCE:
            read.set()

    made._kept.put = put  # type: ignore[method-assign]
    task = asyncio.create_task(made.connect(nobody))
    async with asyncio.timeout(120):
        await read.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def nobody(message: Message) -> bool:
    return False


def test_it_starts_with_the_others_once_there_is_a_token() -> None:
    assert MatrixChannel in CHANNELS
    assert MatrixChannel.from_settings(Settings()) is None
    with pytest.raises(Misconfigured, match="MATRIX_SERVER"):
        MatrixChannel.from_settings(Settings(matrix_token=Secret("a-token")))
    assert "a-token" not in repr(Settings(matrix_token=Secret("a-token")))
    code = f"import sys, bot.run; from {Settings.__module__} import {Settings.__name__} as S; [cls.from_settings(S()) for cls in bot.run.CHANNELS]"
    check = f"{code}; sys.exit('nio' in sys.modules)"
    subprocess.run([sys.executable, "-c", check], check=True)


async def test_a_private_chat_and_a_room_are_answered_where_they_are(
    server: Server, tmp_path: Path
) -> None:
    me, token = await server.register("andy")
    await ready(tmp_path, server, token)
    async with server.person("ada") as ada, server.person("bob") as bob:
        alone, shared = await ada.room(me), await ada.room(me, bob.client.user_id)
        await bob.client.join(shared)
        chats = (f"matrix:{alone}", f"matrix:{shared}")
        async with answering(tmp_path, channel(tmp_path, server, token), *chats):
            await ada.say(alone, "hello")
            assert await ada.until(1) == ["re: hello"]
            await ada.until_joined(shared, me)
            await bob.say(shared, "lunch?")
            await bob.say(shared, "where?", **{"m.mentions": {"user_ids": [me]}})
            assert (await ada.until(4))[1:] == ["lunch?", "where?", "re: where?"]
    assert ada.heard[0]["content"]["formatted_body"] == "<p>re: hello</p>\n"
    assert ada.heard[0]["content"]["m.mentions"] == {}, "nobody is called"


async def test_what_was_missed_is_answered_once_and_in_order(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAGE", 5)
    me, token = await server.register("andy")
    await ready(tmp_path, server, token)
    async with server.person("ada") as ada:
        room = await ada.room(me)
        async with answering(tmp_path, channel(tmp_path, server, token), f"matrix:{room}"):
            await ada.say(room, "one")
            await ada.until(1)
        for number in range(23):  # more than the feed shows, and more than a page
            await ada.say(room, f"missed {number}")
        got: list[str] = []

        async def answer(turn: Turn) -> Sequence[str]:
            got.extend(one.text for one in turn.messages)
            return ["done"] if "missed 22" in got else []

        made = channel(tmp_path, server, token)
        async with answering(tmp_path, made, f"matrix:{room}", answer=answer):
            await ada.until(2)
    assert got == [f"missed {number}" for number in range(23)]


async def test_what_is_not_stored_comes_again(server: Server, tmp_path: Path) -> None:
    me, token = await server.register("andy")
    await ready(tmp_path, server, token)

    async def full(message: Message) -> bool:
        raise OSError("no space left")

    async with server.person("ada") as ada:
        await ada.say(await ada.room(me), "hello")
        with pytest.raises(OSError, match="no space"):
            await channel(tmp_path, server, token).connect(full)
        found = await taken_in(channel(tmp_path, server, token), 1)
    assert [one.text for one in found] == ["hello"]


async def test_replies_edits_and_who_is_meant(server: Server, tmp_path: Path) -> None:
    me, token = await server.register("andy")
    await ready(tmp_path, server, token)
    async with server.person("ada") as ada, server.person("bob") as bob:
        room = await ada.room(me, bob.client.user_id)
        await bob.client.join(room)
        made = channel(tmp_path, server, token)
        reading = asyncio.create_task(taken_in(made, 8))
        await ada.until_joined(room, me)
        await made.send(f"matrix:{room}", "Shall I?")
        await ada.until(1)
        mine = str(ada.heard[0]["event_id"])
        plain = await ada.say(room, "plain")

        def to(event: str) -> dict[str, Any]:
            return {"m.relates_to": {"m.in_reply_to": {"event_id": event}}}

        await ada.say(room, f"> <{me}> Shall I?\n\nyes", **to(mine))
        await bob.say(room, "so", **to(plain))
        new = {"m.new_content": {"msgtype": "m.text", "body": "plainer"}}
        edit = {"m.relates_to": {"rel_type": "m.replace", "event_id": plain}}
        await ada.say(room, "* plainer", **new, **edit)
        await bob.say(room, "beep", msgtype="m.notice")
        pill = {**HTML, "formatted_body": f'<a href="https://matrix.to/#/{me}">Andy</a>: you'}
        await bob.say(room, "Andy: you", **pill)
        other = {**HTML, "formatted_body": f'<a href="https://matrix.to/#/{me}.example.org">A</a>'}
        await bob.say(room, "Andy of theirs", **other)
        await ada.client.room_send(room, "m.room.encrypted", {"algorithm": "x", "ciphertext": "y"})
        await ada.client.room_send(room, "m.reaction", {})
        await bob.say(room, "a", msgtype="m.location", geo_uri="geo:1,2")
        found = await reading
    assert [one.text for one in found] == [
        *("plain", "yes", "so", "[edited] plainer", "beep", "Andy: you", "Andy of theirs"),
        "[location geo:1,2]",
    ]
    assert [one.called for one in found] == [
        *[False, True, False, False, False, True],
        *[False] * 2,
    ]
    assert (found[1].quoted, found[1].quoted_sender) == ("Shall I?", "Andy")
    assert found[2].quoted == "plain"
    assert found[0].sender_id == ada.client.user_id
    assert found[3].id.startswith(f"{plain} edited $")
    assert [one.bot for one in found] == [False] * 4 + [True] + [False] * 3
    assert not any(one.direct for one in found)


async def test_a_question_about_a_reply_that_gets_no_answer_loses_nothing(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    me, token = await server.register("andy")
    await ready(tmp_path, server, token)
    lost, asking = [1], AsyncClient.room_get_event

    async def ask(self: AsyncClient, *arguments: Any) -> Any:
        if lost.pop() if lost else 0:
            raise ServerDisconnectedError
        return await asking(self, *arguments)

    monkeypatch.setattr(AsyncClient, "room_get_event", ask)
    async with server.person("ada") as ada:
        room = await ada.room(me)
        async with answering(tmp_path, channel(tmp_path, server, token), f"matrix:{room}"):
            first = await ada.say(room, "one")
            await ada.until(1)
            await ada.say(room, "two", **{"m.relates_to": {"m.in_reply_to": {"event_id": first}}})
            assert await ada.until(2) == ["re: one", "re: two"]
    assert lost == []


async def test_an_invitation_that_takes_long_holds_nothing_up_and_outlives_a_start(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    me, token = await server.register("andy")
    await ready(tmp_path, server, token)
    slow, joining, tried = "", AsyncClient.join, asyncio.Event()
    monkeypatch.setattr(module, "JOIN_SECONDS", 0.01)
    failures = [1]

    async def join(self: AsyncClient, room: str) -> Any:
        if room == slow:
            tried.set()
            await asyncio.Event().wait()
        if self.user_id == me and failures:
            failures.pop()
            raise TimeoutError
        return await joining(self, room)

    monkeypatch.setattr(AsyncClient, "join", join)
    async with server.person("ada") as ada:
        room = await ada.room(me)
        async with answering(tmp_path, channel(tmp_path, server, token), f"matrix:{room}"):
            await ada.until_joined(room, me)
            slow = await ada.room(me)
            async with asyncio.timeout(120):
                await tried.wait()
            await ada.say(room, "hello")
            assert await ada.until(1) == ["re: hello"]
        far, slow = slow, ""
        async with answering(tmp_path, channel(tmp_path, server, token), f"matrix:{room}"):
            await ada.until_joined(far, me)


async def test_a_long_reply_is_split_and_a_piece_whose_answer_was_lost_comes_once(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    me, token = await server.register("andy")
    await ready(tmp_path, server, token)
    words = " ".join(f"wörd{n}" for n in range(2000))
    lost, sending = [2], AsyncClient.room_send

    async def send(self: AsyncClient, *arguments: Any, **more: Any) -> Any:
        answer = await sending(self, *arguments, **more)
        if "tx_id" in more and lost[0]:  # of the assistant's
            lost[0] -= 1
            raise TimeoutError
        return answer

    monkeypatch.setattr(AsyncClient, "room_send", send)

    async def answer(turn: Turn) -> Sequence[str]:
        return [words, "again", "again"]

    async with server.person("ada") as ada:
        room = await ada.room(me)
        made = channel(tmp_path, server, token)
        async with answering(tmp_path, made, f"matrix:{room}", answer=answer):
            await ada.say(room, "tell me")
            pieces = -(-2 * len(words.encode()) // LONGEST)
            sent = await ada.until(pieces + 2)
    assert " ".join(sent[:-2]) == words
    assert sent[-2:] == ["again", "again"], "but the same twice is two"


async def test_files_come_in_and_go_out(server: Server, tmp_path: Path) -> None:
    me, token = await server.register("andy")
    await ready(tmp_path, server, token)
    (copy := tmp_path / "copy").write_bytes(b"a picture")
    async with server.person("ada") as ada:
        room = await ada.room(me)
        made = channel(tmp_path, server, token)
        reading = asyncio.create_task(taken_in(made, 2))
        await ada.until_joined(room, me)
        picture = File("a.png", "image/png", str(copy), "a.png")
        await made.send_file(f"matrix:{room}", picture, "*look*")
        await made.send_file(f"matrix:{room}", File("b", "x/y", str(copy), "b"), "")
        await made.typing(f"matrix:{room}")
        assert await ada.until(2) == ["*look*", "b"]
        async with asyncio.timeout(120):
            while me not in ada.client.rooms[room].typing_users:
                await ada.hear()
        first, second = (one["content"] for one in ada.heard)
        assert (first["msgtype"], first["filename"]) == ("m.image", "a.png")
        assert first["info"] == {"mimetype": "image/png", "size": 9}
        assert second["msgtype"] == "m.file"
        about = {"url": first["url"], "info": first["info"]}
        await ada.say(room, "a.png", msgtype="m.image", **about)
        await ada.say(room, "what is it?", msgtype="m.file", filename="b.pdf", **about)
        await ada.say(room, "hidden", msgtype="m.file", file={"url": first["url"]})
        found = await reading
        assert [one.text for one in found] == ["[photo a.png]", "[document b.pdf] what is it?"]
        (given,) = found[0].attachments
        assert (given.type, given.size) == ("image/png", 9)
        assert await made.fetch(given, 100) == b"a picture"
        with pytest.raises(Unfetchable, match="larger"):
            await made.fetch(given, 5)
        with pytest.raises(Unfetchable, match="any more"):
            await made.fetch(Attachment("photo", "x", source="mxc://localhost/nothing"), 5)
        for place in ("../../v3/account/whoami", "localhost/a?x", "localhost/../a", "..", "/a"):
            with pytest.raises(Unfetchable, match="no address"):  # of what the account alone sees
                await made.fetch(Attachment("document", "x", source=f"mxc://{place}"), 500)


async def test_what_only_the_owner_can_mend_is_said(server: Server, tmp_path: Path) -> None:
    me, token = await server.register("andy")
    made = channel(tmp_path, server, token)
    assert await made.check() == me
    for wrong in ("check", "connect"):
        refused = channel(tmp_path, server, "wrong")
        with pytest.raises(Misconfigured, match="M_UNKNOWN_TOKEN") as caught:
            await (refused.check() if wrong == "check" else refused.connect(nobody))
        assert "MATRIX_TOKEN" in caught.value.hint
    with pytest.raises(ConnectionError, match="not connected"):
        await made.send("matrix:!r:localhost", "hello")
    async with server.person("ada") as ada:
        theirs, ours = await ada.room(), await ada.room(me)
        running = asyncio.create_task(made.connect(nobody))
        await ada.until_joined(ours, me)
        with pytest.raises(RefusedForNow, match="M_FORBIDDEN"):
            await made.send(f"matrix:{theirs}", "hello")
        with pytest.raises(Undeliverable, match="M_TOO_LARGE"):
            await made.send(f"matrix:{ours}", "x" * 70_000)
        assert await made.groups() == {}
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    nowhere = Server("http://127.0.0.1:1", {})
    with pytest.raises(ConnectionError, match="cannot be asked"):
        await channel(tmp_path, nowhere, token).check()
