"""What the offline agent can do. Each of ABILITIES is asked in turn; the first that answers, answers."""

from collections.abc import Awaitable, Callable

from bot.abilities.clock import clock
from bot.settings import Settings

__all__ = ["ABILITIES", "Ability"]

Ability = Callable[[str, Settings], Awaitable[str | None]]
"""A request to its answer, or to None if it is of another kind. The docstring is how to ask, a line of the help."""

ABILITIES: tuple[Ability, ...] = (clock,)
