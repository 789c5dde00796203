"""What a channel is: the way in and out of one messenger."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar, Self

from bot.messages import Receive
from bot.settings import Settings


class Channel(ABC):
    """A messenger. The chats in it are named `<name>:<what the messenger calls them>`.

    The assistant connects it again when its connection is lost, shows typing for as long as an
    agent works, and retries what could not be sent; a channel does each of these once, and raises
    when it fails.
    """

    name: ClassVar[str]

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

    @abstractmethod
    async def send(self, chat: str, text: str) -> None:
        """Deliver one piece of a reply, which is then never sent again. Raises Undeliverable if no
        retry can help.
        """

    async def pair(self) -> str | None:
        """Link it with its account if it is not yet, showing the owner how; the owner's chat, if
        that is known then.
        """
        return None

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
