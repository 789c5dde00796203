"""Signal's envelopes as the assistant's messages, and the agent's Markdown as Signal's styles."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from bot.formatting import parse, utf16
from bot.messages import Attachment, Message

__all__ = ["NOT_NOW", "REFUSED", "chat_of", "failed", "styled", "written"]

STYLES = {
    "bold": "BOLD",
    "italic": "ITALIC",
    "strike": "STRIKETHROUGH",
    "code": "MONOSPACE",
    "pre": "MONOSPACE",
}
KINDS = {"image": "photo", "audio": "audio", "video": "video"}
REFUSED, NOT_NOW = {"UNREGISTERED_FAILURE"}, {"NETWORK_FAILURE", "RATE_LIMIT_FAILURE"}


def failed(answer: Any) -> str:
    """Why nobody got what was sent; empty if somebody did."""
    kinds = [one.get("type", "") for one in (answer or {}).get("results") or ()]
    return "" if not kinds or "SUCCESS" in kinds else str(kinds[0])


def chat_of(channel: str, envelope: dict[str, Any]) -> str:
    """The chat of what somebody has said; empty for what is not said: receipts, typing, what the
    account wrote on another device.
    """
    data = _data(envelope)
    if data is None:
        return ""
    if group := (data.get("groupInfo") or {}).get("groupId"):
        return f"{channel}:group.{group}"
    return f"{channel}:{envelope.get('sourceUuid') or envelope['sourceNumber']}"


def written(chat: str, envelope: dict[str, Any], me: set[str], assistant: str) -> Message | None:
    """A message, or an edit; None for a reaction and the like."""
    data = _data(envelope) or {}
    files = list(_files(chat, data))
    names = [name for name, _ in files] + list(_names(data))
    text = _text(data, me, assistant)
    if not (text or names):
        return None
    edited = envelope.get("editMessage")
    said = [*(["[edited]"] if edited else []), *([f"[{'; '.join(names)}]"] if names else []), text]
    sender = envelope.get("sourceUuid") or envelope["sourceNumber"]
    quote = data.get("quote") or {}
    by = {quote.get("author"), quote.get("authorNumber"), quote.get("authorUuid")}
    time = int(data.get("timestamp") or envelope["timestamp"])
    return Message(
        chat,
        f"{sender} {time}",  # an edit has a time of its own
        envelope.get("sourceName") or envelope.get("sourceNumber") or "somebody",
        " ".join(filter(None, said)),
        datetime.fromtimestamp(time / 1000, UTC),
        "groupInfo" not in data,
        str(sender),
        str(quote.get("text") or ""),
        str(quote.get("authorNumber") or quote.get("author") or "") if quote else "",
        called=any(_own(one, me) for one in data.get("mentions") or ()) or bool(by & me),
        attachments=tuple(file for _, file in files),
    )


def styled(markdown: str) -> tuple[str, list[str]]:
    """A text, and the styles on it as signal-cli takes them, in UTF-16 code units. An address
    stands behind the words that it is linked to.
    """
    rich = parse(markdown)
    behind = {
        span.end: f" ({span.value})"
        for span in rich.spans
        if span.kind == "link" and span.value != rich.text[span.start : span.end]
    }

    def at(place: int, *, start: bool) -> int:
        before = "".join(
            words for end, words in behind.items() if end < place or (start and end == place)
        )
        return utf16(rich.text[:place] + before)

    text = "".join(
        behind.get(place, "") + rich.text[place : place + 1] for place in range(len(rich.text) + 1)
    )
    styles = [
        f"{begin}:{at(span.end, start=False) - begin}:{STYLES[span.kind]}"
        for span in rich.spans
        if span.kind in STYLES
        for begin in [at(span.start, start=True)]
    ]
    return text, styles


def _data(envelope: dict[str, Any]) -> dict[str, Any] | None:
    found = envelope.get("dataMessage") or (envelope.get("editMessage") or {}).get("dataMessage")
    return found if isinstance(found, dict) else None


def _own(mention: dict[str, Any], me: set[str]) -> bool:
    return bool({mention.get("uuid"), mention.get("number")} & me)


def _text(data: dict[str, Any], me: set[str], assistant: str) -> str:
    """What was written; a mention, for which one sign stands in the text, is a name."""
    raw = str(data.get("message") or "").encode("utf-16-le", "surrogatepass")
    for one in sorted(data.get("mentions") or (), key=lambda one: -one["start"]):
        who = one.get("name") or one.get("number") or "somebody"
        name = f"@{assistant if _own(one, me) else who}".encode("utf-16-le", "surrogatepass")
        start, end = 2 * one["start"], 2 * (one["start"] + one["length"])
        raw = raw[:start] + name + raw[end:]
    return raw.decode("utf-16-le", "replace").strip()


def _files(chat: str, data: dict[str, Any]) -> Iterator[tuple[str, Attachment]]:
    """What can be fetched, each after its name for a reader."""
    for one in data.get("attachments") or ():
        type_ = one.get("contentType") or "application/octet-stream"
        kind = KINDS.get(type_.partition("/")[0], "document")
        name = one.get("filename") or f"{kind}.{type_.partition('/')[2]}"
        about = f"{kind} {one['filename']}" if one.get("filename") else kind
        size = int(one.get("size") or 0)
        yield about, Attachment(kind, name, size, type_, f"{chat} {one['id']}")


def _names(data: dict[str, Any]) -> Iterator[str]:
    """What was sent that is neither text nor file."""
    if sticker := data.get("sticker"):
        yield f"sticker {sticker.get('emoji') or ''}".strip()
    for one in data.get("contacts") or ():
        name = one.get("name") or {}
        numbers = [phone.get("value", "") for phone in one.get("phone") or ()]
        known = name.get("display") or name.get("given") or ""
        yield " ".join(filter(None, ("contact", known, *numbers)))
    if poll := data.get("pollCreate"):
        yield f"poll: {poll.get('question', '')} {' / '.join(poll.get('options') or ())}".strip()
