"""WhatsApp: real protobuf events go through the real client object, as its Go part would bring them; no network."""

from __future__ import annotations

import asyncio
import ctypes
import sqlite3
import subprocess
import sys
import warnings
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # importing it leaves processes and pipes behind
    from neonize.aioze import events
    from neonize.aioze.client import NewAClient
    from neonize.events import EVENT_TO_INT
    from neonize.proto import Neonize_pb2 as proto
    from neonize.proto.waE2E.WAWebProtobufsE2E_pb2 import ContextInfo, ExtendedTextMessage
    from neonize.proto.waE2E.WAWebProtobufsE2E_pb2 import Message as Content

    while subprocess._active:  # type: ignore[attr-defined]
        subprocess._cleanup()  # type: ignore[attr-defined]

from bot.channels import CHANNELS
from bot.channels import whatsapp as module
from bot.channels.whatsapp import WhatsAppChannel
from bot.errors import Misconfigured
from bot.messages import Message
from bot.settings import Settings

__all__ = ["ADA", "FRIENDS", "HIDDEN", "Content", "Phone"]

ME = proto.JID(User="4900", Server="s.whatsapp.net")
ADA = proto.JID(User="4911", Server="s.whatsapp.net")
FRIENDS = proto.JID(User="123", Server="g.us")
HIDDEN = proto.JID(User="999", Server="lid")


def filled(message: Any) -> Any:
    """With what the Go part always fills in."""
    for field in message.DESCRIPTOR.fields:
        if field.message_type is not None:
            if field.is_required or (not field.is_repeated and message.HasField(field.name)):
                part = getattr(message, field.name)
                part.SetInParent()
                filled(part)
        elif field.is_required and not message.HasField(field.name):
            setattr(message, field.name, field.default_value)
    return message


class Phone:
    """A channel that is connected as far as it can see, and what the other side brings and takes."""

    def __init__(
        self, channel: WhatsAppChannel, monkeypatch: pytest.MonkeyPatch, *, pairs: bool = False
    ) -> None:
        self.channel = channel
        self.received: list[Message] = []
        self.failures = 0
        self.hidden: dict[str, Any] = {}
        self.sent: list[tuple[str, str]] = []
        self.shown: list[str] = []
        self.stopped = 0
        self.client: Any = None
        self.connected = asyncio.Event()
        monkeypatch.setattr(events, "event_global_loop", asyncio.get_running_loop())
        monkeypatch.setattr(NewAClient, "connect", self._connect)
        monkeypatch.setattr(NewAClient, "stop", self._stop)
        monkeypatch.setattr(NewAClient, "send_message", self._send)
        monkeypatch.setattr(NewAClient, "send_chat_presence", self._typing)
        monkeypatch.setattr(NewAClient, "get_lid_from_pn", self._hidden)
        self.running: asyncio.Task[Any] = asyncio.create_task(
            channel.pair() if pairs else channel.connect(self._receive)
        )

    async def bring(self, kind: Any, event: Any) -> None:
        """An event, by the door that the Go part uses, and in a thread as it comes from there."""
        await self.connected.wait()
        data = filled(event).SerializeToString()
        buffer = ctypes.create_string_buffer(data, len(data))
        address = ctypes.addressof(buffer)
        code = EVENT_TO_INT[kind] if kind is not None else 0
        await asyncio.to_thread(self.client.event.execute, 0, address, len(data), code)
        await asyncio.sleep(0.02)

    async def log_in(self) -> None:
        await self.bring(None, proto.Device(JID=ME, LID=proto.JID(User="700", Server="lid")))
        await self.bring(events.ConnectedEv, proto.Connected(status=True))

    async def says(
        self,
        content: Content,
        chat: Any = ADA,
        sender: Any = ADA,
        id_: str = "A1",
        at: int = 1790000000000,
        **source: Any,
    ) -> None:
        whole = proto.MessageSource(Chat=chat, Sender=sender, IsGroup=chat is FRIENDS, **source)
        info = proto.MessageInfo(MessageSource=whole, ID=id_, Pushname="Ada", Timestamp=at)
        await self.bring(events.MessageEv, proto.Message(Info=info, Message=content))

    async def _receive(self, message: Message) -> bool:
        if self.failures:
            self.failures -= 1
            raise OSError("disk full")
        self.received.append(message)
        return True

    async def _connect(self) -> asyncio.Task[None]:
        self.client = self.channel._client
        self.connected.set()
        return asyncio.create_task(asyncio.Event().wait())  # type: ignore[arg-type]

    async def _stop(self) -> None:
        self.stopped += 1

    async def _send(self, jid: Any, content: Content) -> Any:
        self.sent.append((f"{jid.User}@{jid.Server}", content.conversation))
        return SimpleNamespace(ID=f"OUT{len(self.sent)}")

    async def _hidden(self, jid: Any) -> Any:
        return self.hidden.get(jid.User, proto.JID())

    async def _typing(self, jid: Any, *_: Any) -> None:
        self.shown.append(jid.User)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "whatsapp"


def test_it_starts_with_the_others_once_it_is_asked_for_and_nobody_else_pays() -> None:
    assert WhatsAppChannel in CHANNELS
    assert WhatsAppChannel.from_settings(Settings()) is None
    assert isinstance(WhatsAppChannel.from_settings(Settings(whatsapp=True)), WhatsAppChannel)
    code = "import sys, bot.run, bot.settings; [cls.from_settings(bot.settings.Settings()) for cls in bot.run.CHANNELS]"
    subprocess.run(
        [sys.executable, "-c", f"{code}; sys.exit('neonize' in sys.modules)"], check=True
    )


async def test_private_messages_groups_and_quotes_come_in(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = Phone(WhatsAppChannel(folder, "Andy"), monkeypatch)
    await phone.log_in()
    await phone.says(Content(conversation="hello"))
    await phone.says(Content(conversation="@4900 where?"), FRIENDS, id_="A2", at=1790000000)
    quote = ContextInfo(
        quotedMessage=Content(conversation="lunch?"), participant="4922@s.whatsapp.net"
    )
    reply = Content(extendedTextMessage=ExtendedTextMessage(text="@700 yes", contextInfo=quote))
    await phone.says(reply, FRIENDS, id_="A3")
    await phone.says(Content(), id_="A4")
    await phone.says(Content(conversation="mine"), sender=ME, id_="A5", IsFromMe=True)
    first, second, third = phone.received
    assert (first.chat, first.id, first.sender, first.sender_id) == (
        "whatsapp:4911@s.whatsapp.net",
        "A1",
        "Ada",
        "4911",
    )
    assert first.direct
    assert (second.chat, second.text, second.direct) == ("whatsapp:123@g.us", "@Andy where?", False)
    assert first.sent_at == second.sent_at, "milliseconds and seconds"
    assert (third.text, third.quoted, third.quoted_sender) == ("@Andy yes", "lunch?", "4922")
    phone.running.cancel()


async def test_a_hidden_identifier_is_resolved_or_proves_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known: dict[str, Any] = {}

    async def ask(_: Any, jid: Any) -> Any:
        return known.get(jid.User, proto.JID())

    monkeypatch.setattr(NewAClient, "get_pn_from_lid", ask)
    phone = Phone(WhatsAppChannel(folder, "Andy"), monkeypatch)
    await phone.log_in()
    await phone.says(Content(conversation="1"), HIDDEN, HIDDEN, SenderAlt=ADA)
    await phone.says(Content(conversation="2"), HIDDEN, HIDDEN, id_="A2")
    known["999"] = ADA
    await phone.says(Content(conversation="3"), HIDDEN, HIDDEN, id_="A3")
    assert [(message.chat, message.sender_id) for message in phone.received] == [
        ("whatsapp:4911@s.whatsapp.net", "4911"),
        ("whatsapp:999@lid", ""),
        ("whatsapp:4911@s.whatsapp.net", "4911"),
    ]
    phone.running.cancel()


async def test_on_the_owners_number_only_the_chat_with_oneself_needs_no_trigger(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = Phone(WhatsAppChannel(folder, "Andy", shared=True), monkeypatch)
    await phone.log_in()
    await phone.channel.send("whatsapp:4900@s.whatsapp.net", "done, @12345")
    assert phone.sent == [("4900@s.whatsapp.net", "Andy: done, @12345")]
    await phone.says(Content(conversation="note"), ME, ME, IsFromMe=True)
    await phone.says(Content(conversation="Andy: done"), ME, ME, id_="OUT1", IsFromMe=True)
    await phone.says(Content(conversation="to Ada"), ADA, ME, id_="A3", IsFromMe=True)
    await phone.says(Content(conversation="@Andy hi"), FRIENDS, ME, id_="A4", IsFromMe=True)
    await phone.says(Content(conversation="dear owner"), id_="A5")
    assert [(message.text, message.direct) for message in phone.received] == [
        ("note", True),
        ("@Andy hi", False),
        ("dear owner", False),
    ]
    phone.running.cancel()


async def test_a_message_that_cannot_be_stored_is_kept_until_it_can(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sleep = asyncio.sleep
    monkeypatch.setattr(
        module, "asyncio", SimpleNamespace(**{**vars(asyncio), "sleep": lambda _: sleep(0)})
    )
    phone = Phone(WhatsAppChannel(folder, "Andy"), monkeypatch)
    phone.failures = 3
    await phone.log_in()
    await phone.says(Content(conversation="hello"))
    assert [message.text for message in phone.received] == ["hello"]
    phone.running.cancel()


async def test_typing_and_sending_need_a_connection(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = Phone(WhatsAppChannel(folder, "Andy"), monkeypatch)
    with pytest.raises(ConnectionError):
        await phone.channel.send("whatsapp:4911@s.whatsapp.net", "too early")
    await phone.log_in()
    await phone.channel.typing("whatsapp:4911@s.whatsapp.net")
    await phone.channel.send("whatsapp:123@g.us", "hi")
    assert (phone.shown, phone.sent) == (["4911"], [("123@g.us", "hi")])
    phone.running.cancel()


@pytest.mark.parametrize(
    ("kind", "event", "error", "words"),
    [
        (events.LoggedOutEv, proto.LoggedOut(), Misconfigured, "unlinked"),
        (events.ClientOutdatedEv, proto.ClientOutdated(), Misconfigured, "this version of neonize"),
        (events.StreamReplacedEv, proto.StreamReplaced(), ConnectionError, "another process"),
    ],
)
async def test_the_end_of_a_connection_says_why_and_its_client_is_stopped(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: Any,
    event: Any,
    error: type[Exception],
    words: str,
) -> None:
    phone = Phone(WhatsAppChannel(folder, "Andy"), monkeypatch)
    await phone.log_in()
    await phone.bring(kind, event)
    with pytest.raises(error, match=words):
        await asyncio.wait_for(phone.running, 20)
    assert phone.stopped == 1


async def test_a_qr_code_is_shown_and_kept_as_a_picture_until_the_phone_has_read_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    phone = Phone(WhatsAppChannel(folder, "Andy"), monkeypatch)
    await phone.connected.wait()
    await phone.client.event._qr(phone.client, b"2@secret")
    assert (folder / "qr.png").read_bytes().startswith(b"\x89PNG")
    assert "link a device" in capsys.readouterr().err
    await phone.log_in()
    assert not (folder / "qr.png").exists()
    assert phone.channel.me == "whatsapp:4900@s.whatsapp.net"
    phone.running.cancel()


@pytest.mark.parametrize("shared", [True, False])
async def test_pairing_ends_once_the_phone_has_linked_it_and_is_not_done_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *, shared: bool
) -> None:
    phone = Phone(WhatsAppChannel(folder, "Andy", shared=shared), monkeypatch, pairs=True)
    await phone.log_in()
    owner = await asyncio.wait_for(phone.running, 20)
    assert owner == ("whatsapp:4900@s.whatsapp.net" if shared else None), (
        "whose number it is, is his"
    )
    assert phone.stopped == 1
    with (
        closing(sqlite3.connect(folder / "session.db")) as db,
        db,
    ):  # as whatsmeow has kept it by then
        db.execute("CREATE TABLE whatsmeow_device (jid TEXT PRIMARY KEY)")
        db.execute("INSERT INTO whatsmeow_device VALUES ('4900:12@s.whatsapp.net')")
    assert await WhatsAppChannel(folder, "Andy", shared=shared).pair() == owner


async def test_pairing_that_fails_says_why(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    phone = Phone(WhatsAppChannel(folder, "Andy"), monkeypatch, pairs=True)
    await phone.bring(events.ClientOutdatedEv, proto.ClientOutdated())
    with pytest.raises(Misconfigured, match="this version of neonize"):
        await asyncio.wait_for(phone.running, 20)


async def test_a_network_that_is_not_there_is_said_in_our_words(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def connect(_: Any) -> asyncio.Task[None]:
        async def dial() -> None:
            raise RuntimeError("failed to dial: lookup of somewhere: no such host")

        return asyncio.create_task(dial())

    monkeypatch.setattr(NewAClient, "connect", connect)
    with pytest.raises(ConnectionError, match="WhatsApp cannot be reached"):
        await asyncio.wait_for(WhatsAppChannel(folder, "Andy").pair(), 20)


def test_a_number_as_people_write_it_is_one_and_what_is_none_is_refused(folder: Path) -> None:
    for number in ("+49 151 2345-678", "0049 (151) 2345678", "491512345678"):
        settings = Settings(graftbot_data=folder, whatsapp=True, whatsapp_phone=number)
        made = WhatsAppChannel.from_settings(settings)
        assert made is not None
        assert made._phone == "491512345678"
    for number in ("0151 2345678", "12", "a phone"):
        settings = Settings(graftbot_data=folder, whatsapp=True, whatsapp_phone=number)
        with pytest.raises(Misconfigured, match="WHATSAPP_PHONE cannot be"):
            WhatsAppChannel.from_settings(settings)


async def test_with_a_number_a_code_is_shown_instead(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def code(_: Any, phone: str, *, show_push_notification: bool) -> str:
        return f"CODE-{phone}"

    monkeypatch.setattr(NewAClient, "PairPhone", code)
    phone = Phone(WhatsAppChannel(folder, "Andy", "4900"), monkeypatch)
    await phone.connected.wait()
    await phone.client.event._qr(phone.client, b"2@secret")
    assert "CODE-4900" in capsys.readouterr().err
    assert not (folder / "qr.png").exists()
    phone.running.cancel()
