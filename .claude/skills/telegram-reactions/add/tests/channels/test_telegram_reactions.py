"""Reactions: eyes for what was taken in, thumbs up for what is answered, and nothing fails for
them.
"""

from __future__ import annotations

import json
from pathlib import Path

from fake_telegram import FakeTelegram, fake_telegram
from test_telegram import running


def reactions(fake: FakeTelegram) -> list[tuple[str, str]]:
    calls = fake.of("setMessageReaction")
    return [(call["message_id"], json.loads(call["reaction"])[0]["emoji"]) for call in calls]


async def test_what_asks_gets_eyes_and_then_thumbs_up(tmp_path: Path) -> None:
    async with fake_telegram() as fake, running(fake, tmp_path):
        first = await fake.write("hello")
        await fake.called("setMessageReaction", 2)
        await fake.write("lunch?", chat=-100, kind="group")
        second = await fake.write("@andy where?", chat=-100, kind="group")
        await fake.called("setMessageReaction", 4)
    shown = reactions(fake)
    assert set(shown) == {
        (str(message), emoji) for message in (first, second) for emoji in ("👀", "👍")
    }


async def test_a_refused_reaction_costs_nothing(tmp_path: Path) -> None:
    async with fake_telegram() as fake, running(fake, tmp_path):
        fake.refusals["setMessageReaction"] = [
            (400, "REACTION_INVALID", {}),
            (429, "Too Many", {"retry_after": 60}),
        ]
        await fake.write("hello")
        await fake.called("setMessageReaction", 2)
        await fake.write("again")
        sent = await fake.called("sendMessage", 2)
    assert [call["text"] for call in sent] == ["re: hello", "re: again"]
