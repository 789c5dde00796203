"""The interface of a tool: it checks what a group's agent wants, and says what to commit."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from bot.assistant import Assistant
from bot.errors import BotError
from bot.groups import Group
from bot.paths import Paths
from bot.settings import Settings
from bot.store import Store
from bot.transactions import Statement

LONGEST_TEXT = 50_000


@dataclass(frozen=True, slots=True)
class Host:
    """What tools and services work with."""

    store: Store
    assistant: Assistant
    paths: Paths
    settings: Settings


@dataclass(frozen=True, slots=True)
class Effect:
    """What is committed together with the request, what is done once that is certain, and what the
    agent is told.
    """

    result: Any = None
    statements: tuple[Statement, ...] = ()
    afterwards: Callable[[], Awaitable[None]] | None = None


@dataclass(frozen=True, slots=True)
class Arguments:
    """What an agent sent, each value checked when read. Raises BotError for what is wrong."""

    given: Mapping[str, Any]

    def text(self, name: str, default: str | None = None) -> str:
        """A text; without a default it has to be there."""
        value = self.given.get(name)
        if value is None and default is not None:
            return default
        empty = default is None and not str(value).strip()
        if not isinstance(value, str) or len(value) > LONGEST_TEXT or empty:
            raise BotError(f"{name} is no text", hint=f"give up to {LONGEST_TEXT} characters")
        return value

    def of(self, name: str, kind: type, default: Any) -> Any:
        """A value of a kind, or the default."""
        value = self.given.get(name, default)
        if not isinstance(value, kind):
            raise BotError(f"{name} is no {kind.__name__}")
        return value


Tool: TypeAlias = Callable[[Host, Group, Arguments], Awaitable[Effect]]
"""A group acts on itself, main on all. Raises BotError, which the agent is told."""
