"""WhatsApp's own forms: what a message holds, and who is meant by an identifier."""

import base64
import re
from collections.abc import Container, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from bot.formatting import marked, parse
from bot.messages import Attachment

MARKS = {"bold": "*", "italic": "_", "strike": "~", "code": "`", "pre": "```"}
PHONES = "s.whatsapp.net"
HIDDEN = "lid"
"""The server of identifiers that hide a phone number."""
WRAPPERS = ["ephemeralMessage", "viewOnceMessage", "viewOnceMessageV2", "editedMessage"]
WRAPPERS += ["viewOnceMessageV2Extension", "documentWithCaptionMessage", "lottieStickerMessage"]
WRAPPERS += ["associatedChildMessage", "groupMentionedMessage"]
FILES = {
    "imageMessage": ("photo", "photo.jpg", "image/jpeg"),
    "videoMessage": ("video", "video.mp4", "video/mp4"),
    "ptvMessage": ("video message", "video.mp4", "video/mp4"),
    "audioMessage": ("audio", "audio.ogg", "audio/ogg"),
    "documentMessage": ("document", "document", "application/octet-stream"),
    "stickerMessage": ("sticker", "sticker.webp", "image/webp"),
}
"""What can be fetched: how it is named to a reader, and what its file is at least."""
POLLS = ("pollCreationMessage", "pollCreationMessageV2", "pollCreationMessageV3")
OTHERS = {"productMessage": "product", "orderMessage": "order", "eventMessage": "event"}
OTHERS |= {"groupInviteMessage": "invitation to a group", "invoiceMessage": "invoice"}


@dataclass(frozen=True, slots=True)
class Content:
    """What somebody has written or sent: `text` names what is no text. `context` says what it
    replies to, and who is mentioned.
    """

    text: str = ""
    context: Any = None
    attachments: tuple[Attachment, ...] = ()


async def known(client: Any, jid: Any, source: Any) -> Any:
    """The identifier with a phone number, if it can be found; else the hidden one."""
    if jid.Server != HIDDEN:
        return jid
    others = (
        (source.SenderAlt, source.RecipientAlt) if not source.IsFromMe else (source.RecipientAlt,)
    )
    alternative = next((other for other in others if other.Server == PHONES and other.User), None)
    if alternative is None:
        with suppress(Exception):
            alternative = await client.get_pn_from_lid(jid)
    return alternative if alternative is not None and alternative.User else jid


async def hidden_of(client: Any, source: Any) -> Any:
    """The hidden identifier by which a private chat may have been known; None if it has none."""
    if source.IsGroup:
        return None
    others = (source.Chat, source.RecipientAlt if source.IsFromMe else source.SenderAlt)
    hidden = next((other for other in others if other.Server == HIDDEN and other.User), None)
    if hidden is None:
        with suppress(Exception):
            hidden = await client.get_lid_from_pn(source.Chat)
    return hidden if hidden is not None and hidden.User else None


def album(message: Any) -> str:
    """What a picture was sent together with, if it was."""
    about = message.messageContextInfo.messageAssociation
    together = about.associationType == about.MEDIA_ALBUM
    return str(about.parentMessageKey.ID) if together else ""


def content(message: Any) -> Content:
    """What a message holds, or what it wraps; no text if nobody has said anything."""
    for wrapper in WRAPPERS:
        if message.HasField(wrapper):
            return content(getattr(message, wrapper).message)
    if message.HasField("protocolMessage") and message.protocolMessage.HasField("editedMessage"):
        edited = content(message.protocolMessage.editedMessage)
        return replace(edited, text=f"[edited] {edited.text}") if edited.text else edited
    if message.conversation:
        return Content(message.conversation)
    for field, _ in message.ListFields():
        part = getattr(message, field.name)
        words = _words(field.name, part)
        if words is not None:
            context = part.contextInfo if part.HasField("contextInfo") else None
            return Content(words, context, _files(message, field.name))
    return Content()


def _words(field: str, part: Any) -> str | None:
    """A part of a message in words; None if it is none that people send."""
    if field == "extendedTextMessage":
        return str(part.text)
    if field in FILES:
        title = getattr(part, "fileName", "") or getattr(part, "title", "")
        about = f"{_kind(field, part)} {title}".strip()
        if seconds := getattr(part, "seconds", 0):
            about += f", {seconds // 60}:{seconds % 60:02}"
        return f"[{about}] {getattr(part, 'caption', '')}".strip()
    if field in {"locationMessage", "liveLocationMessage"}:
        where = f"{part.degreesLatitude:.5f}, {part.degreesLongitude:.5f}"
        named = f"{getattr(part, 'name', '')} {getattr(part, 'address', '')}".strip()
        return (
            f"[{'live ' * (field[0:4] == 'live')}location {f'{named}: ' if named else ''}{where}]"
        )
    if field == "contactMessage":
        return f"[contact {_contact(part)}]"
    if field == "contactsArrayMessage":
        return f"[contacts {'; '.join(map(_contact, part.contacts))}]"
    if field in POLLS:
        options = " / ".join(option.optionName for option in part.options)
        return f"[poll: {part.name} {options}]"
    return f"[{OTHERS[field]}]" if field in OTHERS else None


def _kind(field: str, part: Any) -> str:
    return "voice message" if field == "audioMessage" and part.PTT else FILES[field][0]


def _contact(part: Any) -> str:
    numbers = re.findall(r"^(?:item\d+\.)?TEL[^:\r\n]*:(.*\S)", part.vcard, re.MULTILINE)
    return " ".join([part.displayName, *numbers])


def _files(message: Any, field: str) -> tuple[Attachment, ...]:
    """What can be fetched; its source is the part of the message that tells where and how."""
    if field not in FILES:
        return ()
    source = type(message)()
    part = getattr(source, field)
    part.CopyFrom(getattr(message, field))
    for bulky in ("JPEGThumbnail", "pngThumbnail", "contextInfo", "waveform", "streamingSidecar"):
        if bulky in part.DESCRIPTOR.fields_by_name:
            part.ClearField(bulky)
    _, name, kind = FILES[field]
    attachment = Attachment(
        _kind(field, part),
        getattr(part, "fileName", "") or name,
        int(part.fileLength),
        part.mimetype.partition(";")[0] or kind,
        base64.b64encode(source.SerializeToString()).decode(),
    )
    return (attachment,)


def called(context: Any, numbers: Sequence[str], sent: Container[str]) -> bool:
    """Whether WhatsApp says that the assistant is meant: by a mention of one of its numbers, or a
    reply to what it has sent.
    """
    if context is None:
        return False
    named = [*context.mentionedJID, *([context.participant] if context.stanzaID else [])]
    return context.stanzaID in sent or any(re.split("[.:@]", one)[0] in numbers for one in named)


def named(text: str, numbers: Sequence[str], assistant: str) -> str:
    """A text with the assistant's name for its numbers where they are mentioned."""
    if not numbers:
        return text
    return re.sub(rf"(?<!\w)@(?:{'|'.join(map(re.escape, numbers))})\b", f"@{assistant}", text)


def shown(text: str) -> str:
    """Markdown with WhatsApp's marks."""
    return marked(parse(text), MARKS) or text


def source_of(attachment: Attachment) -> Any:
    """The part of a message that tells where an attachment is, and how it is read."""
    from neonize.proto.waE2E.WAWebProtobufsE2E_pb2 import Message  # noqa: PLC0415

    return Message.FromString(base64.b64decode(attachment.source))


def jid_of(chat: str) -> Any:
    from neonize.utils.jid import build_jid  # noqa: PLC0415

    user, _, server = chat.partition(":")[2].partition("@")
    return build_jid(user, server)
