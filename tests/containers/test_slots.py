"""Who gets a container when there are fewer than are wanted."""

from __future__ import annotations

import asyncio

import pytest

from bot.errors import BotError
from bot.slots import Slots


async def test_tasks_go_before_messages_and_each_in_the_order_of_coming() -> None:
    slots, served = Slots(1), []

    async def work(name: str, *, urgent: bool) -> None:
        await slots.take(600, urgent=urgent)
        served.append(name)
        await asyncio.sleep(0)
        slots.give()

    await slots.take(600)
    assert not slots.wanted
    names = [
        ("message 1", False),
        ("message 2", False),
        ("task 1", True),
        ("message 3", False),
        ("task 2", True),
    ]
    tasks = [asyncio.create_task(work(name, urgent=urgent)) for name, urgent in names]
    await asyncio.sleep(0)
    assert slots.wanted
    slots.give()
    await asyncio.gather(*tasks)
    assert served == ["task 1", "task 2", "message 1", "message 2", "message 3"]


async def test_a_place_is_not_lost_with_who_waited_for_it() -> None:
    slots = Slots(1)
    await slots.take(600)
    waiting = [asyncio.create_task(slots.take(600)) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()  # before it has a place
    slots.give()
    waiting[1].cancel()  # at the moment that it has one
    await asyncio.wait_for(waiting[2], 600)
    assert [task.cancelled() for task in waiting] == [True, True, False]


async def test_who_waits_too_long_is_told_and_takes_nobody_s_place() -> None:
    slots = Slots(1)
    await slots.take(600)
    with pytest.raises(BotError, match=r"came free within 0\.001 seconds"):
        await slots.take(0.001)
    slots.give()
    await asyncio.wait_for(slots.take(600), 600)
