"""The nouns: what comes in, what an agent is asked, what goes out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["Message", "Piece", "Receive", "Turn", "channel_of"]


@dataclass(frozen=True, slots=True)
class Message:
    """A message as a channel took it in.

    `chat` begins with the channel's name (`telegram:123`) and `id` is unique in it, so that a message that is
    brought twice is stored once. `direct` says that it needs no trigger: it was written to the assistant alone.
    """

    chat: str
    id: str
    sender: str
    text: str
    sent_at: datetime
    direct: bool = True


@dataclass(frozen=True, slots=True)
class Turn:
    """What an agent answers: all that was said in a chat since the last turn, in order.

    `asked` are the messages that address the assistant; the others are context. `until` is the sequence number
    of the last one, up to which the chat is handled when the reply is stored.
    """

    chat: str
    messages: tuple[Message, ...]
    asked: tuple[Message, ...]
    until: int


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a reply that fits into one message of its channel, waiting in the outbox."""

    seq: int
    chat: str
    text: str


Receive = Callable[[Message], Awaitable[bool]]
"""What a channel calls with a message. When it returns, the message is stored and the channel may let go of it.

True if it is new and asks for an answer.
"""


def channel_of(chat: str) -> str:
    """The name of the channel that a chat belongs to."""
    return chat.partition(":")[0]
