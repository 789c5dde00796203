"""What a process cannot choose, in the hands of a run: the time, chance, and names that are unique.

Every module of the bot has them by import, so every module's names are found and replaced; a new
module is covered by being loaded.
"""

from __future__ import annotations

import datetime as datetimes
import random as randoms
import secrets
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from types import SimpleNamespace
from typing import Any


def replacements(wall: Callable[[], float], steady: Callable[[], float], chance: Random) -> Any:
    """By the identity of what a module has: what it gets. `wall` are seconds of the epoch."""

    class Moment(datetimes.datetime):
        @classmethod
        def now(cls, tz: datetimes.tzinfo | None = None) -> Any:
            return cls.fromtimestamp(wall(), tz)

    def uuid4() -> uuid.UUID:
        return uuid.UUID(int=chance.getrandbits(128), version=4)

    def token_hex(size: int = 16) -> str:
        return f"{chance.getrandbits(8 * size):0{2 * size}x}"

    hidden = SimpleNamespace(
        token_hex=token_hex, token_urlsafe=token_hex, randbelow=chance.randrange
    )
    return {
        id(datetimes.datetime): Moment,
        id(uuid.uuid4): uuid4,
        id(randoms): chance,
        id(secrets): hidden,
        id(time): SimpleNamespace(time=wall, monotonic=steady),
    }


@contextmanager
def replaced(new: dict[int, Any], more: list[tuple[Any, str, Any]]) -> Iterator[None]:
    """In every module of the bot that is loaded; and `more`: an object, a name, its value."""
    changed: list[tuple[Any, str, Any]] = []
    for name, module in sorted(sys.modules.items()):
        if name == "bot" or name.startswith("bot."):
            for key, value in [*vars(module).items()]:
                if id(value) in new:
                    changed.append((module, key, value))
                    setattr(module, key, new[id(value)])
    for owner, key, value in more:
        changed.append((owner, key, getattr(owner, key)))
        setattr(owner, key, value)
    try:
        yield
    finally:
        for owner, key, value in reversed(changed):
            setattr(owner, key, value)
