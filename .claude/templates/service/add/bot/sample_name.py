"""Sample name: what is done beside the messages, again and again."""

import asyncio

from bot.tools import Host

EVERY_SECONDS = 60.0


class SampleName:
    """A service. `done` is how often it was at work."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self.done = 0

    async def run(self) -> None:
        while True:
            await self.work()
            await asyncio.sleep(EVERY_SECONDS)

    async def work(self) -> None:
        """Once: to be written."""
        self.done += 1
