"""Discord's messages as the assistant's: names for what is no text, and who is meant.

discord.py takes half a second to import, so this is imported where there is a token.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import discord

from bot.messages import Attachment, Message

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["chat_of", "written"]

MENTION = re.compile(r"<(@[!&]?|#)(\d+)>")
EMOJI = re.compile(r"<a?(:\w+:)\d+>")
KINDS = {"image": "photo", "audio": "audio", "video": "video"}
SAID = {
    discord.MessageType.default,
    discord.MessageType.reply,
    discord.MessageType.chat_input_command,
    discord.MessageType.context_menu_command,
}
"""All else is service: who came, what was pinned."""


def chat_of(channel: str, message: discord.Message) -> str:
    """A chat, or a thread in it, which is a conversation of its own."""
    place = message.channel
    if isinstance(place, discord.Thread):
        return f"{channel}:{place.parent_id}:{place.id}"
    return f"{channel}:{place.id}"


def written(
    chat: str, message: discord.Message, me: Any, assistant: str, edited: str = ""
) -> Message | None:
    """A message, or its edit of that moment; None for what nobody else has said."""
    if message.type not in SAID or message.author.id == me.id:
        return None
    files = list(_files(message))
    names = [name for name, _ in files] + [f"sticker {one.name}" for one in message.stickers]
    if message.poll:
        answers = " / ".join(answer.text for answer in message.poll.answers)
        names.append(f"poll: {message.poll.question} {answers}")
    forwarded = [f"[forwarded] {one.content}".strip() for one in message.message_snapshots]
    text = _text(message, me, assistant)
    if not (text or names or forwarded):
        return None
    replied = message.reference.resolved if message.reference else None
    quoted = replied if isinstance(replied, discord.Message) else None
    said = [
        *(["[edited]"] if edited else []),
        *([f"[{'; '.join(names)}]"] if names else []),
        *forwarded,
        text,
    ]
    return Message(
        chat,
        f"{message.id} edited {edited}" if edited else str(message.id),
        message.author.display_name,
        " ".join(filter(None, said)),
        message.created_at,
        message.guild is None,
        str(message.author.id),
        _text(quoted, me, assistant) if quoted else "",
        quoted.author.display_name if quoted else "",
        called=_called(message, quoted, me),
        bot=message.author.bot,
        attachments=tuple(file for _, file in files),
    )


def _files(message: discord.Message) -> Iterator[tuple[str, Attachment]]:
    """What can be fetched, each after its name for a reader."""
    for one in message.attachments:
        type_ = (one.content_type or "application/octet-stream").partition(";")[0]
        kind = KINDS.get(type_.partition("/")[0], "document")
        about = f"{kind} {one.filename}"
        if one.is_voice_message():
            seconds = round(one.duration or 0)
            kind, about = "voice message", f"voice message, {seconds // 60}:{seconds % 60:02}"
        source = f"{message.channel.id}/{message.id}/{one.id}"
        yield about, Attachment(kind, one.filename, one.size, type_, source)


def _called(message: discord.Message, quoted: discord.Message | None, me: Any) -> bool:
    """Whether Discord says that the assistant is meant: by a mention, by one of the role that is
    its own, or by a reply to it.
    """
    return (
        any(user.id == me.id for user in message.mentions)
        or any(_own(role, me) for role in message.role_mentions)
        or (quoted is not None and quoted.author.id == me.id)
    )


def _own(role: discord.Role, me: Any) -> bool:
    return role.tags is not None and role.tags.bot_id == me.id


def _text(message: discord.Message, me: Any, assistant: str) -> str:
    """What was written, with names for the numbers in it; the assistant's own is its name."""
    names = {f"@{user.id}": f"@{user.display_name}" for user in message.mentions}
    names |= {
        f"@&{role.id}": f"@{assistant if _own(role, me) else role.name}"
        for role in message.role_mentions
    }
    names[f"@{me.id}"] = f"@{assistant}"

    def named(found: re.Match[str]) -> str:
        if found[1] == "#":
            there = message.guild and message.guild.get_channel_or_thread(int(found[2]))
            return f"#{there.name}" if there else found[0]
        return names.get(found[1].removesuffix("!") + found[2], found[0])

    return EMOJI.sub(r"\1", MENTION.sub(named, message.content)).strip()
