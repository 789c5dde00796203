"""The store's file: waited for when it is locked, copied before its schema changes, and each of
SQLite's refusals with its own remedy.
"""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path

import pytest

from bot import store as module
from bot.database import copy_that_fits, restore
from bot.errors import BotError
from bot.migrations import MIGRATIONS
from bot.store import open_store


def old_store(folder: Path, version: int) -> None:
    folder.mkdir(exist_ok=True)
    with closing(sqlite3.connect(folder / "bot.db")) as db, db:
        db.executescript("".join(MIGRATIONS[:version]))
        db.execute("INSERT INTO outbox (chat, text) VALUES ('memory:me', 'kept')")
        db.execute(f"PRAGMA user_version = {version}")


def bot(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    console_script = str(Path(sys.executable).with_name("bot"))
    return subprocess.run(
        [console_script, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "GRAFTBOT_DATA": "", "ANTHROPIC_API_KEY": ""},
    )


async def test_a_store_that_another_program_holds_is_waited_for(tmp_path: Path) -> None:
    async with open_store(tmp_path):
        pass
    with closing(sqlite3.connect(tmp_path / "bot.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")

        async def opened() -> bool:
            async with open_store(tmp_path) as store:
                return await store.undelivered() == []

        opening = asyncio.create_task(opened())
        await asyncio.sleep(0.5)
        assert not opening.done()
        other.execute("COMMIT")
        assert await asyncio.wait_for(opening, 30)


async def test_each_refusal_of_sqlite_has_its_own_hint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bot.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(BotError) as caught:
        async with open_store(tmp_path):
            pass
    assert "restore a backup" in caught.value.hint
    (tmp_path / "bot.db").unlink()
    async with open_store(tmp_path):
        pass
    monkeypatch.setattr(module, "PATIENCE", 0.0)
    with closing(sqlite3.connect(tmp_path / "bot.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(BotError) as caught:
            async with open_store(tmp_path):
                pass
    assert "close the program that holds it" in caught.value.hint
    assert "backup of the folder" not in caught.value.hint


async def test_a_copy_is_made_before_the_schema_changes_and_none_for_a_new_store(
    tmp_path: Path,
) -> None:
    async with open_store(tmp_path / "new"):
        pass
    assert copy_that_fits(tmp_path / "new") is None
    old_store(tmp_path, 1)
    for _ in range(2):
        async with open_store(tmp_path) as store:
            assert await store.undelivered() == ["memory:me"]
    (copy,) = (tmp_path / "backups").iterdir()
    with closing(sqlite3.connect(copy)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (1,)
        assert db.execute("SELECT text FROM outbox").fetchall() == [("kept",)]


def test_after_a_downgrade_the_bot_says_which_copy_fits_and_restores_it_on_a_word(
    tmp_path: Path,
) -> None:
    old_store(tmp_path / "data", 2)
    assert bot(tmp_path, "run").returncode == 0
    with closing(sqlite3.connect(tmp_path / "data/bot.db")) as db, db:
        db.execute("PRAGMA user_version = 99")
    refused = bot(tmp_path, "run")
    assert refused.returncode == 1
    assert "go back to schema-2-" in refused.stderr
    assert "bot setup --restore" in refused.stderr
    restored = bot(tmp_path, "setup", "--restore")
    assert restored.returncode == 0, restored.stderr
    assert bot(tmp_path, "run").returncode == 0
    (kept,) = [path for path in (tmp_path / "data").glob("bot.db.2*") if path.suffix[1:].isalnum()]
    with closing(sqlite3.connect(kept)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (99,)
    again = bot(tmp_path, "setup", "--restore")
    assert again.returncode == 1
    assert "this bot can read" in again.stderr


@pytest.mark.parametrize("step", ["shutil.copyfile", "pathlib.Path.replace"])
def test_a_restore_that_fails_at_any_step_leaves_a_store_in_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    old_store(tmp_path, 1)
    (tmp_path / "backups").mkdir()
    shutil.copyfile(tmp_path / "bot.db", tmp_path / "backups/schema-1-20261130T120000.db")
    with closing(sqlite3.connect(tmp_path / "bot.db")) as db, db:
        db.execute("PRAGMA user_version = 99")

    def fails(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched, suppress(OSError):
        patched.setattr(step, fails)
        restore(tmp_path)
    with closing(sqlite3.connect(tmp_path / "bot.db")) as db:
        assert db.execute("SELECT text FROM outbox").fetchall() == [("kept",)]


def test_a_damaged_store_is_said_at_the_start_and_a_copy_takes_its_place(tmp_path: Path) -> None:
    assert bot(tmp_path, "run").returncode == 0
    data = tmp_path / "data"
    (data / "backups").mkdir()
    copy = data / f"backups/schema-{len(MIGRATIONS)}-20261130T120000.db"
    shutil.copyfile(data / "bot.db", copy)
    whole = (data / "bot.db").read_bytes()
    (data / "bot.db").write_bytes(whole[:8192] + b"\xa5" * 16384 + whole[24576:])
    for command in ("run", "setup"):
        refused = bot(tmp_path, command)
        assert refused.returncode == 1, command
        assert "is damaged" in refused.stderr
        assert "Traceback" not in refused.stderr
    assert bot(tmp_path, "setup", "--restore").returncode == 0
    assert (data / "bot.db").read_bytes()[8192:24576] == whole[8192:24576]
