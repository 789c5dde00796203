"""Arithmetic: exact, bounded, and nothing but arithmetic."""

from __future__ import annotations

import pytest
from doubles import message

from bot.abilities import ABILITIES
from bot.abilities.calculator import calculator
from bot.agents import OfflineAgent
from bot.messages import Turn
from bot.settings import Settings


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


async def test_the_agent_knows_it_beside_the_others_and_its_help_is_true() -> None:
    asked = tuple(message(text) for text in ("6 * 7", "help"))
    answer, shown = await OfflineAgent(Settings()).answer(Turn("memory:me", asked, asked, 1))
    assert answer == "42"
    assert all(str(ability.__doc__) in shown for ability in ABILITIES)
    assert await calculator(str(calculator.__doc__), Settings()) == "14"
