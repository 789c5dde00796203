"""So many places for containers, and who gets the next one."""

import asyncio
import heapq
from itertools import count

from bot.errors import BotError


class Slots:
    """`most` places; who waits is served in order, what is `urgent` before the rest, and `give`
    gives a place back.
    """

    def __init__(self, most: int) -> None:
        self._free, self._order = most, count()
        self._waiting: list[tuple[bool, int, asyncio.Future[None]]] = []

    @property
    def wanted(self) -> bool:
        return any(not place.done() for _, _, place in self._waiting)

    async def take(self, within: float, *, urgent: bool = False) -> None:
        """Raises BotError if none comes free `within` so many seconds."""
        if self._free:
            self._free -= 1
            return
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (not urgent, next(self._order), place))
        try:
            async with asyncio.timeout(within):
                await place
        except (TimeoutError, asyncio.CancelledError) as error:
            if not place.cancelled():  # it had just been given one
                self.give()
            if isinstance(error, TimeoutError):
                hint = "MAX_CONTAINERS says how many there are"
                why = f"no place for a container came free within {within:g} seconds"
                raise BotError(why, hint=hint) from None
            raise

    def give(self) -> None:
        while self._waiting:
            if not (place := heapq.heappop(self._waiting)[2]).done():
                place.set_result(None)
                return
        self._free += 1
