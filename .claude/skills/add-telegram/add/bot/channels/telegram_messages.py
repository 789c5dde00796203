"""Updates of Telegram as messages: what was written, and a name for what is no text.

aiogram takes seconds and 150 MB to import, so this is imported where there is a token.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from aiogram.methods import GetUpdates
from aiogram.types import MessageEntity, Update

from bot.formatting import utf16
from bot.messages import Attachment, Message
from bot.text import mended

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiogram import Bot, types

    from bot.formatting import Rich

__all__ = ["RawUpdates", "album", "chat_of", "entities", "read", "renamed", "written"]

GENERAL = 1
"""The topic of a forum whose number Telegram does not take back."""
FILES = (
    ("voice", "voice message", "voice.ogg", "audio/ogg"),
    ("photo", "photo", "photo.jpg", "image/jpeg"),
    ("video", "video", "video.mp4", "video/mp4"),
    ("video_note", "video message", "video.mp4", "video/mp4"),
    ("animation", "animation", "animation.mp4", "video/mp4"),  # it stands as a document, too
    ("audio", "audio", "audio.mp3", "audio/mpeg"),
    ("document", "document", "document", "application/octet-stream"),
    ("sticker", "sticker", "sticker.webp", "image/webp"),
)
"""What can be fetched: its field, how it is named to a reader, and what its file is at least."""
FLAGS = re.IGNORECASE | re.ASCII
OTHERS = ("paid_media", "story", "game", "giveaway", "invoice", "checklist", "gift")
"""What people send too, and is only named. All else is service: who came, who went."""
STYLES = {"strike": "strikethrough", "link": "text_link", "quote": "blockquote"}


class RawUpdates(GetUpdates):
    """Updates that nothing has read yet: one that cannot be read is not in the others' way."""

    __returning__ = list[Any]


def read(raw: Any, bot: Bot) -> Update:
    """An update. Raises pydantic's ValidationError if it cannot be read."""
    return Update.model_validate(_mended(raw), context={"bot": bot})


def _mended(raw: Any) -> Any:
    match raw:
        case str():
            return mended(raw)
        case list():
            return [_mended(one) for one in raw]
        case dict():
            return {key: _mended(one) for key, one in raw.items()}
    return raw


def album(raw: Any) -> tuple[Any, Any] | None:
    """The album that an update is a part of, if it is."""
    match raw:
        case {"message": {"media_group_id": group, "chat": {"id": chat}}}:
            return chat, group
    return None


def chat_of(channel: str, message: types.Message) -> str:
    """A chat, or a topic in it, which is a conversation of its own."""
    topic = message.message_thread_id if message.is_topic_message else None
    whole = f"{channel}:{message.chat.id}"
    return whole if topic in {None, GENERAL} else f"{whole}:{topic}"


def renamed(channel: str, message: types.Message) -> tuple[str, str] | None:
    """The old and the new name of a chat, where a group has become a supergroup."""
    if message.migrate_to_chat_id:
        return f"{channel}:{message.chat.id}", f"{channel}:{message.migrate_to_chat_id}"
    if message.migrate_from_chat_id:
        return f"{channel}:{message.migrate_from_chat_id}", f"{channel}:{message.chat.id}"
    return None


def written(
    channel: str, parts: Sequence[types.Message], me: types.User, assistant: str
) -> Message | None:
    """A message, or an album with all its parts; None for what nobody has said."""
    first = parts[0]
    files = [file for part in parts if (file := _file(part))]
    names = [name for name, _ in files] or [name for part in parts if (name := _name(part))]
    texts = [text for part in parts if (text := _text(part, me, assistant))]
    moving = first.edit_date and first.location  # a live location, which comes again and again
    if moving or not (names or texts):
        return None
    number = f"{first.message_id} edited {first.edit_date}" if first.edit_date else None
    origin = [f"[forwarded from {_origin(first.forward_origin)}]"] if first.forward_origin else []
    edited = ["[edited]"] if first.edit_date else []
    named = [f"[{'; '.join(names)}]"] if names else []
    quoted, by = _quoted(first)
    sender = first.from_user
    return Message(
        chat_of(channel, first),
        number or str(first.message_id),
        sender.full_name if sender else first.chat.full_name,
        " ".join([*origin, *edited, *named, "\n".join(texts)]).strip(),
        first.date,
        first.chat.type == "private",
        str(sender.id if sender else first.chat.id),
        quoted,
        by,
        called=any(_called(part, me) for part in parts),
        bot=bool(sender and sender.is_bot and not first.sender_chat),  # who writes as a chat is one
        attachments=tuple(attachment for _, attachment in files),
    )


def _file(message: types.Message) -> tuple[str, Attachment] | None:
    """What can be fetched, and its name for a reader."""
    for field, kind, name, type_at_least in FILES:
        it = getattr(message, field)
        if not it:
            continue
        it = it[-1] if field == "photo" else it  # the largest
        title = " - ".join(
            part
            for attribute in ("performer", "title", "emoji")
            if (part := getattr(it, attribute, None))
        )
        called = getattr(it, "file_name", None)
        about = f"{kind} {title or called or ''}".strip()
        if (seconds := getattr(it, "duration", None)) is not None and field != "animation":
            about += f", {seconds // 60}:{seconds % 60:02}"
        type_ = getattr(it, "mime_type", None) or type_at_least
        return about, Attachment(kind, called or name, it.file_size or 0, type_, it.file_id)
    return None


def _name(message: types.Message) -> str:
    """What was sent that is neither text nor file."""
    if message.venue:
        place = message.venue.location
        return f"place {message.venue.title}, {message.venue.address} {_position(place)}"
    if message.location:
        kind = "live location" if message.location.live_period else "location"
        return f"{kind} {_position(message.location)}"
    if message.contact:
        it = message.contact
        return " ".join(filter(None, ("contact", it.first_name, it.last_name, it.phone_number)))
    if message.poll:
        options = " / ".join(option.text for option in message.poll.options)
        return f"poll: {message.poll.question} {options}"
    if message.dice:
        return f"dice {message.dice.emoji} {message.dice.value}"
    if message.content_type == "unknown" and message.model_extra:  # newer than this code
        return "a kind of message that I do not know"
    return next((kind.replace("_", " ") for kind in OTHERS if getattr(message, kind)), "")


def _position(place: types.Location) -> str:
    return f"{place.latitude:.5f}, {place.longitude:.5f}"


def _origin(origin: Any) -> str:
    chat = getattr(origin, "sender_chat", None) or getattr(origin, "chat", None)
    user = getattr(origin, "sender_user", None)
    named = getattr(origin, "sender_user_name", None)
    return str(getattr(chat or user, "full_name", named))


def _quoted(message: types.Message) -> tuple[str, str]:
    """What a message replies to, and who said that."""
    reply = message.reply_to_message
    if reply is None or reply.forum_topic_created:  # every message of a topic replies to its first
        return "", ""
    file = _file(reply)
    named = file[0] if file else _name(reply)
    text = message.quote.text if message.quote else reply.text or reply.caption or ""
    by = reply.from_user.full_name if reply.from_user else ""
    return f"[{named}] {text}".strip() if named else text, by


def _called(message: types.Message, me: types.User) -> bool:
    """Whether Telegram says that the assistant is meant: by a reply, a mention, `/command@it`."""
    reply = message.reply_to_message
    if reply and reply.from_user and reply.from_user.id == me.id and not reply.forum_topic_created:
        return True
    text, marks = message.text or message.caption or "", _marks(message)
    name = f"@{me.username}".casefold()
    for mark in marks:
        words = mark.extract_from(text).casefold()
        if mark.type == "text_mention" and mark.user and mark.user.id == me.id:
            return True
        if (mark.type == "mention" and words == name) or (
            mark.type == "bot_command" and words.endswith(name)
        ):
            return True
    return not marks and _mention(me).search(text) is not None


def _text(message: types.Message, me: types.User, assistant: str) -> str:
    """What was written, with the assistant's name for its user name; `/command@it` without it."""
    text = message.text or message.caption or ""
    text = re.sub(rf"^(/\w+)@{re.escape(me.username or '')}(?!\w)", r"\1", text, flags=FLAGS)
    return _mention(me).sub(f"@{assistant}", text)


def _mention(me: types.User) -> re.Pattern[str]:
    """The user name as a word. Servers that know no entities have nothing else."""
    return re.compile(rf"(?<![\w@./-])@{re.escape(me.username or '')}(?!\w|[-.@]\w)", FLAGS)


def _marks(message: types.Message) -> Sequence[types.MessageEntity]:
    return message.entities or message.caption_entities or ()


def entities(rich: Rich) -> list[MessageEntity]:
    """The marks as Telegram takes them, in UTF-16 code units."""
    found = []
    for span in rich.spans:
        found.append(
            MessageEntity(
                type=STYLES.get(span.kind, span.kind),
                offset=utf16(rich.text[: span.start]),
                length=utf16(rich.text[span.start : span.end]),
                url=span.value if span.kind == "link" else None,
                language=span.value or None if span.kind == "pre" else None,
            )
        )
    return found
