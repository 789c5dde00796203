"""The tools by which an agent asks the host for something. TOOLS has each by the name that the
agent calls; skills add theirs.
"""

from collections.abc import Mapping
from typing import Any

from bot.errors import BotError
from bot.groups import Group
from bot.tools.base import Arguments, Effect, Host, Tool
from bot.tools.chats import refresh_groups, register_group, send_file, send_message
from bot.tools.tasks import TASK_TOOLS

__all__ = ["TOOLS", "Arguments", "Effect", "Host", "Tool", "call"]

TOOLS: dict[str, Tool] = {
    "send_message": send_message,
    "send_file": send_file,
    "register_group": register_group,
    "refresh_groups": refresh_groups,
    **TASK_TOOLS,
}


async def call(host: Host, group: Group, tool: str, arguments: Mapping[str, Any]) -> Effect:
    """What a tool does for a group's agent. Raises BotError, which the agent is told."""
    if tool not in TOOLS:
        raise BotError(f"there is no tool {tool[:80]!r}", hint=f"there are {', '.join(TOOLS)}")
    return await TOOLS[tool](host, group, Arguments(arguments))
