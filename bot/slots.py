"""So many places for containers, and who gets the next one."""

import asyncio
import heapq
from itertools import count


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

    async def take(self, *, urgent: bool = False) -> None:
        if self._free:
            self._free -= 1
            return
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (not urgent, next(self._order), place))
        try:
            await place
        except asyncio.CancelledError:
            if not place.cancelled():  # it had just been given one
                self.give()
            raise

    def give(self) -> None:
        while self._waiting:
            if not (place := heapq.heappop(self._waiting)[2]).done():
                place.set_result(None)
                return
        self._free += 1
