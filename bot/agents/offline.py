"""The embedded agent: no key, no network, no model; a few simple requests, answered truly."""

import re
from collections.abc import Callable, Sequence
from inspect import getdoc
from textwrap import shorten
from typing import Self

from bot.abilities import ABILITIES
from bot.agents.base import Agent
from bot.messages import Turn
from bot.settings import Settings
from bot.triggers import after_name

_HELP = re.compile(
    r"(/?help|/start|what can you do|who are you|hi|hello|hey)?[\s!?.]*", re.IGNORECASE
)
LONGEST = 60


class OfflineAgent(Agent):
    """Answers each message by itself, as one of ABILITIES does, or says that none can."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @classmethod
    def from_settings(cls, settings: Settings) -> Self | None:
        return cls(settings)

    async def prepare(self, say: Callable[[str], None]) -> None:
        say(
            "without a key the embedded agent answers; for Claude, put ANTHROPIC_API_KEY into "
            ".env and set up again"
        )

    async def answer(self, turn: Turn) -> Sequence[str]:
        name = turn.group.trigger or f"@{self._settings.assistant_name}"
        texts = [message.text for message in turn.asked]
        requests = (text if (rest := after_name(text, name)) is None else rest for text in texts)
        return [await self._answer(request.strip()) for request in requests]

    async def _answer(self, request: str) -> str:
        name = self._settings.assistant_name
        if _HELP.fullmatch(request):
            usages = [f"  {getdoc(ability)}" for ability in ABILITIES]
            hello = f"Hello, I am {name}. No model is connected; I can answer:"
            return "\n".join([hello, *usages, "  help"])
        for ability in ABILITIES:
            if (reply := await ability(request, self._settings)) is not None:
                return reply
        return (
            f'I did not understand "{shorten(request, LONGEST)}": {name} has no model '
            "connected. Try: help"
        )
