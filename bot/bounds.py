"""Bounds for what others may cause: how often, how much in an hour, and how deep."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bot.errors import BotError

Clock = Callable[[], float]
HOUR = 3600.0


def parsed(text: str | bytes) -> Any:
    """JSON that others wrote. Raises BotError for what is none, or is nested too deeply."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        why = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise BotError(f"it is no JSON: {why}") from None


@dataclass(slots=True)
class Allowance:
    """Of each key: `burst` at once, and `rate` a second in the long run."""

    rate: float
    burst: float
    clock: Clock = time.monotonic
    _left: dict[str, tuple[float, float]] = field(default_factory=dict)

    def take(self, key: str, amount: float = 1.0) -> bool:
        """Whether so much is left; if it is, it is taken."""
        now = self.clock()
        left, since = self._left.get(key, (self.burst, now))
        left = min(left + (now - since) * self.rate, self.burst)
        enough = left >= amount
        self._left[key] = (left - amount if enough else left, now)
        return enough


@dataclass(slots=True)
class Seldom:
    """Of what may come by the thousand: one in `seconds` a key, and how many it stands for."""

    seconds: float = 60.0
    clock: Clock = time.monotonic
    _seen: dict[str, tuple[float, int]] = field(default_factory=dict)

    def count(self, key: str) -> int:
        """How many came since the last that was told, this one too; 0 if it is not to be told."""
        now = self.clock()
        told, unseen = self._seen.get(key, (-self.seconds, 0))
        due = now - told >= self.seconds or key not in self._seen
        self._seen[key] = (now, 0) if due else (told, unseen + 1)
        return unseen + 1 if due else 0
