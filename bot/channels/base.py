"""The interface of a channel: the way in and out of one messenger."""

import asyncio
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import ClassVar, Self

from bot.errors import Unfetchable
from bot.log import log
from bot.messages import Attachment, File, Message, Receive
from bot.settings import Settings
from bot.workers import nobody

ATTEMPTS, PAUSE_SECONDS = 3, 0.05
OF_ITS_VALUES = (sqlite3.DataError, sqlite3.IntegrityError, sqlite3.InterfaceError)
SKIPPED = (
    "{what} of {channel} was skipped: it cannot be taken in ({kind}). The others are answered. "
    "This is said once; each one is in the log."
)


class Channel(ABC):
    """A messenger. The chats in it are named `<name>:<what the messenger calls them>`, and a topic
    of a chat that is a conversation of its own `<chat>:<topic>`.

    The assistant connects it again when its connection is lost, shows typing for as long as an
    agent works, and retries what could not be sent; a channel does each of these once, and raises
    when it fails. What comes in stands in a line, and nothing in it may hold up what follows: each
    message is handed over by `hand_over`, and what cannot be read is `skip`ped.
    """

    name: ClassVar[str]
    pairs: bool = True
    """Whether a chat that is not registered may be shown a code: not on the owner's own account."""
    tell: Callable[[str], Awaitable[object]] = staticmethod(nobody)
    """A notice to the owner; the assistant sets it."""
    moved: Callable[[str, str], Awaitable[bool]] = staticmethod(nobody)
    """A chat has another name from now on: the old one and the new one. True if all that waits for
    the old one waits for the new one now. The assistant sets it.
    """
    _told: frozenset[tuple[str, str]] = frozenset()

    @classmethod
    @abstractmethod
    def from_settings(cls, settings: Settings) -> Self | None:
        """The channel, not yet connected; None where the settings do not ask for it."""

    @abstractmethod
    async def connect(self, receive: Receive) -> None:
        """Hand every message to `receive`, which stores it, before letting go of it.

        Lasts as long as the connection: returns at the channel's end (of the input, say), raises
        when the connection is lost, and is then called again after a pause. Raises Misconfigured if
        only the owner can help.
        """

    async def hand_over(self, receive: Receive, message: Message) -> bool:
        """What `receive` says to a message. One that it cannot take for a reason of its own is
        skipped; a full disk and the like, which pass, are raised.
        """
        for attempt in range(ATTEMPTS):
            try:
                return await receive(message)
            except Exception as error:
                of_its_values = isinstance(error, OF_ITS_VALUES)
                if isinstance(error, (OSError, sqlite3.Error)) and not of_its_values:
                    raise
                if attempt == ATTEMPTS - 1:
                    await self.skip("a message", error)
            await asyncio.sleep(PAUSE_SECONDS)
        return False

    async def skip(self, what: str, error: Exception) -> None:
        """Leave out what cannot be taken in, and say so by the kind of the error: its text may hold
        what somebody wrote.
        """
        kind = type(error).__name__
        log.warning("skipped", channel=self.name, what=what, error=kind)
        if (what, kind) not in self._told:
            self._told |= {(what, kind)}
            about = SKIPPED.format(what=what.capitalize(), channel=self.name, kind=kind)
            await self.tell(about)

    @abstractmethod
    async def send(self, chat: str, text: str) -> None:
        """Deliver one piece of a reply, which is then never sent again. Raises Undeliverable if no
        retry can help, RefusedForNow if the chat takes nothing now.
        """

    async def send_file(self, chat: str, file: File, text: str) -> None:
        """Deliver a file with a text, which may be empty, likewise. Where a messenger takes none,
        its name is said.
        """
        await self.send(chat, f"{text}\n\n[file {file.name}, which cannot be sent here]".strip())

    async def fetch(self, attachment: Attachment, most: int) -> bytes:
        """What came with a message, up to so many bytes. Raises Unfetchable if it never can be."""
        raise Unfetchable(f"files cannot be fetched from {self.name}")

    async def pair(self) -> str | None:
        """Link it with its account if it is not yet, showing the owner how; the owner's chat, if
        that is known then.
        """
        return None

    async def check(self) -> str:
        """Ask the messenger whether it accepts what the settings give; as whom it knows us, if it
        says so. Raises Misconfigured if it does not.
        """
        return ""

    def split(self, text: str) -> Sequence[str]:
        """A reply in pieces, each of which one message can hold."""
        return [text]

    async def typing(self, chat: str) -> None:  # noqa: B027  # not every messenger can
        """Show once that an answer is being written. Called every few seconds while it is."""

    async def groups(self) -> Mapping[str, str]:
        """The chats with several people that the assistant is in, with their names, if the
        messenger tells them.
        """
        return {}

    async def disconnect(self) -> None:  # noqa: B027  # there may be nothing
        """Give back what the channel holds; it is not used again."""
