"""The Signal channel over a socket against a daemon that answers as signal-cli's documentation says."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from doubles import answering, taken_in
from fake_signal import ACCOUNT, ADA, ME, FakeSignal, fake_signal

from bot.channels import CHANNELS
from bot.channels.signal import SignalChannel
from bot.channels.signal_messages import styled
from bot.errors import Misconfigured, RefusedForNow, Undeliverable, Unfetchable
from bot.messages import Attachment, File, Message, Turn
from bot.settings import Settings

PERSON, FAMILY = f"signal:{ADA['sourceUuid']}", "signal:group.Zm9v/+="
GROUP = "Zm9v/+="


@pytest.fixture
async def fake() -> AsyncIterator[FakeSignal]:
    async with fake_signal() as found:
        yield found


def channel(fake: FakeSignal, account: str = ACCOUNT, **more: Any) -> SignalChannel:
    given = {"signal_account": account, "signal_daemon": f"127.0.0.1:{fake.port}", **more}
    made = SignalChannel.from_settings(Settings(assistant_name="Andy", **given))
    assert made is not None
    return made


def test_it_starts_with_the_others_once_there_is_an_account(fake: FakeSignal) -> None:
    assert SignalChannel in CHANNELS
    assert SignalChannel.from_settings(Settings()) is None
    assert Settings().signal_daemon == "127.0.0.1:7583"
    with pytest.raises(Misconfigured, match="SIGNAL_ACCOUNT"):
        channel(fake, "Andy")
    assert channel(fake, "+49 151 00000001")


async def test_a_private_chat_and_a_group_are_answered_where_they_are(
    fake: FakeSignal, tmp_path: Path
) -> None:
    await fake.write("while you were away")
    async with answering(tmp_path, channel(fake), PERSON, FAMILY):
        await fake.called("send")
        await fake.write("lunch?", GROUP)
        mention = {"start": 0, "length": 1, "uuid": ME, "number": None, "name": "x"}
        await fake.write("\ufffc where?", GROUP, mentions=[mention])
        first, second = await fake.called("send", 2)
    assert (first["recipient"], first["message"]) == (
        [ADA["sourceUuid"]],
        "re: while you were away",
    )
    assert (second["groupId"], second["message"]) == (GROUP, "re: @Andy where?")
    assert {first["account"], second["account"]} == {ACCOUNT}


async def test_after_the_daemon_was_restarted_it_goes_on(fake: FakeSignal, tmp_path: Path) -> None:
    async with answering(tmp_path, channel(fake), PERSON):
        await fake.called("subscribeReceive")
        fake.end()
        await fake.write("hello")
        ((sent),) = await fake.called("send")
    assert sent["message"] == "re: hello"


async def test_a_message_is_handed_over_until_it_is_stored(
    fake: FakeSignal, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored: list[str] = []
    done = asyncio.Event()
    monkeypatch.setattr("bot.channels.signal.asyncio.sleep", lambda _: _now())

    async def receive(message: Message) -> bool:
        stored.append(message.text)
        if len(stored) < 3:
            raise OSError("no space left")
        done.set()
        return True

    task = asyncio.create_task(channel(fake).connect(receive))
    await fake.write("hello")
    await asyncio.wait_for(done.wait(), 600)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert stored == ["hello"] * 3


async def test_what_the_daemon_has_given_is_stored_also_at_the_end(fake: FakeSignal) -> None:
    stored: list[str] = []
    begun = asyncio.Event()

    async def receive(message: Message) -> bool:
        if not begun.is_set():
            begun.set()
            await asyncio.Event().wait()
        stored.append(message.text)
        return True

    signal = channel(fake)
    for text in ("one", "two", "three"):
        await fake.write(text)
    task = asyncio.create_task(signal.connect(receive))
    await asyncio.wait_for(begun.wait(), 600)
    await signal.typing(PERSON)  # its answer comes after the messages
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert stored == ["one", "two", "three"]


async def _now() -> None:
    """No pause."""


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"attachments": [{"id": "x.ogg", "contentType": "audio/ogg", "size": 4}]}, "[audio]"),
        (
            {
                "message": "who?",
                "attachments": [{"id": "x", "contentType": "image/png", "filename": "cat.png"}],
            },
            "[photo cat.png] who?",
        ),
        ({"sticker": {"packId": "p", "stickerId": 1, "emoji": "😀"}}, "[sticker 😀]"),
        (
            {"contacts": [{"name": {"display": "Bob"}, "phone": [{"value": "+49"}]}]},
            "[contact Bob +49]",
        ),
        (
            {"message": "😀 \ufffc!", "mentions": [{"start": 3, "length": 1, "name": "Bob"}]},
            "😀 @Bob!",
        ),
        ({"reaction": {"emoji": "👍", "targetSentTimestamp": 1}}, ""),
        ({"remoteDelete": {"timestamp": 1}}, ""),
    ],
)
async def test_what_is_written_is_named(fake: FakeSignal, data: dict[str, Any], text: str) -> None:
    await fake.bring({**ADA, "timestamp": 1, "typingMessage": {"action": "STARTED"}})
    await fake.bring({**ADA, "timestamp": 1, "syncMessage": {"sentMessage": {"message": "mine"}}})
    await fake.write(**{"text": "", **data})
    await fake.write("after")
    found = await taken_in(channel(fake), 2 if text else 1)
    assert [one.text for one in found] == [*([text] if text else []), "after"]
    files = [one["id"] for one in data.get("attachments", ())]
    assert [one.source for one in found[0].attachments] == [f"{PERSON} {name}" for name in files]


async def test_replies_edits_and_what_cannot_be_read(fake: FakeSignal, tmp_path: Path) -> None:
    quote = {"id": 1, "author": ACCOUNT, "authorNumber": ACCOUNT, "text": "Shall I?"}
    await fake.write("yes", GROUP, quote=quote)
    await fake.write("my PIN is 4711", mentions=[{"start": "x"}])
    edit = {"timestamp": 9, "message": "second"}
    edited = {"targetSentTimestamp": 5, "dataMessage": edit}
    await fake.bring({**ADA, "timestamp": 9, "editMessage": edited})
    reply, second = await taken_in(channel(fake), 2)
    assert (reply.called, reply.direct, reply.quoted) == (True, False, "Shall I?")
    assert (second.text, second.id) == ("[edited] second", f"{ADA['sourceUuid']} 9")
    assert (second.direct, second.sender, second.sender_id) == (
        True,
        "Ada L.",
        ADA["sourceUuid"],
    )


def test_styles_count_as_signal_does_and_addresses_stand_behind_their_words() -> None:
    text, styles = styled("😀 **b** [w](https://a.b) `c` *i*\n```py\nx\n```")
    assert text == "😀 b w (https://a.b) c i\nx"
    shown = {one.rpartition(":")[2]: one for one in styles[:3]}
    assert shown == {"BOLD": "3:1:BOLD", "MONOSPACE": "21:1:MONOSPACE", "ITALIC": "23:1:ITALIC"}
    assert styles[3] == "25:1:MONOSPACE"


async def test_a_long_reply_is_split(fake: FakeSignal, tmp_path: Path) -> None:
    words = " ".join(f"word{n}" for n in range(600))

    async def answer(turn: Turn) -> Sequence[str]:
        return [words]

    async with answering(tmp_path, channel(fake), PERSON, answer=answer):
        await fake.write("tell me")
        sent = await fake.called("send", 3)
    assert " ".join(one["message"] for one in sent) == words
    assert all(len(one["message"]) <= 2000 for one in sent)


async def test_files_come_in_and_go_out(fake: FakeSignal, tmp_path: Path) -> None:
    fake.files["x.png"] = b"\x89PNG"
    copy = tmp_path / "copy"
    copy.write_bytes(b"contents")
    signal = channel(fake)
    given = {"id": "x.png", "contentType": "image/png", "size": 4}
    async with answering(tmp_path, signal, PERSON):
        await fake.write("my cat", attachments=[given])
        await fake.called("send")
        saved = tmp_path / "groups/main/attachments"
        assert [one.read_bytes() for one in saved.iterdir()] == [b"\x89PNG"]
        with pytest.raises(Unfetchable, match="larger"):
            await signal.fetch(Attachment("photo", "x", source=f"{PERSON} x.png"), 3)
        with pytest.raises(Unfetchable, match="larger"):  # as Signal says, before it is asked for
            await signal.fetch(Attachment("photo", "x", source=f"{PERSON} y.png", size=4), 3)
        with pytest.raises(Unfetchable, match="not find"):
            await signal.fetch(Attachment("photo", "x", source=f"{FAMILY} other"), 9)
        await signal.send_file(
            FAMILY, File("a;b.pdf", "application/pdf", str(copy), ""), "**here**"
        )
        *_, sent = await fake.called("send", 2)
        await signal.typing(FAMILY)
        assert await signal.groups() == {FAMILY: "Family"}
    asked = await fake.called("getAttachment", 3)
    assert (asked[0]["recipient"], asked[2]["groupId"]) == (ADA["sourceUuid"], GROUP)
    data = base64.b64encode(b"contents").decode()
    assert sent["attachments"] == [f"data:application/pdf;filename=a_b.pdf;base64,{data}"]
    assert (sent["message"], sent["textStyle"]) == ("here", ["0:4:BOLD"])
    assert (await fake.called("sendTyping"))[-1]["groupId"] == GROUP


async def test_what_is_refused(fake: FakeSignal, tmp_path: Path) -> None:
    signal = channel(fake)
    with pytest.raises(ConnectionError, match="not connected"):
        await signal.send(PERSON, "x")
    async with answering(tmp_path, signal, PERSON):
        await fake.called("subscribeReceive")
        fake.errors = [(-1, "no such group"), (-4, "untrusted"), (-3, "no network"), (-2, "what?")]
        for kind in (Undeliverable, RefusedForNow, ConnectionError, RefusedForNow):
            with pytest.raises(kind):
                await signal.send(PERSON, "x")
        fake.results = [{"type": "UNREGISTERED_FAILURE"}]
        with pytest.raises(Undeliverable, match="UNREGISTERED"):
            await signal.send(PERSON, "x")
        for why in ("IDENTITY_FAILURE", "PROOF_REQUIRED_FAILURE"):
            fake.results = [{"type": why}]
            with pytest.raises(RefusedForNow, match="safety number" if "ID" in why else why):
                await signal.send(PERSON, "x")
        fake.results = [{"type": "NETWORK_FAILURE"}]
        with pytest.raises(ConnectionError, match="NETWORK"):
            await signal.send(PERSON, "x")


async def test_what_only_the_owner_can_mend_is_said(fake: FakeSignal) -> None:
    assert await channel(fake).check() == ACCOUNT
    with pytest.raises(Misconfigured, match="SIGNAL_DAEMON"):
        await channel(fake, signal_daemon="here").check()
    with pytest.raises(ConnectionError, match="no signal-cli answers"):
        await channel(fake, signal_daemon="/nowhere/socket").check()
    fake.accounts = []
    with pytest.raises(Misconfigured, match="SIGNAL_ACCOUNT"):
        await channel(fake).check()
