"""A turn that has no answer yet, and what has been tried."""

import asyncio
from dataclasses import dataclass

from bot.errors import described
from bot.groups import Group


@dataclass
class Trouble:
    """What has become of a turn that has no answer yet: attempts, rounds of them with a long pause
    between, those that cost tokens, and how many. Of several messages that the model refused
    together, each up to number `alone_until` is asked by itself.
    """

    attempts: int = 0
    rounds: int = 0
    paid: int = 0
    tokens: int = 0
    fresh: bool = False
    alone_until: int = 0
    timer: asyncio.TimerHandle | None = None

    def told(self, template: str, group: Group, error: Exception) -> str:
        price = f" ({self.tokens:,} tokens)" if self.tokens else ""
        why = described(error, to_owner=True)[:300]
        return template.format(
            name=group.name, chat=group.chat, attempts=self.attempts, price=price, error=why
        )
