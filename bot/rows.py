"""Rows of the store, and what they are outside of it."""

import json
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

from bot.messages import Attachment, Message
from bot.text import mended


def row_of(message: Message) -> tuple[Any, ...]:
    """A message as `take_in` has it."""
    attachments = json.dumps([asdict(one) for one in message.attachments])
    named = (message.sender_id, message.quoted, message.quoted_sender)
    when = (stamp(message.sent_at), message.direct)
    said = (message.chat, message.id, message.sender, message.text)
    return attachments, bool(message.attachments), *said, *when, *named


def identity_of(message: Message) -> dict[str, Any]:
    """By what a message is known when it is brought again."""
    about = {"chat": message.chat, "id": message.id, "text": message.text}
    return about | {"sent_at": stamp(message.sent_at)}


def message_of(
    chat: str, attachments: str, id_: str, sender: str, text: str, sent_at: str, *rest: Any
) -> Message:
    """A message as `turn` finds it; `rest` is what it has from `direct` on."""
    direct, *named = rest
    moment = datetime.fromisoformat(sent_at)
    message = Message(chat, id_, sender, text, moment, bool(direct), *named)
    return replace(message, attachments=attachments_of(attachments))


def attachments_of(text: str) -> tuple[Attachment, ...]:
    return tuple(Attachment(**one) for one in json.loads(text))


def stamp(moment: datetime) -> str:
    """A moment as text that sorts: in UTC, always with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")


def storable(values: tuple[Any, ...] | dict[str, Any]) -> tuple[Any, ...] | dict[str, Any]:
    """What is written down can be encoded."""
    if isinstance(values, dict):
        return dict(zip(values, storable(tuple(values.values())), strict=True))
    return tuple(mended(value) if isinstance(value, str) else value for value in values)
