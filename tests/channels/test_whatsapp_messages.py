"""What WhatsApp's messages become: names for what is no text, who is meant, marks, files."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from test_whatsapp import ADA, FRIENDS, HIDDEN, Content, Phone

from bot.channels import whatsapp as module
from bot.channels.whatsapp import WhatsAppChannel
from bot.channels.whatsapp_messages import content
from bot.errors import Unfetchable
from bot.formatting import utf16
from bot.messages import File

SECRET = "my PIN is 4711"
MEDIA = {"mimetype": "image/webp; x=1", "fileLength": 9, "mediaKey": b"k", "JPEGThumbnail": b"t"}


def sent(**fields: Any) -> Content:
    return Content(**fields)


def document(**more: Any) -> dict[str, Any]:
    return {"fileName": "a b.pdf", "mimetype": "application/pdf", "fileLength": 9, **more}


@pytest.mark.parametrize(
    ("fields", "text", "file"),
    [
        ({"conversation": "hello"}, "hello", ""),
        ({"imageMessage": {**MEDIA, "caption": "who?"}}, "[photo] who?", "photo.jpg"),
        ({"videoMessage": {"seconds": 61}}, "[video, 1:01]", "video.mp4"),
        ({"ptvMessage": {"seconds": 5}}, "[video message, 0:05]", "video.mp4"),
        ({"audioMessage": {"PTT": True, "seconds": 12}}, "[voice message, 0:12]", "audio.ogg"),
        ({"audioMessage": {"seconds": 12}}, "[audio, 0:12]", "audio.ogg"),
        ({"documentMessage": document()}, "[document a b.pdf]", "a b.pdf"),
        (
            {
                "documentWithCaptionMessage": {
                    "message": {"documentMessage": document(caption="read this")}
                }
            },
            "[document a b.pdf] read this",
            "a b.pdf",
        ),
        ({"viewOnceMessageV2": {"message": {"imageMessage": {}}}}, "[photo]", "photo.jpg"),
        ({"stickerMessage": {}}, "[sticker]", "sticker.webp"),
        (
            {
                "locationMessage": {
                    "degreesLatitude": 52.5,
                    "degreesLongitude": 13.25,
                    "name": "Zoo",
                }
            },
            "[location Zoo: 52.50000, 13.25000]",
            "",
        ),
        (
            {"liveLocationMessage": {"degreesLatitude": 1, "degreesLongitude": 2}},
            "[live location 1.00000, 2.00000]",
            "",
        ),
        (
            {
                "contactMessage": {
                    "displayName": "Bob",
                    "vcard": "BEGIN:VCARD\nitem1.TEL;waid=49:+49 1\nEND:VCARD",
                }
            },
            "[contact Bob +49 1]",
            "",
        ),
        (
            {"contactsArrayMessage": {"contacts": [{"displayName": "A"}, {"displayName": "B"}]}},
            "[contacts A; B]",
            "",
        ),
        (
            {
                "pollCreationMessageV3": {
                    "name": "Where?",
                    "options": [{"optionName": "here"}, {"optionName": "there"}],
                }
            },
            "[poll: Where? here / there]",
            "",
        ),
        (
            {
                "protocolMessage": {
                    "type": "MESSAGE_EDIT",
                    "editedMessage": {"conversation": "six"},
                }
            },
            "[edited] six",
            "",
        ),
        ({"eventMessage": {"name": "Party"}}, "[event]", ""),
        ({"reactionMessage": {"text": "👍"}}, "", ""),
        ({"protocolMessage": {"type": "REVOKE"}}, "", ""),
        ({}, "", ""),
    ],
)
def test_what_is_no_text_has_a_name(fields: dict[str, Any], text: str, file: str) -> None:
    held = content(sent(**fields))
    assert held.text == text
    assert [attachment.name for attachment in held.attachments] == [file] * bool(file)


async def test_a_mention_and_a_reply_mean_the_assistant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = Phone(WhatsAppChannel(tmp_path, "Andy"), monkeypatch)
    await phone.log_in()
    named = {"mentionedJID": ["4911@s.whatsapp.net", "700@lid"]}
    quote = {"stanzaID": "X", "quotedMessage": {"conversation": "Shall I?"}}
    for number, context in enumerate(
        (
            named,
            {**quote, "participant": "4900:3@s.whatsapp.net"},
            {**quote, "participant": "4911@s.whatsapp.net"},
            {"mentionedJID": ["4911@s.whatsapp.net"]},
        )
    ):
        text = {"text": "hi @700, you", "contextInfo": context}
        await phone.says(sent(extendedTextMessage=text), FRIENDS, id_=f"A{number}")
    assert [message.called for message in phone.received] == [True, True, False, False]
    assert phone.received[0].text == "hi @Andy, you"
    assert phone.received[1].quoted == "Shall I?"
    phone.running.cancel()


async def test_on_the_owners_number_a_mention_is_the_owners(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = Phone(WhatsAppChannel(tmp_path, "Andy", shared=True), monkeypatch)
    await phone.log_in()
    await phone.channel.send("whatsapp:123@g.us", "Shall I?")
    for number, context in enumerate(
        ({"mentionedJID": ["4900@s.whatsapp.net"]}, {"stanzaID": "OUT1"}, {"stanzaID": "X"})
    ):
        text = {"text": "@4900 hi", "contextInfo": context}
        await phone.says(sent(extendedTextMessage=text), FRIENDS, id_=f"A{number}")
    assert [(one.called, one.text) for one in phone.received] == [
        (False, "@4900 hi"),
        (True, "@4900 hi"),
        (False, "@4900 hi"),
    ]
    phone.running.cancel()


async def test_a_chat_whose_number_becomes_known_is_the_same_chat(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moves: list[tuple[str, str]] = []

    async def moved(old: str, new: str) -> bool:
        moves.append((old, new))
        return True

    channel = WhatsAppChannel(tmp_path, "Andy")
    channel.moved = moved
    phone = Phone(channel, monkeypatch)
    await phone.log_in()
    same = ("whatsapp:999@lid", "whatsapp:4911@s.whatsapp.net")
    await phone.says(sent(conversation="2"), ADA, ADA, id_="A1")
    assert moves == []
    await phone.says(sent(conversation="1"), HIDDEN, HIDDEN, SenderAlt=ADA, id_="A2")
    await phone.says(sent(conversation="2"), ADA, ADA, SenderAlt=HIDDEN, id_="A3")
    phone.hidden["4911"] = HIDDEN
    await phone.says(sent(conversation="2"), ADA, ADA, id_="A4")
    assert moves == [same, same, same]
    together = {"associationType": 1, "parentMessageKey": {"ID": "B"}}
    photo = sent(imageMessage=MEDIA, messageContextInfo={"messageAssociation": together})
    await phone.says(photo, id_="A5")
    assert [one.album for one in phone.received] == ["", "", "", "", "B"]
    phone.running.cancel()


async def test_an_event_that_cannot_be_read_or_stored_is_skipped_said_once_and_never_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    notices: list[str] = []
    both = asyncio.Event()

    async def tell(text: str) -> None:
        notices.append(text)
        if len(notices) == 2:
            both.set()

    channel = WhatsAppChannel(tmp_path, "Andy")
    channel.tell = tell
    phone = Phone(channel, monkeypatch)
    receive = phone._receive

    async def refusing(message: Any) -> bool:
        if message.text == SECRET:
            raise ValueError(SECRET)
        return await receive(message)

    def unreadable(message: Any) -> Any:
        if message.conversation == f"{SECRET}!":
            raise KeyError(SECRET)
        return content(message)

    monkeypatch.setattr(module, "content", unreadable)
    await phone.connected.wait()
    channel._listen(phone.client, refusing)
    await phone.log_in()
    for number, text in enumerate((f"{SECRET}!", f"{SECRET}!", SECRET, "hello")):
        await phone.says(sent(conversation=text), id_=f"A{number}")
    await asyncio.wait_for(both.wait(), 20)
    assert [message.text for message in phone.received] == ["hello"]
    assert len(notices) == 2
    assert SECRET not in "".join(notices) + caplog.text
    phone.running.cancel()


async def test_markdown_becomes_marks_and_long_replies_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = Phone(WhatsAppChannel(tmp_path, "Andy"), monkeypatch)
    await phone.log_in()
    await phone.channel.send("whatsapp:123@g.us", "**b** [w](https://a.b)\n\n```py\nx\n```")
    assert phone.sent == [("123@g.us", "*b* w (https://a.b)\n\n```\nx\n```")]
    code = "```\n" + "x = [1, 2]\n" * 12_000 + "```"
    pieces = phone.channel.split(code)
    assert len(pieces) == 3
    assert all(utf16(piece) <= 65_536 and piece.count("```") == 2 for piece in pieces)
    phone.running.cancel()


async def test_files_come_and_go_through_neonize(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Content] = []
    sent_files: list[Content] = []

    async def download(_: Any, message: Content, path: str | None = None) -> bytes:
        asked.append(message)
        return b"x" * 10

    async def upload(_: Any, binary: bytes, media_type: Any = None) -> Any:
        return SimpleNamespace(
            url="u",
            DirectPath="d",
            FileLength=len(binary),
            FileEncSHA256=b"",
            FileSHA256=b"",
            MediaKey=b"",
        )

    async def send(_: Any, jid: Any, message: Content) -> Any:
        sent_files.append(message)
        return SimpleNamespace(ID="OUT")

    phone = Phone(WhatsAppChannel(tmp_path, "Andy", shared=True), monkeypatch)
    await phone.connected.wait()
    for name, double in (("download_any", download), ("upload", upload), ("send_message", send)):
        monkeypatch.setattr(type(phone.client), name, double)
    await phone.log_in()
    (file,) = content(sent(imageMessage={**MEDIA, "caption": "who?"})).attachments
    assert (file.size, file.type) == (9, "image/webp")
    assert await phone.channel.fetch(file, 10) == b"x" * 10
    assert asked[0].imageMessage.mediaKey == b"k"
    assert not asked[0].imageMessage.JPEGThumbnail
    with pytest.raises(Unfetchable, match="larger"):
        await phone.channel.fetch(file, 9)
    copy = tmp_path / "copy"
    copy.write_bytes(b"no picture")
    for kind in ("application/pdf", "image/png"):
        out = File("a.pdf", kind, str(copy), "")
        await phone.channel.send_file("whatsapp:123@g.us", out, "**here**")
    assert [one.documentMessage.fileName for one in sent_files] == ["a.pdf", "a.pdf"]
    assert sent_files[0].documentMessage.caption == "Andy: *here*"
    assert sent_files[0].documentMessage.mimetype == "application/pdf"
    phone.running.cancel()


def test_a_card_costs_its_length_whatever_it_is_made_of() -> None:
    card = "TEL:+49 1" + " " * 200_000 + "x\r\nTEL:2  \r\n"
    held = content(sent(contactMessage={"displayName": "Bob", "vcard": card}))
    assert held.text.endswith("x 2]")
