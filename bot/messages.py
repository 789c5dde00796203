"""The nouns: what comes in, what an agent is asked, what goes out."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, fields
from datetime import UTC, datetime

from bot.groups import Group
from bot.text import mended

EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
"""Of messages, whose time others may choose: each zone has a name for it."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that came with a message.

    `kind` is what the messenger calls it, `name` what its sender does, `size` its bytes (0 if
    nobody says), `type` its media type. By `source` the channel fetches it. Then it has a `path` in
    the group's folder, or an `error`.
    """

    kind: str
    name: str
    size: int = 0
    type: str = "application/octet-stream"
    source: str = ""
    path: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class File:
    """A file that an agent sends: its name and media type, where a copy lies until it is delivered,
    and where it is in the group's folder.
    """

    name: str
    type: str
    copy: str
    origin: str


@dataclass(frozen=True, slots=True)
class Message:
    """A message as a channel took it in. Its texts can be encoded, whatever they are made of.

    `chat` begins with the channel's name (`telegram:123`) and `id` is unique in it, so that a
    message that is brought twice is stored once. `direct` says that it needs no trigger: it was
    written to the assistant alone. `sender` is a name, which anyone may choose; `sender_id` is what
    the messenger vouches for. `quoted` is the text that this message replies to, if it quotes one.
    `called` says that the messenger itself tells that the assistant is meant: by a mention, or a
    reply to it; `bot`, that another bot has written it. What is no text is named in the text, and
    what of it is a file is one of the `attachments`. `album` names what it was sent together with:
    who means the assistant with one part does so with all.
    """

    chat: str
    id: str
    sender: str
    text: str
    sent_at: datetime
    direct: bool = True
    sender_id: str = ""
    quoted: str = ""
    quoted_sender: str = ""
    called: bool = False
    bot: bool = False
    attachments: tuple[Attachment, ...] = ()
    album: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "sent_at", min(max(self.sent_at, EARLIEST), LATEST))
        for field in fields(self):
            if isinstance(value := getattr(self, field.name), str):
                object.__setattr__(self, field.name, mended(value))


@dataclass(frozen=True, slots=True)
class Turn:
    """What an agent answers: all that was said in a chat since the last turn, in order, or a
    scheduled task.

    `asked` are the messages that address the assistant; the others are context, of which the oldest
    may be `omitted`. `until` is the sequence number of the last one, up to which the chat is
    handled when the reply is stored. `prompt` is all of it as text. A turn of a `task` (its
    identifier) may be `isolated`, outside the group's conversation, and may carry a `script` that
    says whether the agent is to be woken at all.
    """

    chat: str
    messages: tuple[Message, ...]
    asked: tuple[Message, ...]
    until: int
    group: Group = Group("main", "console:me", "Main")  # noqa: RUF009  # frozen
    prompt: str = ""
    omitted: int = 0
    task: str | None = None
    isolated: bool = False
    script: str = ""


Receive = Callable[[Message], Awaitable[bool]]
"""What a channel calls with a message, and may let go of it when it returns. True if it is new and
wants an answer.
"""


def channel_of(chat: str) -> str:
    return chat.partition(":")[0]
