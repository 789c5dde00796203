"""Options: what main may grant a group's agent, by name and kind."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from bot.errors import BotError
from bot.mcp import granted

KINDS: dict[str, type] = {
    "network": bool,
    "bots": bool,
    "mounts": list,
    "mcp": list,
    "model": str,
    "daily_tokens": int,
}
MOUNT: dict[str, type] = {"host": str, "name": str, "write": bool}


def check(options: Mapping[str, Any]) -> None:
    """Raises BotError for an option that there is not, or of another kind: it would grant, or
    limit, something else than was meant.
    """
    _checked("option", options, KINDS)
    for mount in options.get("mounts", ()):
        if not isinstance(mount, Mapping):
            raise BotError("a mount is an object", hint=f"with {', '.join(MOUNT)}")
        _checked("key of a mount", mount, MOUNT)
    granted(options.get("mcp", ()))  # or it is refused when somebody waits for an answer


def _checked(what: str, given: Mapping[str, Any], kinds: Mapping[str, type]) -> None:
    for name, value in given.items():
        if name not in kinds:
            near = get_close_matches(name, kinds, 1)
            hint = f"do you mean {near[0]}?" if near else f"there are {', '.join(kinds)}"
            raise BotError(f"there is no {what} {name[:80]!r}", hint=hint)
        if type(value) is not kinds[name]:
            raise BotError(f"the {what} {name} is no {kinds[name].__name__}")
