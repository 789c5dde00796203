"""Sample name: it answers what begins with its words, and the agent knows it."""

from __future__ import annotations

from doubles import message

from bot.abilities.sample_name import sample_name
from bot.agents import OfflineAgent
from bot.messages import Turn
from bot.settings import Settings


async def test_what_is_of_another_kind_is_left_to_the_others() -> None:
    assert await sample_name("what time is it?", Settings()) is None


async def test_the_agent_asks_it() -> None:
    asked = (message("Sample name: a thing"),)
    answer = await OfflineAgent(Settings()).answer(Turn("memory:me", asked, asked, 1))
    assert answer == ["You asked for a thing."]
