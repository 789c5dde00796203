"""Matrix's events as the assistant's messages, and the agent's Markdown as Matrix's HTML."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bot.formatting import parser
from bot.messages import Attachment, Message

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from nio import MatrixRoom

__all__ = ["Encrypted", "Reader", "content", "kind_of", "weight"]

TEXTS = {"m.text", "m.notice", "m.emote", "m.location"}
KINDS = {"m.image": "photo", "m.audio": "audio", "m.video": "video", "m.file": "document"}
VOICE = "org.matrix.msc3245.voice"
QUOTED = re.compile(r"\A> <.*?(?:\n\n|\Z)", re.DOTALL)
"""What older clients put before a reply."""


class Encrypted(Exception):
    """Only those whose device has the room's keys can read it."""


class Reader:
    """Reads the events of one room as the account `me`; `find` gives an event by its number, or
    nothing where the server does not say.
    """

    def __init__(
        self,
        channel: str,
        me: str,
        room: MatrixRoom,
        assistant: str,
        direct: bool,
        find: Callable[[str], Awaitable[dict[str, Any]]],
    ) -> None:
        self._channel, self._me, self._room, self._find = channel, me, room, find
        self._assistant, self._direct = assistant, direct
        self._pill = re.compile(rf"matrix\.to/#/{re.escape(me)}(?![\w.:-])")

    async def written(self, event: dict[str, Any]) -> Message | None:
        """A message, or an edit; None for what nobody else has said. Raises Encrypted, and
        ConnectionError where what it replies to could not be asked for.
        """
        me, sender = self._me, str(event.get("sender"))
        if sender == me:
            return None
        if event.get("type") == "m.room.encrypted":
            raise Encrypted
        said = event.get("content") or {}
        relation = said.get("m.relates_to") or {}
        edited = relation.get("rel_type") == "m.replace"
        meant = said.get("m.new_content", {}) if edited else said
        known = meant.get("msgtype") in TEXTS | KINDS.keys()
        if event.get("type") != "m.room.message" or not known:
            return None
        reply = {} if relation.get("is_falling_back") else relation.get("m.in_reply_to") or {}
        quoted = await self._find(str(reply["event_id"])) if reply.get("event_id") else {}
        file = _file(meant)
        text = _text(meant, file, bool(reply))
        named = f"[{file.kind} {file.name}]" if file else ""
        mentioned = me in (meant.get("m.mentions") or {}).get("user_ids", ())
        pill = self._pill.search(str(meant.get("formatted_body", "")))
        number = str(event["event_id"])
        return Message(
            f"{self._channel}:{self._room.room_id}",
            f"{relation['event_id']} edited {number}" if edited else number,
            self._name(sender),
            " ".join(filter(None, ["[edited]" if edited else "", named, text])),
            datetime.fromtimestamp(event["origin_server_ts"] / 1000, UTC),
            self._direct,
            sender,
            _text(quoted.get("content") or {}, None, False) if quoted else "",
            self._name(str(quoted["sender"])) if quoted else "",
            called=mentioned or bool(pill) or bool(quoted and quoted.get("sender") == me),
            bot=meant["msgtype"] == "m.notice",
            attachments=(file,) if file else (),
        )

    def _name(self, user: str) -> str:
        return self._assistant if user == self._me else str(self._room.user_name(user) or user)


def content(text: str) -> dict[str, Any]:
    """A message that calls nobody."""
    html = parser().render(text)
    form = {"format": "org.matrix.custom.html", "formatted_body": html}
    return {"msgtype": "m.text", "body": text, **form, "m.mentions": {}}


def weight(text: str) -> str:
    """As many characters as what is sent of a text has bytes."""
    whole: str = text + parser().render(text)
    return whole.encode(errors="replace").decode("latin-1")


def kind_of(type_: str) -> str:
    kind = f"m.{type_.partition('/')[0]}"
    return kind if kind in KINDS else "m.file"


def _file(said: dict[str, Any]) -> Attachment | None:
    if (kind := KINDS.get(str(said.get("msgtype")))) is None:
        return None
    if "file" in said:
        raise Encrypted
    about = said.get("info") or {}
    name = str(said.get("filename") or said.get("body") or kind)
    type_ = str(about.get("mimetype") or "application/octet-stream")
    size = about.get("size") if isinstance(about.get("size"), int) else 0
    kind = "voice" if VOICE in said else kind
    return Attachment(kind, name, size or 0, type_, str(said.get("url") or ""))


def _text(said: dict[str, Any], file: Attachment | None, reply: bool) -> str:
    body = str(said.get("body") or "")
    if file and body == file.name:
        return ""
    if said.get("msgtype") == "m.location":
        body = f"[location {said.get('geo_uri') or body}]"
    return (QUOTED.sub("", body) if reply else body).strip()
