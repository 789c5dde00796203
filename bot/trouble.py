"""A turn, or a run of a task, that has not succeeded yet, and what has been tried."""

import asyncio
from dataclasses import dataclass, field

from bot.errors import described
from bot.groups import Group


@dataclass
class Trouble:
    """What has become of it: attempts, rounds of them with a long pause between, those that cost
    tokens, and how many; since when, by the event loop's clock. Of several messages that the model
    refused together, each up to number `alone_until` is asked by itself.
    """

    attempts: int = 0
    rounds: int = 0
    paid: int = 0
    tokens: int = 0
    fresh: bool = False
    alone_until: int = 0
    timer: asyncio.TimerHandle | None = None
    since: float = field(default_factory=lambda: asyncio.get_running_loop().time())

    def failed(self, tokens: int) -> None:
        """Another attempt, at this price."""
        self.attempts, self.paid = self.attempts + 1, self.paid + (tokens > 0)
        self.tokens += max(tokens, 0)  # a new day may have come

    def told(self, template: str, group: Group, error: Exception, **more: str) -> str:
        price = f" ({self.tokens:,} tokens)" if self.tokens else ""
        why = described(error, to_owner=True)[:300]
        more |= {"name": group.name, "chat": group.chat, "price": price, "error": why}
        return template.format(attempts=self.attempts, **more)
