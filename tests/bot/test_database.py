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
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest

from bot import store as module
from bot.database import copy_that_fits, restore, unusable
from bot.errors import BotError, Misconfigured
from bot.groups import Group
from bot.log import set_up
from bot.migrations import MIGRATIONS
from bot.paths import Paths
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


def copied(data: Path) -> None:
    (data / "backups").mkdir()
    with closing(sqlite3.connect(data / "bot.db")) as db:
        target = data / f"backups/schema-{len(MIGRATIONS)}-20261130T120000.db"
        db.execute("VACUUM INTO ?", (str(target),))


def page() -> bytes:
    """A store in which nothing is, as it lies there where only its log had something."""
    with closing(sqlite3.connect(":memory:")) as db:
        db.executescript("CREATE TABLE t (x); DROP TABLE t")
        return db.serialize()


FRESH: dict[str, tuple[str, ...]] = {
    "a folder with a log": ("logs",),
    "empty rooms": ("groups", "sessions", "ipc", "backups"),
    "what the owner wrote before": ("groups/main", "groups/global"),
}
LEFT = {
    "groups, sessions": lambda data: Paths(data).prepare(Group("main", "memory:me", "Main")),
    "sessions": lambda data: (data / "sessions/main").mkdir(parents=True),
    "backups": copied,
}
LOST: dict[str, Callable[[Path], object]] = {
    "is missing": lambda data: (data / "bot.db").unlink(),
    "is empty": lambda data: os.truncate(data / "bot.db", 0),
    "is empty, of a page": lambda data: (data / "bot.db").write_bytes(page()),
}


@pytest.mark.parametrize("case", FRESH)
async def test_where_no_store_was_one_is_begun(tmp_path: Path, case: str) -> None:
    for room in FRESH[case]:
        (tmp_path / room).mkdir(parents=True)
    async with open_store(tmp_path):
        pass


@pytest.mark.parametrize("left", LEFT)
@pytest.mark.parametrize("lost", LOST)
async def test_where_a_store_was_none_is_begun_without_a_word(
    tmp_path: Path, left: str, lost: str
) -> None:
    async with open_store(tmp_path) as store:
        await store.send("memory:me", "kept")
    LEFT[left](tmp_path)
    LOST[lost](tmp_path)
    with pytest.raises(BotError) as caught:
        async with open_store(tmp_path):
            pass
    assert f"bot.db {lost.partition(',')[0]}, and what belongs to it is there: {left}" in str(
        caught.value
    )
    if left != "backups":
        assert "restore a backup of the folder, or move it away" in caught.value.hint
        return
    assert "go back to schema-" in caught.value.hint
    assert "bot setup --restore" in caught.value.hint
    restore(tmp_path)
    async with open_store(tmp_path) as store:
        assert await store.undelivered() == ["memory:me"]


async def test_an_empty_store_beside_groups_alone_is_no_new_one(tmp_path: Path) -> None:
    (tmp_path / "groups/main").mkdir(parents=True)
    (tmp_path / "bot.db").touch()
    with pytest.raises(BotError, match=r"bot.db is empty, .* is there: groups"):
        async with open_store(tmp_path):
            pass


async def test_a_log_of_sqlite_s_alone_is_not_removed(tmp_path: Path) -> None:
    (tmp_path / "bot.db-wal").write_bytes(b"what was written last")
    for _ in range(2):
        with pytest.raises(BotError, match=r"bot.db is missing, .* is there: bot.db-wal"):
            async with open_store(tmp_path):
                pass
    with pytest.raises(BotError, match="no copy"):
        restore(tmp_path)
    assert (tmp_path / "bot.db-wal").read_bytes() == b"what was written last"


async def test_a_first_start_that_was_killed_is_begun_again(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "bot.db")) as db:
        db.execute("PRAGMA journal_mode = WAL")
    async with open_store(tmp_path):
        pass


@pytest.mark.parametrize(
    ("number", "free", "hint"),
    [
        (sqlite3.SQLITE_IOERR | 19 << 8, (0, 9), "make room"),  # the shared memory of WAL
        (sqlite3.SQLITE_CANTOPEN, (9, 0), "make room"),  # no further file
        (sqlite3.SQLITE_IOERR, (9, 9), "look after the disk"),
        (sqlite3.SQLITE_CANTOPEN, (9, 9), "read and write the file"),
        (sqlite3.SQLITE_FULL, (9, 9), "make room"),
        (sqlite3.SQLITE_CORRUPT, (0, 0), "restore a backup"),
    ],
)
def test_a_disk_that_is_full_is_called_full(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    free: tuple[int, int],
    hint: str,
) -> None:
    blocks, files = free
    found = os.statvfs_result((1 << 20, 1 << 20, 9, blocks, blocks, 9, files, files, 0, 255))
    monkeypatch.setattr(os, "statvfs", lambda path: found)
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = number
    assert hint in unusable(tmp_path, error).hint


@pytest.mark.parametrize(
    ("number", "hint"),
    [
        (errno.ENOSPC, "make room"),
        (errno.EMFILE, "ulimit -n"),
        (errno.EROFS, "can be written"),
        (errno.EACCES, "--data"),
        (None, "--data"),
    ],
)
def test_what_the_system_says_has_its_own_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int | None, hint: str
) -> None:
    error = OSError(number, "why") if number else OSError("why")
    assert hint in unusable(tmp_path, error).hint

    def fails(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(Path, "mkdir", fails)
    with pytest.raises(Misconfigured) as caught:
        set_up("INFO", (), tmp_path / "logs")
    assert hint in caught.value.hint


def test_what_stands_in_the_place_of_the_copies_is_named(tmp_path: Path) -> None:
    old_store(tmp_path / "data", 1)
    (tmp_path / "data/backups").touch()
    refused = bot(tmp_path, "run")
    assert refused.returncode == 1
    assert "cannot hold the store" in refused.stderr
    assert "backups'" in refused.stderr
    assert "make it a folder" in refused.stderr
    (tmp_path / "data/backups").unlink()
    assert bot(tmp_path, "run").returncode == 0
