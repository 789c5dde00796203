"""What an agent reads: escaped, with times and their zone, and bounded."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot import prompt
from bot.messages import Message

BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=40)


def said(text: str, sender: str = "Ada", quoted: str = "", by: str = "") -> Message:
    return Message("memory:me", text, sender, text, NOON, True, "1", quoted, by)


def test_times_have_a_zone_and_a_reply_carries_what_it_quotes() -> None:
    assert prompt.conversation(
        [said("yes <3", quoted="Lunch & tea?", by='Bob "B"')], 0, BERLIN
    ) == (
        '<messages timezone="Europe/Berlin">\n'
        '<message sender="Ada" time="2026-07-01 14:00+02:00"><quoted sender="Bob &quot;B&quot;">Lunch &amp; tea?</quoted>\n'
        "yes &lt;3</message>\n</messages>"
    )


@settings(deadline=None)
@given(text=WORDS, sender=WORDS, quoted=WORDS)
def test_nothing_that_is_written_can_pass_for_another_message(
    text: str, sender: str, quoted: str
) -> None:
    page = prompt.conversation([said(text, sender, quoted, sender)], 0, BERLIN)
    root = ElementTree.fromstring(page)  # noqa: S314
    (message,) = root
    assert message.get("sender") == sender
    assert "".join(message.itertext()) in {text, f"{quoted}\n{text}"}


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago", "Europe/Berlin"])
@pytest.mark.parametrize("sent_at", [datetime.min, datetime.max])
def test_a_message_of_any_time_can_be_shown(sent_at: datetime, zone: str) -> None:
    """Messengers let the sender, or a server of the sender's, say when it was."""
    one = replace(said("hello"), sent_at=sent_at.replace(tzinfo=UTC))
    assert "hello" in prompt.conversation([one], 0, ZoneInfo(zone))


def test_history_is_bounded_newest_first_and_says_what_is_left_out() -> None:
    messages = [said(f"{n} " + "x" * 5_000) for n in range(100)]
    root = ElementTree.fromstring(prompt.conversation(messages, 7, BERLIN))  # noqa: S314
    shown = [(message.text or "").split()[0] for message in root]
    assert shown == [str(n) for n in range(100 - len(shown), 100)]
    assert root.get("omitted") == str(7 + 100 - len(shown))
    assert len(prompt.conversation(messages, 0, BERLIN)) < prompt.MOST + 1_000
    alone = prompt.conversation([said("x" * 1_000_000)], 0, BERLIN)
    assert "[992000 more characters]" in alone
