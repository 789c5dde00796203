"""The tokens that a group may use a day, and the words when they are used up."""

from asyncio import Lock
from datetime import datetime, time, timedelta

from bot.errors import OverBudget
from bot.groups import Group
from bot.migrations import SQL
from bot.rows import stamp
from bot.store import Store

USED_UP = (
    "My {limit:,} tokens for today are used up; I go on tomorrow. What is written until then waits."
)


class Budget:
    """By the owner's clock. A group's own is its option `daily_tokens`; without one there is
    `daily_tokens` of the installation, and 0 is no limit.
    """

    def __init__(self, store: Store, daily_tokens: int) -> None:
        self._store, self._daily_tokens, self._telling = store, daily_tokens, Lock()

    async def check(self, group: Group) -> None:
        """Raises OverBudget when the tokens of the day are used up."""
        if limit := await self.used_up(group):
            raise OverBudget(USED_UP.format(limit=limit))

    async def used_up(self, group: Group) -> int:
        """The tokens that a group has a day, if it has used them; 0 if it has not."""
        limit = group.options.get("daily_tokens", self._daily_tokens)
        used = isinstance(limit, int) and 0 < limit <= await self._store.spent(group.folder)
        return limit if used else 0

    async def tell(self, group: Group, error: OverBudget) -> float:
        """The chat and the owner, once a day, whenever the bot was started. The seconds until the
        next day, but no more than an hour: clocks are set.
        """
        now, notice = datetime.now(self._store.zone), str(error)
        midnight = datetime.combine(now.date(), time(), now.tzinfo)
        chat = self._store.called(group.chat)  # which may have changed since the turn began
        to_owner = "" if group.main else f"{group.name} ({chat}): {notice}"
        async with self._telling:  # of two tasks at once, the second finds that it is said
            if not await self._store.read(SQL["told_since"], (chat, notice, stamp(midnight))):
                await self._store.send(chat, notice, to_owner)
        return min(max((midnight + timedelta(days=1) - now).total_seconds(), 1.0), 3600.0)
