"""The tool `sample_name`."""

from bot.groups import Group
from bot.tools.base import Arguments, Effect, Host


async def sample_name(host: Host, group: Group, arguments: Arguments) -> Effect:
    """To be written: `statements` are committed with the request, `result` is told to the agent."""
    return Effect(result=f"{group.name}: {arguments.text('text')}")
