"""The store: what it holds, in what order, and that each step is whole or did not happen."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from doubles import message

from bot.errors import BotError
from bot.messages import Message
from bot.migrations import MIGRATIONS
from bot.store import MOST_ASKED, MOST_CONTEXT, Store, open_store


@pytest_asyncio.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with open_store(tmp_path) as opened:
        yield opened


async def test_a_message_is_stored_once_however_often_it_is_brought(store: Store) -> None:
    first = message("hi", id_="1")
    assert await store.take_in(first, asks=True)
    assert not await store.take_in(replace(first, text="hi again"), asks=True)
    assert not await store.take_in(message("hi", id_="1"), asks=True)
    assert await store.take_in(message("hi", chat="other:me", id_="1"), asks=True), (
        "identifiers belong to a chat"
    )
    turn = await store.turn("memory:me")
    assert turn is not None
    assert [m.text for m in turn.messages] == ["hi"]


async def test_a_messenger_that_counts_anew_loses_nothing(store: Store) -> None:
    """With another token, say: the time and the text tell what is new."""
    await store.take_in(message("hi", id_="1"), asks=True)
    later = replace(message("yes", id_="1"), sent_at=datetime.now(UTC) + timedelta(days=1))
    assert await store.take_in(later, asks=True)
    assert not await store.take_in(later, asks=True)
    turn = await store.turn("memory:me")
    assert turn is not None
    assert [m.text for m in turn.messages] == ["hi", "yes"]


async def test_a_turn_is_all_since_the_last_one_up_to_the_last_that_asks(store: Store) -> None:
    for text in ("a", "b", "ask 1", "c", "ask 2", "d"):
        await store.take_in(message(text, direct=False), asks=text.startswith("ask"))
    turn = await store.turn("memory:me")
    assert turn is not None
    assert [m.text for m in turn.messages] == ["a", "b", "ask 1", "c", "ask 2"]
    assert [m.text for m in turn.asked] == ["ask 1", "ask 2"]
    await store.answered(turn, ["one", "two"])
    assert await store.turn("memory:me") is None, "d asks nothing"
    await store.take_in(message("ask 3", direct=False), asks=True)
    turn = await store.turn("memory:me")
    assert turn is not None
    assert [m.text for m in turn.messages] == ["d", "ask 3"]


async def test_pieces_are_offered_in_order_until_they_are_settled(store: Store) -> None:
    await store.take_in(message("ask"), asks=True)
    turn = await store.turn("memory:me")
    assert turn is not None
    await store.answered(turn, ["one", "two"])
    assert await store.undelivered() == ["memory:me"]
    first = await store.next_piece("memory:me")
    assert first is not None
    assert first == await store.next_piece("memory:me")
    await store.settled(first[0], "memory:me")
    second = await store.next_piece("memory:me")
    assert second is not None
    assert (first[1], second[1]) == ("one", "two")
    await store.settled(second[0], "memory:me", "the chat is gone")
    assert await store.undelivered() == []


async def test_a_turn_is_bounded_and_says_what_it_leaves_out(store: Store) -> None:
    for n in range(MOST_CONTEXT + 100):
        await store.take_in(message(f"context {n}"), asks=False)
    for n in range(MOST_ASKED + 10):
        await store.take_in(message(f"ask {n}"), asks=True)
    turn = await store.turn("memory:me")
    assert turn is not None
    assert [m.text for m in turn.asked] == [f"ask {n}" for n in range(MOST_ASKED)]
    assert len(turn.messages) == MOST_CONTEXT
    assert turn.omitted == 100 + MOST_ASKED
    await store.answered(turn, [])
    turn = await store.turn("memory:me")
    assert turn is not None
    assert [m.text for m in turn.messages] == [
        f"ask {n}" for n in range(MOST_ASKED, MOST_ASKED + 10)
    ]
    assert turn.omitted == 0


async def test_a_late_message_and_one_of_the_same_second_are_part_of_the_next_turn(
    store: Store,
) -> None:
    now = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
    for id_, sent_at in (("1", now), ("2", now), ("3", now - timedelta(hours=1))):
        assert await store.take_in(Message("memory:me", id_, "Ada", id_, sent_at), asks=True)
        turn = await store.turn("memory:me")
        assert turn is not None
        assert [m.text for m in turn.messages] == [id_]
        await store.answered(turn, [id_])


async def test_a_store_of_the_first_version_is_brought_up_to_date(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "bot.db")) as db:
        db.executescript(MIGRATIONS[0])
        db.execute(
            "INSERT INTO inbox VALUES (1, 'memory:me', 'a', 'Ada', 'hi', '2026-11-01T10:00:00+00:00', 1, 1)"
        )
        db.execute("PRAGMA user_version = 1")
        db.commit()
    async with open_store(tmp_path) as store:
        turn = await store.turn("memory:me")
        assert turn is not None
        assert [m.text for m in turn.messages] == ["hi"]


async def test_a_reply_and_its_mark_are_stored_together_or_not_at_all(store: Store) -> None:
    await store.take_in(message("ask"), asks=True)
    turn = await store.turn("memory:me")
    assert turn is not None
    with pytest.raises(sqlite3.Error):
        await store.answered(turn, ["fine", b"not text"])  # type: ignore[list-item]  # what STRICT refuses
    assert await store.turn("memory:me") == turn
    assert await store.undelivered() == []
    await store.answered(turn, ["fine"])


async def test_a_write_ends_whole_when_its_caller_is_cancelled(store: Store) -> None:
    writes = [asyncio.create_task(store.take_in(message(str(n)), asks=True)) for n in range(50)]
    for count, write in enumerate(writes):
        if count % 2:
            await asyncio.sleep(0)
        write.cancel()
    await asyncio.gather(*writes, return_exceptions=True)
    await store.read("SELECT 1")  # which waits its turn
    assert await store.take_in(message("after"), asks=True), "no transaction was left open"


async def test_a_second_bot_is_refused_and_the_first_lets_go_at_its_end(tmp_path: Path) -> None:
    async with open_store(tmp_path):
        with pytest.raises(BotError, match="another bot is running on"):
            async with open_store(tmp_path):
                raise AssertionError
    async with open_store(tmp_path):
        pass


async def test_a_store_of_a_newer_bot_is_refused(tmp_path: Path) -> None:
    async with open_store(tmp_path):
        pass
    with sqlite3.connect(tmp_path / "bot.db") as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(BotError, match="newer bot"):
        async with open_store(tmp_path):
            raise AssertionError


async def test_a_folder_that_cannot_hold_the_store_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BotError, match="file cannot hold the store"):
        async with open_store(tmp_path / "file"):
            raise AssertionError
    (tmp_path / "bot.db").write_bytes(b"this is no database" * 100)
    with pytest.raises(BotError, match=r"bot\.db cannot be used: file is not a database"):
        async with open_store(tmp_path):
            raise AssertionError
