"""Abilities of the offline agent: of ABILITIES, the first that understands answers."""

import re
from collections.abc import Awaitable, Callable
from datetime import datetime

from bot.prompt import zone_of
from bot.settings import Settings

__all__ = ["ABILITIES", "Ability", "clock"]

Ability = Callable[[str, Settings], Awaitable[str | None]]
"""A request to its answer, or to None if it is of another kind. The docstring is how to ask, a line
of the help.
"""

_TIME = re.compile(r"(what is |what's )?(the )?time( is it)?|what time is it", re.IGNORECASE)
_DATE = re.compile(
    r"(what is |what's )?(the |today's )?date|(what|which) day is (it|today)", re.IGNORECASE
)


async def clock(request: str, settings: Settings) -> str | None:
    """time, date"""
    request = request.strip(" ?!.")
    now = datetime.now(zone_of(settings.timezone))
    forms = ((_TIME, "It is {:%H:%M %Z}."), (_DATE, "Today is {:%A, %Y-%m-%d}."))
    return next((form.format(now) for question, form in forms if question.fullmatch(request)), None)


ABILITIES: tuple[Ability, ...] = (clock,)
