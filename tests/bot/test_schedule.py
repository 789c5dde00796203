"""When a task is due: by cron, at an interval or once, by the clock on the wall of a zone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.errors import BotError
from bot.schedule import Schedule

BERLIN = "Europe/Berlin"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "now", "following"),
    [
        (
            Schedule("cron", "30 2 * * *", BERLIN),
            "2026-03-28T12:00",
            ["2026-03-29T01:00", "2026-03-30T00:30"],
        ),
        (
            Schedule("cron", "30 2 * * *", BERLIN),
            "2026-10-24T12:00",
            ["2026-10-25T00:30", "2026-10-26T01:30"],
        ),
        (
            Schedule("cron", "0 * * * *", BERLIN),
            "2026-10-24T23:30",
            ["2026-10-25T00:00", "2026-10-25T01:00"],
        ),
        (
            Schedule("cron", "0 9 * * 1", "America/New_York"),
            "2026-11-24T00:00",
            ["2026-11-30T14:00"],
        ),
        (  # 2:00 is 1:30 again: the second 1:40 is half an hour after the first
            Schedule("cron", "*/20 * * * *", "Australia/Lord_Howe"),
            "2026-04-04T14:30",
            ["2026-04-04T14:40", "2026-04-04T15:10", "2026-04-04T15:30"],
        ),
        (
            Schedule("cron", "40 1 * * *", "Australia/Lord_Howe"),
            "2026-04-04T14:30",
            ["2026-04-04T14:40", "2026-04-05T15:10"],
        ),
        (
            Schedule("cron", "0 */2 * * *", "Australia/Lord_Howe"),  # 2:00 is skipped
            "2026-10-03T14:30",
            ["2026-10-03T15:30", "2026-10-03T17:00"],
        ),
        (Schedule("once", "2026-12-24T18:00", BERLIN), "2026-11-24T00:00", ["2026-12-24T17:00"]),
        (
            Schedule("interval", "90", "UTC"),
            "2026-11-24T00:00",
            ["2026-11-24T00:01:30", "2026-11-24T00:03"],
        ),
    ],
)
def test_a_schedule_follows_the_clock_on_the_wall(
    schedule: Schedule, now: str, following: list[str]
) -> None:
    moment = schedule.check(utc(now))
    runs = [moment]
    while len(runs) < len(following) and (after := schedule.following(runs[-1], runs[-1])):
        runs.append(after)
    assert runs == [utc(run) for run in following]


def test_what_was_missed_runs_once_and_an_interval_does_not_drift() -> None:
    every = Schedule("interval", "60", "UTC")
    assert every.following(utc("2026-01-01T00:00"), utc("2026-01-01T05:00:30")) == utc(
        "2026-01-01T05:01"
    )
    assert (
        Schedule("once", "2026-01-01T00:00", "UTC").following(
            utc("2026-01-01T00:00"), utc("2026-01-02")
        )
        is None
    )


@pytest.mark.parametrize(
    ("kind", "value", "zone"),
    [
        ("cron", "61 * * * *", "UTC"),
        ("cron", "* * * * * *", "UTC"),
        ("cron", "0 0 31 2 *", "UTC"),
        ("cron", "R R * * *", "UTC"),
        ("cron", "R(0-10) 9 * * *", "UTC"),
        ("cron", "0 h * * *", "UTC"),
        ("interval", "1", "UTC"),
        ("interval", "nan", "UTC"),
        ("interval", "inf", "UTC"),
        ("interval", "often", "UTC"),
        ("once", "2020-01-01", "UTC"),
        ("once", "soon", "UTC"),
        ("yearly", "1", "UTC"),
        ("cron", "* * * * *", "Mars/Olympus"),
        ("cron", "* * * * *", "../../etc/passwd"),
    ],
)
def test_what_is_no_schedule_is_refused_with_a_reason(kind: str, value: str, zone: str) -> None:
    with pytest.raises(BotError):
        Schedule(kind, value, zone).check(utc("2026-11-24T00:00"))


@pytest.mark.parametrize("value", ["0 9 * * mon-FRI", "*/5 8-18 * jan,feb 1#2", "0 9 L * ?"])
def test_what_cron_knows_is_taken(value: str) -> None:
    now = utc("2026-11-24T00:00")
    assert Schedule("cron", value, "UTC").check(now) == Schedule("cron", value, "UTC").check(now)
