"""A watch over the engine: whether it is there, has the image, and keeps nobody's containers."""

import asyncio
from collections.abc import Set
from contextlib import suppress

from bot.agents.base import Agent
from bot.bounds import Seldom
from bot.log import log
from bot.runtimes import Runtime

REAP_SECONDS = 60.0
LOST_SECONDS = 2.0  # how often an engine that is gone is looked for
NO_IMAGE = "I can answer nobody yet: there is no image {image}. Build it: bot setup."


class EngineWatch:
    """`runs` are those that are somebody's: others of this installation, which an earlier process
    or an interrupted start has left, are removed.
    """

    def __init__(
        self, agent: Agent, runtime: Runtime, installation: str, image: str, runs: Set[str]
    ) -> None:
        self._agent, self._runtime, self._installation = agent, runtime, installation
        self._image, self._runs, self._seldom = image, runs, Seldom()
        self._told = False
        self.trouble = asyncio.Event()
        """Set where something failed: it is looked after at once."""

    async def run(self) -> None:
        """Until cancelled. An engine that was gone, or an image, and is back is told to the agent
        at once.
        """
        well = True
        while True:
            self.trouble.clear()
            before, well = well, await self.removed() and await self._has_the_image()
            if well and not before:
                log.info("containers can be had again")
                self._agent.recovered()
            if not well:
                await asyncio.sleep(LOST_SECONDS)
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(REAP_SECONDS):
                    await self.trouble.wait()

    async def removed(self) -> bool:
        """Remove what is nobody's; False if the engine cannot be asked."""
        try:
            for run in await self._runtime.runs(self._installation) - self._runs:
                log.info("an orphaned container is removed", run=run)
                await self._runtime.remove(self._installation, run)
        except Exception as error:  # noqa: BLE001  # whatever the engine's library raises: it is tried again
            if count := self._seldom.count("engine"):
                why = {"error": error, "since_the_last": count}
                log.warning("containers cannot be looked after", **why)
            return False
        return True

    async def _has_the_image(self) -> bool:
        """Whether it is there; that it is not is said once, before anybody writes if so. False if
        the engine is gone again.
        """
        with suppress(Exception):  # whatever the engine's library raises: it is asked again
            if await self._runtime.has(self._image):
                self._told = False
                return True
            if not self._told:
                self._told = True
                why = f"no image {self._image}"
                log.error("nobody can be answered yet", why=why, hint="bot setup")
                await self._agent.tell(NO_IMAGE.format(image=self._image))
        return False
