"""`bot run`: the parts that the settings ask for, put together, until the end or a signal."""

from __future__ import annotations

import asyncio
import logging
import signal
from contextlib import suppress
from typing import TYPE_CHECKING

from bot.agents import AGENTS
from bot.assistant import Assistant
from bot.channels import CHANNELS
from bot.errors import Misconfigured
from bot.store import open_store

if TYPE_CHECKING:
    from bot.settings import Settings

__all__ = ["main"]

log = logging.getLogger(__name__)


def main(settings: Settings) -> None:
    """Run until every channel is at its end, or SIGTERM or SIGINT; a second signal does not wait for what runs."""
    _log(settings)
    with suppress(asyncio.CancelledError):
        asyncio.run(_run(settings))


async def _run(settings: Settings) -> None:
    channels = [channel for cls in CHANNELS if (channel := cls.from_settings(settings))]
    if not channels:
        names = ", ".join(cls.name for cls in CHANNELS)
        raise Misconfigured(f"no channel is configured; there are: {names}", hint="configure one in .env")
    agent = next(agent for cls in AGENTS if (agent := cls.from_settings(settings)))
    async with open_store(settings.graftbot_data) as store:
        names = ", ".join(channel.name for channel in channels)
        log.info("%s is ready on %s; %s answers", settings.assistant_name, names, type(agent).__name__)
        await Assistant(settings.assistant_name, store, channels, agent).run(_signalled())
    log.info("%s has stopped", settings.assistant_name)


def _signalled() -> asyncio.Event:
    stop = asyncio.Event()
    loop, task = asyncio.get_running_loop(), asyncio.current_task()

    def caught() -> None:
        if stop.is_set() and task is not None:
            task.cancel()
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, caught)
    return stop


def _log(settings: Settings) -> None:
    """On standard error, for standard output is the console's."""
    level = logging.getLevelNamesMapping().get(settings.log_level.upper())
    if level is None:
        hint = "set it to DEBUG, INFO, WARNING or ERROR"
        raise Misconfigured(f"LOG_LEVEL cannot be {settings.log_level!r}", hint=hint)
    handler = logging.StreamHandler()
    handler.setFormatter(_Redacted(tuple(settings.secrets())))
    logging.basicConfig(level=level, handlers=[handler])
    for chatty in ("asyncio", "aiosqlite"):
        logging.getLogger(chatty).setLevel(max(level, logging.INFO))


class _Redacted(logging.Formatter):
    """Hides secrets in the finished text, so that one in an exception's traceback is covered too."""

    def __init__(self, secrets: tuple[str, ...]) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text
