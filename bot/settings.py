"""What the owner configured: the environment first, then `.env`, then the default."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

from bot.errors import Misconfigured

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Secret", "Settings", "load"]

_BOOLEANS = {"yes": True, "true": True, "on": True, "1": True, "no": False, "false": False, "off": False, "0": False}


@dataclass(frozen=True)
class Secret:
    """A value that its representation does not show; empty is false."""

    value: str = field(default="", repr=False)

    def __bool__(self) -> bool:
        return bool(self.value)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Each field is the environment variable of its name in capitals: `assistant_name` is ASSISTANT_NAME.

    A field is a `str`, `int`, `float`, `bool`, `Path` or `Secret`, and has a default.
    """

    assistant_name: str = "Andy"
    graftbot_data: Path = Path("data")
    log_level: str = "INFO"
    console: bool = True
    timezone: str = "UTC"
    anthropic_api_key: Secret = Secret()
    claude_code_oauth_token: Secret = Secret()
    anthropic_base_url: str = "https://api.anthropic.com"
    agent_image: str = "graftbot-agent"
    agent_base: str = "python:3.12-slim"
    max_containers: int = 4
    container_memory: int = 2048
    idle_seconds: float = 600
    turn_seconds: float = 1800

    def secrets(self) -> Iterator[str]:
        """The values that may appear in no log."""
        values = (getattr(self, spec.name) for spec in fields(self))
        return (value.value for value in values if isinstance(value, Secret) and value)


def load(environment: Mapping[str, str] = os.environ, dotenv: Path = Path(".env")) -> Settings:
    """The settings; an empty variable counts as not set. Raises Misconfigured for what a field cannot hold."""
    configured = _read_dotenv(dotenv) | {key: value for key, value in environment.items() if value}
    kinds = get_type_hints(Settings)
    values: dict[str, Any] = {
        spec.name: _convert(spec.name.upper(), raw, kinds[spec.name])
        for spec in fields(Settings)
        if (raw := configured.get(spec.name.upper()))
    }
    return Settings(**values)


def _read_dotenv(path: Path) -> dict[str, str]:
    """`KEY=value` lines, with or without `export` and quotes. A file that is not there is empty."""
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{path} cannot be read: {error}", hint="make it a text file that you may read") from None
    values = {}
    for number, line in enumerate(lines, 1):
        text = line.strip().removeprefix("export ")
        if not text or text.startswith("#"):
            continue
        key, equals, value = (part.strip() for part in text.partition("="))
        if not equals:
            raise Misconfigured(f"{path}:{number} is no setting", hint="write KEY=value, or put # before it")
        quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
        values[key] = value[1:-1] if quoted else value.partition(" #")[0].rstrip()
    return values


def _convert(name: str, raw: str, kind: type) -> object:
    try:
        return _BOOLEANS[raw.lower()] if kind is bool else kind(raw)
    except (ValueError, KeyError):
        hint = f"set {name} to {'yes or no' if kind is bool else 'a number'}, in the environment or in .env"
        raise Misconfigured(f"{name} cannot be {raw!r}", hint=hint) from None
