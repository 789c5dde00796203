"""What an agent is: who answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.messages import Turn
    from bot.settings import Settings

__all__ = ["Agent"]


class Agent(ABC):
    """Answers turns, those of different chats side by side, never two of one chat."""

    @classmethod
    @abstractmethod
    def from_settings(cls, settings: Settings) -> Self | None:
        """The agent; None where the settings lack what it needs."""

    @abstractmethod
    async def answer(self, turn: Turn) -> Sequence[str]:
        """The replies, in order; none says nothing.

        The turn is handled when they are stored, and is asked again after a crash before that. Raises if there is no
        answer now: the turn is then tried again.
        """

    async def close(self) -> None:  # noqa: B027  # there may be nothing
        """Give back what the agent holds; it is not used again."""
