"""Who is spoken to: in a group, only what begins with `@Name` asks the assistant."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.messages import Message

__all__ = ["Trigger"]


class Trigger:
    """`@Name` at the start of a message, in any case, as a word of its own."""

    def __init__(self, name: str) -> None:
        self._pattern = re.compile(rf"\s*@{re.escape(name)}(?!\w)[\s,:]*", re.IGNORECASE)

    def addresses(self, message: Message) -> bool:
        """Whether a message asks for an answer."""
        return message.direct or self._pattern.match(message.text) is not None

    def strip(self, text: str) -> str:
        """The text without the trigger."""
        return self._pattern.sub("", text, count=1).strip()
