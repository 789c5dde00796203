"""`bot doctor`: what a working bot relies on, each with what to do if it is not so."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import TYPE_CHECKING

from bot.agents import AGENTS
from bot.channels import CHANNELS
from bot.errors import BotError
from bot.groups import MAIN
from bot.migrations import MIGRATIONS
from bot.prompt import zone_of
from bot.runtimes import RUNTIMES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bot.runtimes import Runtime
    from bot.settings import Settings

__all__ = ["CHECKS", "Finding", "examine"]

LEAST_SPACE = 500_000_000


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at or done, what is wrong with it ("" for nothing), and what to do. `bot
    doctor` shows them.
    """

    what: str
    wrong: str = ""
    hint: str = ""


async def space(settings: Settings) -> Finding:
    """There is room to store what comes in."""
    place = next(
        path
        for path in (settings.graftbot_data.absolute(), *settings.graftbot_data.absolute().parents)
        if path.exists()
    )
    free = shutil.disk_usage(place).free
    wrong = f"{free // 1_000_000} MB are free on {place}" if free < LEAST_SPACE else ""
    return Finding("disk space", wrong, f"make room: a bot needs {LEAST_SPACE // 1_000_000} MB")


async def store(settings: Settings) -> Finding:
    """The store is whole, and no newer than this bot."""
    path = settings.graftbot_data / "bot.db"
    if not path.exists():
        return Finding("store")  # the first run makes it
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
            (found,), (version,) = (
                db.execute(f"PRAGMA {name}").fetchone() for name in ("quick_check", "user_version")
            )
            main = (
                version < 2
                or db.execute("SELECT 1 FROM groups WHERE folder = ?", (MAIN,)).fetchone()
            )
    except sqlite3.Error as error:
        return Finding(
            "store", f"{path}: {error}", "restore a backup, or move it away to begin anew"
        )
    if found != "ok" or version > len(MIGRATIONS):
        return Finding(
            "store", f"{path}: {found}, schema {version}", "restore a backup, or update this bot"
        )
    wrong = "" if main else "no chat is main, so nobody is told of failures"
    return Finding("store", wrong, "bot setup --main CHAT")


async def parts(settings: Settings) -> Finding:
    """Channels, agent and time zone can be made from the settings."""
    try:
        zone_of(settings.timezone)
        channels = [channel for cls in CHANNELS if (channel := cls.from_settings(settings))]
        any(cls.from_settings(settings) for cls in AGENTS)
        for channel in channels:
            await channel.disconnect()
    except BotError as error:
        return Finding("settings", error.message, error.hint)
    except ImportError as error:
        return Finding("settings", str(error), "make setup installs what is missing")
    return Finding(
        "settings", "" if channels else "no channel is configured", "configure one in .env"
    )


async def containers(settings: Settings) -> Finding:
    """What runs the agent's containers answers, where a key asks for an agent."""
    kind = RUNTIMES.get(settings.runtime)
    if kind is None or not (settings.anthropic_api_key or settings.claude_code_oauth_token):
        return Finding("containers")  # the settings' finding says what is wrong, or none are needed
    runtime: Runtime = resolve_name(kind)()
    try:
        await runtime.runs("doctor")
    except BotError as error:
        return Finding("containers", error.message, error.hint)
    finally:
        await runtime.close()
    return Finding("containers")


CHECKS: tuple[Callable[[Settings], Awaitable[Finding]], ...] = (space, store, parts, containers)


async def examine(settings: Settings) -> list[Finding]:
    """The findings of all CHECKS, in order."""
    return [await check(settings) for check in CHECKS]
