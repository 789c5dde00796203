"""The prompt that an agent reads: the messages since its last turn, escaped, with their times, and
not more than fits.
"""

from collections.abc import Sequence
from datetime import datetime
from html import escape as plain  # xml.sax.saxutils brings an HTTP client along
from zoneinfo import ZoneInfo

from bot.errors import BotError
from bot.messages import Attachment, Message
from bot.text import cut

LONGEST = 8_000
"""Characters of one message; what is cut is said."""
MOST = 100_000
"""Characters of a whole prompt, in which the newest messages have their place first."""


def conversation(messages: Sequence[Message], omitted: int, zone: ZoneInfo) -> str:
    """`<messages timezone= omitted=>`, a `<message sender= time=>` each, with a `<quoted>` for what
    a reply quotes.
    """
    lines: list[str] = []
    room = MOST
    for message in reversed(messages):
        line = _line(message, zone)
        room -= len(line)
        if room < 0 and lines:
            break
        lines.insert(0, line)
    omitted += len(messages) - len(lines)
    left_out = f' omitted="{omitted}"' if omitted else ""
    head = f"<messages timezone={quoteattr(zone.key)}{left_out}>"
    return "\n".join([head, *lines, "</messages>"])


def escape(text: str) -> str:
    """A text as it stands between tags."""
    return plain(text, quote=False)


def quoteattr(value: str) -> str:
    """The value of an attribute, in its quotation marks, on one line."""
    value = escape(value)
    for mark in "\n\r\t":
        value = value.replace(mark, f"&#{ord(mark)};")
    return '"' + value.replace('"', "&quot;") + '"'


def _line(message: Message, zone: ZoneInfo) -> str:
    quoted = ""
    if message.quoted:
        text = escape(cut(message.quoted, LONGEST // 8))
        quoted = f"<quoted sender={quoteattr(message.quoted_sender)}>{text}</quoted>\n"
    when = quoteattr(time(message.sent_at, zone))
    head = f"<message sender={quoteattr(message.sender)} time={when}>"
    files = "".join(map(_attachment, message.attachments))
    return f"{head}{quoted}{escape(cut(message.text, LONGEST))}{files}</message>"


def _attachment(file: Attachment) -> str:
    """A file that came with a message: where it is in the group's folder, or why it is not."""
    values = {"path": file.path} if file.path else {"error": file.error or "it is not there yet"}
    values |= {"type": file.type, "size": str(file.size)}
    return f"\n<attachment {' '.join(f'{key}={quoteattr(values[key])}' for key in values)}/>"


def time(moment: datetime, zone: ZoneInfo) -> str:
    """A moment as agents read it: by the clock on the wall, with its offset."""
    return moment.astimezone(zone).isoformat(sep=" ", timespec="minutes")


def zone_of(name: str) -> ZoneInfo:
    """A time zone by its name. Raises BotError if there is none."""
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):  # ZoneInfoNotFoundError is a KeyError
        raise BotError(f"{name!r} is no time zone", hint="write it like Europe/Berlin") from None
