"""`bot setup`: from a fresh checkout to a bot that can be run, a step after the other."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from bot.doctor import examine
from bot.errors import Finding
from bot.groups import Places

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from bot.settings import Settings

__all__ = ["STEPS", "set_up"]


async def folders(settings: Settings) -> Finding:
    """The data directory, and `.env` to fill in."""
    await asyncio.to_thread(_make, settings.graftbot_data)
    return Finding(f"data in {settings.graftbot_data}, settings in .env")


def _make(data: Path) -> None:
    Places(data).logs().mkdir(parents=True, exist_ok=True)
    data.chmod(0o700)
    example, dotenv = Path(".env.example"), Path(".env")
    if example.exists() and not dotenv.exists():
        shutil.copy(example, dotenv)
        dotenv.chmod(0o600)


STEPS: tuple[Callable[[Settings], Awaitable[Finding]], ...] = (folders,)
"""What is done before the checks of `bot doctor`; a channel or a runtime adds its own."""


async def set_up(settings: Settings) -> AsyncIterator[Finding]:
    """Each step as it ends, and then what `bot doctor` finds."""
    for step in STEPS:
        yield await step(settings)
    for finding in await examine(settings):
        yield finding
