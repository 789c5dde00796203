"""The tools of memory: what an agent has noted is committed, and found again."""

import asyncio

from bot.groups import Group
from bot.memory import AGENT, opened
from bot.memory_search import search
from bot.paths import Paths
from bot.tools.base import Arguments, Effect, Host


async def commit_memory(host: Host, group: Group, arguments: Arguments) -> Effect:
    """What has changed in the group's memory, main's with what all share, for the `message`."""
    folders = (group.folder, "global") if group.main else (group.folder,)
    message, said = arguments.text("message"), []
    for folder in folders:
        said.append(await asyncio.to_thread(_commit, host.paths, folder, message))
    return Effect("\n".join(filter(None, said)) or "nothing has changed since the last commit")


def _commit(paths: Paths, folder: str, message: str) -> str:
    with opened(paths, folder) as memory:
        return memory.commit(message, AGENT)


async def search_memory(host: Host, group: Group, arguments: Arguments) -> Effect:
    """Where the words of the `query` occur in the group's memory and conversations."""
    query = arguments.text("query")
    found = await asyncio.to_thread(search, host.paths, group.folder, query)
    return Effect(found or "nothing was found")
