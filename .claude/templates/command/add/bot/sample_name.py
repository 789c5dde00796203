"""The command `/sample_name`."""

from bot.groups import Group
from bot.store import Store
from bot.turns import Turns


async def sample_name(turns: Turns, store: Store, group: Group) -> str:
    """says its line of the help here"""
    return f"Here is {group.name}."
