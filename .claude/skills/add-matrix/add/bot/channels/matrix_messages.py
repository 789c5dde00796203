"""Matrix's events as the assistant's messages, and the agent's Markdown as Matrix's HTML.

nio takes half a second to import, so this is imported where there is a token.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from nio import RoomGetEventResponse

from bot.formatting import parser
from bot.messages import Attachment, Message

if TYPE_CHECKING:
    from nio import AsyncClient, MatrixRoom

__all__ = ["Encrypted", "Reader", "content", "kind_of", "weight"]

TEXTS = {"m.text", "m.notice", "m.emote", "m.location"}
KINDS = {"m.image": "photo", "m.audio": "audio", "m.video": "video", "m.file": "document"}
VOICE = "org.matrix.msc3245.voice"
QUOTED = re.compile(r"\A> <.*?(?:\n\n|\Z)", re.DOTALL)
"""What older clients put before a reply."""


class Encrypted(Exception):
    """Only those whose device has the room's keys can read it."""


class Reader:
    """Reads the events of one room."""

    def __init__(
        self, channel: str, client: AsyncClient, room: MatrixRoom, assistant: str, direct: bool
    ) -> None:
        self._channel, self._client, self._room = channel, client, room
        self._assistant, self._direct = assistant, direct

    async def written(self, event: dict[str, Any]) -> Message | None:
        """A message, or an edit; None for what nobody else has said. Raises Encrypted."""
        me, sender = self._client.user_id, str(event.get("sender"))
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
        quoted = await self._event(reply.get("event_id"))
        file = _file(meant)
        text = _text(meant, file, bool(reply))
        named = f"[{file.kind} {file.name}]" if file else ""
        mentioned = me in (meant.get("m.mentions") or {}).get("user_ids", ())
        pill = f"matrix.to/#/{me}" in str(meant.get("formatted_body", ""))
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
            called=mentioned or pill or bool(quoted and quoted.get("sender") == me),
            bot=meant["msgtype"] == "m.notice",
            attachments=(file,) if file else (),
        )

    def _name(self, user: str) -> str:
        me = user == self._client.user_id
        return self._assistant if me else str(self._room.user_name(user) or user)

    async def _event(self, number: str | None) -> dict[str, Any]:
        """What a reply is to; nothing where the server does not say."""
        if not number:
            return {}
        found = await self._client.room_get_event(self._room.room_id, number)
        return found.event.source if isinstance(found, RoomGetEventResponse) else {}


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
