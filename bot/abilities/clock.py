"""The time and the date where the bot runs."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.settings import Settings

__all__ = ["clock"]

_TIME = re.compile(r"(what is |what's )?(the )?time( is it)?|what time is it", re.IGNORECASE)
_DATE = re.compile(r"(what is |what's )?(the |today's )?date|(what|which) day is (it|today)", re.IGNORECASE)


async def clock(request: str, settings: Settings) -> str | None:
    """time, date"""
    request = request.strip(" ?!.")
    now = datetime.now(UTC).astimezone()  # the machine's time zone; TZ sets another
    if _TIME.fullmatch(request):
        return f"It is {now:%H:%M %Z}."
    if _DATE.fullmatch(request):
        return f"Today is {now:%A, %Y-%m-%d}."
    return None
