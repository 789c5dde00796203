"""The offline agent answers few things, and those truly."""

from __future__ import annotations

import re

import pytest
from doubles import message

from bot.abilities.calculator import calculator
from bot.agents.offline import OfflineAgent
from bot.messages import Turn
from bot.settings import Settings


async def ask(text: str, *, direct: bool = True) -> str:
    asked = message(text, direct=direct)
    (reply,) = await OfflineAgent(Settings()).answer(Turn("memory:me", (asked,), (asked,), 1))
    return reply


@pytest.mark.parametrize(
    ("request_", "reply"),
    [
        ("2+2", "4"),
        ("What is 2 * (3 + 4)?", "14"),
        ("0.1 + 0.2 =", "0.3"),
        ("1/3", "0.333333333333"),
        ("7 // 2 + 7 % 4", "6"),
        ("-2^2", None),
        ("0 - 2^2", "-4"),
        ("2^-2", "0.25"),
        ("6 × 7 − 2 ÷ 4", "41.5"),  # noqa: RUF001
        ("10**30 + 1", "1000000000000000000000000000001"),
        ("1 / 0", "That divides by zero."),
        ("0 ** -1", "That divides by zero."),
        ("0 ** 99999", "0"),
        ("2 ** 99999999999", "That number is too big for me."),
        ("9**9**9**9", "That number is too big for me."),
        ("(" * 90 + "1+1" + ")" * 90, "2"),
        ("2 ** 0.5", None),
        ("42", None),
        ("1 +", None),
        ("1 if 2 else 3", None),
        ("__import__('os').getcwd()", None),
        ("True + 1", None),
        ("1e999 + 1", None),
        ("1+" * 200 + "1", None),
    ],
)
async def test_arithmetic_is_exact_and_bounded(request_: str, reply: str | None) -> None:
    assert await calculator(request_, Settings()) == reply


async def test_it_tells_the_time_and_the_date_with_a_zone() -> None:
    assert re.fullmatch(r"It is \d\d:\d\d \S+\.", await ask("What time is it?"))
    assert re.fullmatch(r"Today is [A-Z][a-z]+day, \d{4}-\d\d-\d\d\.", await ask("date"))


async def test_help_says_what_it_is_and_every_line_of_it_is_true() -> None:
    shown = await ask("Help!")
    assert "No model is connected" in shown
    for usage in ", ".join(line.strip() for line in shown.splitlines()[1:]).split(", "):
        assert "did not understand" not in await ask(usage)
    assert shown == await ask("@andy, hello", direct=False)


async def test_it_says_so_when_it_does_not_understand() -> None:
    assert "did not understand" in await ask("Write me a poem")
