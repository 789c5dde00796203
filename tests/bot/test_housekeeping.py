"""What is handled is kept for so many days and so many megabytes; what waits is kept."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from doubles import FunctionAgent, MemoryChannel, message, register

from bot.assistant import Assistant
from bot.housekeeping import Housekeeping
from bot.messages import Message, Turn
from bot.paths import Paths
from bot.rows import stamp
from bot.settings import Settings
from bot.store import Store, open_store
from bot.tools import Host

OLD = datetime.now(UTC) - timedelta(days=400)


async def silent(turn: Turn) -> list[str]:
    return []


def keeper(store: Store, folder: Path, days: int = 365, mb: int = 0) -> Housekeeping:
    assistant = Assistant(store, [MemoryChannel()], FunctionAgent(silent))
    settings = Settings(graftbot_data=folder, keep_days=days, keep_mb=mb)
    return Housekeeping(Host(store, assistant, Paths(folder), settings))


def old_file(path: Path, size: int = 10, days: int = 400) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    moment = datetime.now(UTC).timestamp() - days * 86_400
    os.utime(path, (moment, moment))
    return path


async def test_what_is_old_and_handled_goes_and_what_waits_stays(tmp_path: Path) -> None:
    async with open_store(tmp_path) as store:
        await register(store, "memory:a", "memory:b")
        for chat in ("memory:a", "memory:b"):
            old = Message(chat, "1", "Ada", "long ago", OLD)
            await store.take_in(old, asks=True)
        turn = await store.turn("memory:a")
        assert turn
        await store.answered(turn, ["sent", "waits"])
        await store.write(
            ("UPDATE outbox SET settled_at = ? WHERE text = 'sent'", (stamp(OLD),)),
            ("INSERT INTO usage VALUES ('main', '2020-01-01', 1, 1, 1)", ()),
        )
        await store.take_in(message("today", "memory:a"), asks=False)
        await keeper(store, tmp_path, days=0).clean()
        assert len(await store.read("SELECT 1 FROM inbox")) == 3, "0 is for ever"
        await keeper(store, tmp_path).clean()
        assert await store.read("SELECT chat, text FROM inbox ORDER BY seq") == [
            ("memory:b", "long ago"),
            ("memory:a", "today"),
        ]
        assert await store.read("SELECT text FROM outbox") == [("waits",)]
        assert await store.read("SELECT day FROM usage") == []


async def test_a_store_that_is_too_large_gives_up_its_oldest(tmp_path: Path) -> None:
    async with open_store(tmp_path) as store:
        await register(store, "memory:a")
        for day in range(300, 0, -1):
            sent = datetime.now(UTC) - timedelta(days=day)
            text = f"{day} " + "x" * 10_000
            await store.take_in(Message("memory:a", str(day), "Ada", text, sent), asks=False)
        before = (tmp_path / "bot.db").stat().st_size + (tmp_path / "bot.db-wal").stat().st_size
        await keeper(store, tmp_path, mb=1).clean()
        ((left,),) = await store.read("SELECT count(*) FROM inbox")
        assert 30 < left < 110
        await store.read("PRAGMA wal_checkpoint(TRUNCATE)")
        assert (tmp_path / "bot.db").stat().st_size < min(before, 2 << 20)


async def test_transcripts_and_conversations_have_an_age_and_a_size_but_for_the_one_in_use(
    tmp_path: Path,
) -> None:
    async with open_store(tmp_path) as store:
        await register(store, "memory:a")
        await store.remember("main", "in-use")
        projects = tmp_path / "sessions/main/projects/-workspace-group"
        used = old_file(projects / "in-use.jsonl")
        remembered = old_file(projects / "memory/MEMORY.md")
        gone = old_file(projects / "forgotten.jsonl")
        settings = old_file(tmp_path / "sessions/main/settings.json")
        memory = old_file(tmp_path / "groups/main/CLAUDE.md")
        conversation = old_file(tmp_path / "groups/main/conversations/2020.md")
        outside = old_file(tmp_path / "outside/kept.jsonl")
        (projects / "link").symlink_to(outside.parent)
        (projects / "link.jsonl").symlink_to(outside)
        large = [old_file(projects / f"{n}.jsonl", 400_000, 10 - n) for n in range(5)]
        await keeper(store, tmp_path, mb=1).clean()
        there = [used, settings, memory, remembered, outside, *large[-2:]]
        assert all(path.exists() for path in there)
        assert not any(path.exists() for path in (gone, conversation, *large[:-2]))
        assert await store.session("main") == "in-use"
        used = old_file(used, 2 << 20)  # it has grown for months
        await keeper(store, tmp_path, mb=1).clean()
        assert used.exists()
        assert await store.session("main") is None
        await keeper(store, tmp_path, mb=1).clean()
        assert not used.exists()
        assert remembered.exists()
