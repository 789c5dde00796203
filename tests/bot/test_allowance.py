"""Bounds let through what they say, and no more, over any time."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.bounds import HOUR, Allowance, Seldom


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@settings(deadline=None)
@given(
    rate=st.floats(0.1, 100),
    burst=st.integers(1, 100),
    steps=st.lists(st.tuples(st.floats(0, 10), st.integers(1, 20)), max_size=60),
)
def test_no_more_is_let_through_than_the_burst_and_what_time_brings(
    rate: float, burst: int, steps: list[tuple[float, int]]
) -> None:
    clock = Clock()
    allowed = Allowance(rate, burst, clock)
    taken = 0
    for pause, amount in steps:
        clock.now += pause
        taken += amount if allowed.take("ada", amount) else 0
        assert taken <= burst + (clock.now - 1_000) * rate + 1e-6
        assert allowed.take("other", 0), "of one another it knows nothing"


def test_an_hour_s_allowance_may_come_at_once_and_comes_back_with_the_hour() -> None:
    clock = Clock()
    allowed = Allowance(1_000 / HOUR, 1_000)
    allowed.clock = clock
    assert allowed.take("ada", 1_000)
    assert not allowed.take("ada", 1)
    clock.now += 1_800
    assert not allowed.take("ada", 501)
    assert allowed.take("ada", 499)


def test_one_a_minute_is_told_and_says_how_many_it_stands_for() -> None:
    clock = Clock()
    seldom = Seldom(60, clock)
    told = []
    for _ in range(1_000):
        clock.now += 0.125
        told.append(seldom.count("ada"))
    assert [count for count in told if count] == [1, 480, 480]
    assert seldom.count("bob") == 1
