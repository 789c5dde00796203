"""`/sample_name`: who may ask is answered, at once."""

from __future__ import annotations

from typing import Any

from doubles import message

from bot.commands import command
from bot.groups import Group
from bot.sample_name import sample_name

NOTHING: Any = None  # the command needs neither turns nor store


async def test_it_is_obeyed() -> None:
    group = Group("main", "memory:me", "My own", None)
    assert command(group, message("/sample_name")) is sample_name
    assert await sample_name(NOTHING, NOTHING, group) == "Here is My own."
