"""MCP servers that groups may be granted, by name, as the owner describes them in a file.

`~/.config/graftbot/mcp.toml`, which no container ever sees:

    [notes]                          # reached by the host: the container needs no network for it
    url = "https://notes.example.org/mcp"
    headers = { Authorization = "Bearer ..." }

    [sums]                           # runs in the group's container, with what that has
    command = ["python3", "/workspace/extra/tools/sums.py"]
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.errors import BotError

SERVERS = Path("~/.config/graftbot/mcp.toml")
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
OWN = "graftbot"


@dataclass(frozen=True, slots=True)
class Server:
    """By streamable HTTP at `url`, with the owner's headers; or a command in the container."""

    url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)
    command: Sequence[str] = ()


def granted(names: Any) -> dict[str, Server]:
    """The servers that a group's option `mcp` names. Raises BotError for what is no list, or no
    server of the owner's.
    """
    if not isinstance(names, list | tuple):
        raise BotError("the option mcp is no list", hint='name servers: "mcp": ["notes"]')
    if not names:
        return {}
    known = _read(SERVERS)
    for name in names:
        if not isinstance(name, str) or name not in known:
            there = ", ".join(known) or "none"
            raise BotError(
                f"there is no MCP server {str(name)[:80]!r} for it; there are: {there}",
                hint=f"the owner describes servers in {SERVERS}",
            )
    return {name: known[name] for name in names}


def _read(place: Path) -> dict[str, Server]:
    import tomllib  # noqa: PLC0415  # only those who grant something pay for it

    try:
        place = place.expanduser()
        found = tomllib.loads(place.read_text("utf-8")) if place.exists() else {}
        return {name: _server(name, about) for name, about in found.items()}
    except (OSError, ValueError, TypeError, AttributeError, RuntimeError) as error:
        raise BotError(
            f"{place} cannot be read: {error}", hint="correct it; until then no server is had"
        ) from None


def _server(name: str, about: Mapping[str, Any]) -> Server:
    """Raises ValueError or TypeError for what describes none."""
    server = Server(**about)
    texts = (server.url, *server.command, *server.headers, *server.headers.values())
    if not NAME.fullmatch(name) or name == OWN:
        raise ValueError(f"{name!r} cannot be a server's name")
    if isinstance(server.command, str) or not all(isinstance(one, str) for one in texts):
        raise TypeError(f"{name}: a command is a list of texts, and so is all else text")
    if bool(server.url) == bool(server.command) or (server.headers and not server.url):
        raise ValueError(f"{name} needs a url, with headers or without, or a command")
    if server.url and not server.url.startswith(("http://", "https://")):
        raise ValueError(f"the url of {name} is none of http or https")
    return server
