"""Sample name: it works at once, and the assistant runs it."""

from __future__ import annotations

import asyncio
from typing import Any

from bot.run import SERVICES
from bot.sample_name import SampleName

NOTHING: Any = None  # it needs nothing of its host yet


async def test_it_is_at_work_from_the_start() -> None:
    service = SampleName(NOTHING)
    running = asyncio.ensure_future(service.run())
    await asyncio.sleep(0)
    running.cancel()
    assert service.done == 1


def test_the_assistant_runs_it() -> None:
    assert SampleName in SERVICES
