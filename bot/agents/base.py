"""The interface of an agent: who answers."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from typing import Self

from bot.messages import Turn
from bot.settings import Settings
from bot.store import Store
from bot.workers import nobody


class Agent(ABC):
    """Answers turns, different groups' side by side, of one group one at a time and what is
    `isolated` beside it.
    """

    recovered: Callable[[], None] = staticmethod(lambda: None)
    """Called when what it needs was gone and is back: what was put off is then asked again."""
    tell: Callable[[str], Awaitable[object]] = staticmethod(nobody)
    """A notice to the owner; the assistant sets it."""

    @classmethod
    @abstractmethod
    def from_settings(cls, settings: Settings) -> Self | None:
        """The agent; None where the settings lack what it needs."""

    @abstractmethod
    async def answer(self, turn: Turn) -> Sequence[str]:
        """The replies, in order; none says nothing. Raises if there is no answer now: the turn is
        then tried again.

        The turn is handled when they are stored, and is asked again after a crash before that.
        """

    async def prepare(self, say: Callable[[str], None]) -> None:  # noqa: B027  # there may be nothing
        """Make what it needs and is not there, for `bot setup`, and say so line by line; it is not
        opened then.
        """

    async def open(self, store: Store) -> None:  # noqa: B027  # there may be nothing
        """Called once, before the first turn; `store` keeps sessions and counts usage."""

    async def follow_up(self, turn: Turn) -> bool:
        """Hand messages that have arrived meanwhile to the running turn of their chat.

        True: the `answer` that is under way will return their replies too. False: they are asked
        when it has ended.
        """
        return False

    async def forget(self, folder: str) -> None:  # noqa: B027  # there may be nothing
        """Leave a group's conversation; the next turn begins a new one."""

    async def close(self) -> None:  # noqa: B027  # there may be nothing
        """Give back what the agent holds; it is not used again."""
