"""WhatsApp's own forms: what a message holds, and who is meant by an identifier."""

from contextlib import suppress
from typing import Any

PHONES = "s.whatsapp.net"
HIDDEN = "lid"
"""The server of identifiers that hide a phone number."""


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


def content(message: Any) -> tuple[str, Any]:
    """The text of a message, or of what it wraps, and its context if it has one."""
    for wrapper in ("ephemeralMessage", "viewOnceMessage", "documentWithCaptionMessage"):
        if message.HasField(wrapper):
            return content(getattr(message, wrapper).message)
    if message.conversation:
        return message.conversation, None
    for field, text in (
        ("extendedTextMessage", "text"),
        ("imageMessage", "caption"),
        ("videoMessage", "caption"),
        ("documentMessage", "caption"),
    ):
        if message.HasField(field) and (found := getattr(getattr(message, field), text)):
            part = getattr(message, field)
            return found, part.contextInfo if part.HasField("contextInfo") else None
    return "", None


def jid_of(chat: str) -> Any:
    from neonize.utils.jid import build_jid  # noqa: PLC0415

    user, _, server = chat.partition(":")[2].partition("@")
    return build_jid(user, server)
