"""The owner's settings: the environment first, then `.env`, then the default."""

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_type_hints
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from dotenv.parser import Binding, parse_stream

from bot.errors import Misconfigured

_BOOLEANS = dict.fromkeys(("yes", "true", "on", "1"), True)
_BOOLEANS |= dict.fromkeys(("no", "false", "off", "0"), False)
DOTENV = Path(".env")
UTC = {
    f"{area}{name}" for area in ("", "Etc/") for name in ("UTC", "UCT", "GMT", "Universal", "Zulu")
}
"""What machines say that nobody has told where they are."""
LEAST = {"MAX_CONTAINERS": 1, "CONTAINER_MEMORY": 256, "IDLE_SECONDS": 1, "TURN_SECONDS": 1}
LEAST |= {"ATTACHMENTS_KEPT": 1}
MOST = {"ATTACHMENT_MB": 2_000, "CONTAINER_MEMORY": 1 << 20}
ANY, PORTS = 10**9, 65_535
"""The least with which anybody can be answered and the most that is meant; else 0, and PORTS for a
name that ends in _PORT or ANY.
"""
ADDRESSES = ("_URL", "_SERVER")
"""How the names of settings end that are addresses."""


def machine_zone() -> str:
    """The name of the machine's time zone: TZ's, or the system's; UTC if neither names one."""
    try:
        system = Path("/etc/timezone").read_text("utf-8").strip()
    except OSError:
        system = ""
    names = (os.environ.get("TZ", ""), os.path.realpath("/etc/localtime"), system)
    return next(filter(None, map(_named, names)), "UTC")


def _named(name: str) -> str:
    """The time zone that a name, or a file's path, is of; empty if it is of none."""
    zone = name.rpartition("zoneinfo/")[2].removeprefix(":")
    with suppress(OSError, ValueError, KeyError):
        if zone and not zone.startswith("/"):
            return "UTC" if zone in UTC else ZoneInfo(zone).key
    return ""


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
    programs'. Which key stands there twice; and a TZ that tells the system's clock alone.
    """
    known = [spec.name.upper() for spec in fields(Settings)]
    for key, count in Counter(binding.key or "" for binding in _bindings(dotenv)).items():
        if count > 1:
            yield f"{dotenv}: {key} stands there {count} times; the last one counts"
        if key not in known and (near := get_close_matches(key.upper(), known, 1, 0.75)):
            yield f"{dotenv}: {key} is no setting; do you mean {near[0]}?"
    zone = os.environ.get("TZ", "")
    if zone and not _named(zone) and not (os.environ | read_dotenv(dotenv)).get("TIMEZONE"):
        yield f"TZ={zone} names no place: set TIMEZONE, or all is in {machine_zone()}"


def read_dotenv(path: Path) -> dict[str, str]:
    """`KEY=value` lines. A file that is not there is empty."""
    return {one.key: one.value for one in _bindings(path) if one.key and one.value}


def _bindings(path: Path) -> list[Binding]:
    try:
        if path.is_fifo():  # it would be waited for, and is read more than once
            raise OSError("it is a pipe")
        with path.open(encoding="utf-8-sig") as file:
            found = [one for one in parse_stream(file) if one.key or one.error]
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(
            f"{path} cannot be read: {error}", hint="make it a text file that you may read"
        ) from None
    for one in found:
        if one.error or one.value is None:
            before = re.split(r"\S", f"{one.original.string} ?", maxsplit=1)[0]
            line = one.original.line + before.count("\n")
            why = f"{path}, line {line} is no setting"  # what stands there may be a secret
            raise Misconfigured(why, hint="write KEY=value, or put # before it")
    return found


def _convert(name: str, raw: str, kind: type) -> object:
    usual = PORTS if name.endswith("_PORT") else ANY
    least, most = LEAST.get(name, 0), MOST.get(name, usual)
    try:
        value = _BOOLEANS[raw.lower()] if kind is bool else kind(raw)
        if kind in {int, float} and not least <= value <= most:
            raise ValueError
        if kind in {str, Secret} and not (raw.strip() and raw.isprintable()):
            raise ValueError
        if name.endswith(ADDRESSES) and not _is_address(raw):
            raise ValueError
        if name == "ASSISTANT_NAME" and raw.lstrip().startswith("@"):
            raise ValueError
    except (ValueError, KeyError):
        text = "an address: https://host" if name.endswith(ADDRESSES) else "a text in one line"
        text += ", without @ before it" * (name == "ASSISTANT_NAME")
        span = f" from {least}" + (f" to {most}" if most < ANY else "")
        wanted = {bool: "yes or no", int: f"a whole number{span}", str: text, Secret: text}
        what = wanted.get(kind, f"a number{span}")
        given = "what it is" if kind is Secret else repr(raw)
        raise Misconfigured(
            f"{name} cannot be {given}", hint=f"set {name} to {what}, in the environment or in .env"
        ) from None
    return value


def _is_address(text: str) -> bool:
    """Whether a path can be put behind it. Raises ValueError for a port that can be none."""
    parts = urlsplit(text)
    known = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    return bool(known) and not parts.query and not parts.fragment and " " not in text
