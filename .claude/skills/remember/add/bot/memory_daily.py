"""The memory of all groups, committed at the start and once a day: an agent may forget to."""

import asyncio

from bot.errors import BotError
from bot.log import log
from bot.memory import AGENT, UNSAID, opened
from bot.paths import Paths
from bot.tools import Host

EVERY_SECONDS = 86_400.0


class DailyMemory:
    """A service. The first commit of a group is what is there before its agent notes anything."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def run(self) -> None:
        while True:
            await self.commit()
            await asyncio.sleep(EVERY_SECONDS)

    async def commit(self) -> None:
        """Commit what has changed, group by group; one that cannot be is named in the log."""
        for folder in ("global", *(group.folder for group in self._host.store.groups)):
            try:
                await asyncio.to_thread(_commit, self._host.paths, folder)
            except (BotError, OSError) as error:
                log.warning("memory is not committed", group=folder, error=error)


def _commit(paths: Paths, folder: str) -> None:
    try:
        with paths.group(folder).open():
            pass
    except FileNotFoundError:  # nobody has written there yet
        return
    with opened(paths, folder) as memory:
        memory.commit(UNSAID, AGENT)
