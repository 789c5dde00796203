"""So many places for containers, and who gets the next one."""

from __future__ import annotations

import asyncio
import heapq
from itertools import count

__all__ = ["Slots"]


class Slots:
    """`most` places. Who waits is served in order, and what is `urgent` before the rest."""

    def __init__(self, most: int) -> None:
        self._free = most
        self._waiting: list[tuple[bool, int, asyncio.Future[None]]] = []
        self._order = count()

    @property
    def wanted(self) -> bool:
        """Whether somebody waits."""
        return any(not future.done() for _, _, future in self._waiting)

    async def take(self, *, urgent: bool = False) -> None:
        """Wait for a place; `give` it back."""
        if self._free:
            self._free -= 1
            return
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (not urgent, next(self._order), place))
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self.give()
            raise

    def give(self) -> None:
        """A place is free: for who waits, or for who comes."""
        while self._waiting:
            _, _, place = heapq.heappop(self._waiting)
            if not place.done():
                place.set_result(None)
                return
        self._free += 1
