"""A channel whose settings are wrong: it says so wherever it is asked, and the others run."""

from typing import Never, Self

from bot.channels.base import Channel
from bot.errors import Misconfigured
from bot.settings import Settings


class RefusedChannel(Channel):
    """Stands where the channel of this name would, with the reason why that cannot be made."""

    def __init__(self, name: str, reason: Misconfigured) -> None:
        self.name = name  # type: ignore[misc]  # the class's of each other channel
        self._reason = reason

    @classmethod
    def from_settings(cls, settings: Settings) -> Self | None:
        return None

    async def _refuse(self, *_: object, **__: object) -> Never:
        raise self._reason

    connect = check = send = _refuse
