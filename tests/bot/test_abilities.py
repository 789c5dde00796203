"""The offline agent answers few things, and those truly."""

from __future__ import annotations

import re

from doubles import message

from bot.agents.offline import OfflineAgent
from bot.messages import Turn
from bot.settings import Settings


async def ask(text: str, *, direct: bool = True) -> str:
    asked = message(text, direct=direct)
    (reply,) = await OfflineAgent(Settings(assistant_name="Andy")).answer(
        Turn("memory:me", (asked,), (asked,), 1)
    )
    return reply


async def test_it_tells_the_time_and_the_date_with_a_zone() -> None:
    assert re.fullmatch(r"It is \d\d:\d\d \S+\.", await ask("What time is it?"))
    assert re.fullmatch(r"Today is [A-Z][a-z]+day, \d{4}-\d\d-\d\d\.", await ask("date"))


async def test_help_says_what_it_is_and_every_line_of_it_is_true() -> None:
    shown = await ask("Help!")
    assert "No model is connected" in shown
    for usage in ", ".join(line.strip() for line in shown.splitlines()[1:]).split(", "):
        assert "did not understand" not in await ask(usage)
    assert shown == await ask("@andy, hello", direct=False)


async def test_it_says_so_when_it_does_not_understand() -> None:
    assert 'did not understand "Write me a poem"' in await ask("Write me a poem")
    assert len(await ask("word " * 1000)) < 200
