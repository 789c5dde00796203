"""The owner's settings: the environment first, then `.env`, then the default."""

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_type_hints
from zoneinfo import ZoneInfo

from dotenv import dotenv_values

from bot.errors import Misconfigured

_BOOLEANS = {
    "yes": True,
    "true": True,
    "on": True,
    "1": True,
    "no": False,
    "false": False,
    "off": False,
    "0": False,
}


DOTENV = Path(".env")


def machine_zone() -> str:
    """The name of the machine's time zone: what TZ says, or the system's; UTC if neither names
    one.
    """
    try:
        system = Path("/etc/timezone").read_text("utf-8").strip()
    except OSError:
        system = ""
    for name in (os.environ.get("TZ", ""), os.path.realpath("/etc/localtime"), system):
        zone = name.rpartition("zoneinfo/")[2].removeprefix(":")
        with suppress(OSError, ValueError, KeyError):
            if zone and not zone.startswith("/"):
                return ZoneInfo(zone).key
    return "UTC"


@dataclass(frozen=True)
class Secret:
    """A value that its representation does not show; empty is false."""

    value: str = field(default="", repr=False)

    def __bool__(self) -> bool:
        return bool(self.value)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Each field is the environment variable of its name in capitals: `assistant_name` is
    ASSISTANT_NAME.

    A field is a `str`, `int`, `float`, `bool`, `Path` or `Secret`, and has a default.
    """

    assistant_name: str = "Andy"
    graftbot_data: Path = Path("data")
    log_level: str = "INFO"
    console: bool = True
    timezone: str = field(default_factory=machine_zone)
    anthropic_api_key: Secret = Secret()
    claude_code_oauth_token: Secret = Secret()
    anthropic_base_url: str = "https://api.anthropic.com"
    runtime: str = "docker"
    agent_image: str = "graftbot-agent"
    agent_base: str = "python:3.12-slim"
    max_containers: int = 4
    container_memory: int = 2048
    idle_seconds: float = 600
    turn_seconds: float = 1800
    model: str = ""
    daily_tokens: int = 0
    keep_days: int = 365
    keep_mb: int = 1000
    whatsapp: bool = False
    whatsapp_phone: str = ""
    whatsapp_shared: bool = False
    attachment_mb: int = 20
    attachments_kept: int = 200

    def secrets(self) -> Iterator[str]:
        values = (getattr(self, spec.name) for spec in fields(self))
        return (value.value for value in values if isinstance(value, Secret) and value)


def load(environment: Mapping[str, str] = os.environ, dotenv: Path = DOTENV) -> Settings:
    """The settings; an empty variable counts as not set. Raises Misconfigured for what a field
    cannot hold.
    """
    configured = read_dotenv(dotenv) | {key: value for key, value in environment.items() if value}
    kinds = get_type_hints(Settings)
    values: dict[str, Any] = {
        spec.name: _convert(spec.name.upper(), raw, kinds[spec.name])
        for spec in fields(Settings)
        if (raw := configured.get(spec.name.upper()))
    }
    return Settings(**values)


def misspelt(dotenv: Path = DOTENV) -> Iterator[str]:
    """For keys in `.env` that are no settings, which one may be meant; others may be other
    programs'.
    """
    known = [spec.name.upper() for spec in fields(Settings)]
    for key in read_dotenv(dotenv):
        if key not in known and (near := get_close_matches(key.upper(), known, 1, 0.75)):
            yield f"{dotenv}: {key} is no setting; do you mean {near[0]}?"


def read_dotenv(path: Path) -> dict[str, str]:
    """`KEY=value` lines. A file that is not there is empty."""
    try:
        values = dotenv_values(path, interpolate=False, encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(
            f"{path} cannot be read: {error}", hint="make it a text file that you may read"
        ) from None
    if wrong := [key for key, value in values.items() if value is None]:
        raise Misconfigured(
            f"{path}: {wrong[0]!r} is no setting", hint="write KEY=value, or put # before it"
        )
    return {key: value for key, value in values.items() if value}


def _convert(name: str, raw: str, kind: type) -> object:
    try:
        return _BOOLEANS[raw.lower()] if kind is bool else kind(raw)
    except (ValueError, KeyError):
        hint = (
            f"set {name} to {'yes or no' if kind is bool else 'a number'}, in the "
            "environment or in .env"
        )
        raise Misconfigured(f"{name} cannot be {raw!r}", hint=hint) from None
