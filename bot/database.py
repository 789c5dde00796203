"""The store's file: its schema, a verified copy before each change of it, and what to do when
SQLite refuses.
"""

import os
import re
import shutil
import sqlite3
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

import aiosqlite
from filelock import FileLock, Timeout

from bot.errors import NO_ROOM, OF_THE_SYSTEM, BotError, Running
from bot.migrations import MIGRATIONS
from bot.paths import GROUPS, Paths

LOCKED = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
ANEW = "restore a backup of the folder, or move it away to begin anew"
HINTS = {
    **dict.fromkeys(
        LOCKED, "close the program that holds it: a backup, say, or a browser of SQLite"
    ),
    **dict.fromkeys(
        (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN),
        "see that you may read and write the file, and its folder",
    ),
    sqlite3.SQLITE_FULL: NO_ROOM,
    sqlite3.SQLITE_IOERR: "look after the disk: it does not do what it should",
    **dict.fromkeys((sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB), ANEW),
}
GO_BACK = (
    "go back to {copy}, the newest copy: bot setup --restore; or restore a backup of the folder"
)
LITTLE = 1 << 20
"""Bytes, with fewer of which a disk is full."""
SOUND = "PRAGMA quick_check(1)"
COPIES = 3
COPY = re.compile(r"schema-(\d{1,6})-\w+\.db")


def code(error: sqlite3.Error) -> int:
    """SQLite's own number of an error, without what it adds; 0 if it has none."""
    return int(getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF


def hint_for(error: sqlite3.Error, folder: Path) -> str:
    """What to do about it. SQLite calls it a fault of the disk where the room that it shares with
    other programs cannot be had on a full one.
    """
    if code(error) in {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN}:
        with suppress(OSError):
            found = os.statvfs(folder)
            if found.f_bavail * found.f_frsize < LITTLE or (found.f_files and not found.f_favail):
                return NO_ROOM
    return HINTS.get(code(error), "")


def unusable(folder: Path, error: sqlite3.Error | OSError) -> BotError:
    """What is told to the owner of a store that cannot be opened."""
    if isinstance(error, OSError):
        usual = "make it a folder that you may write to, or name another with --data"
        hint = OF_THE_SYSTEM.get(error.errno or 0, usual)
        return BotError(f"{folder} cannot hold the store: {error}", hint=hint)
    hint = hint_for(error, folder) or ANEW
    if hint == ANEW:
        hint = way_back(folder)
    return BotError(f"{folder / 'bot.db'} cannot be used: {error}", hint=hint)


def locked_by(folder: Path) -> FileLock:
    """The lock of the store in `folder`, taken. Raises Running if another process has it, BotError
    if the folder cannot hold a store.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return FileLock(folder / "bot.lock").acquire(timeout=0).lock
    except Timeout:
        hint = "stop it first, or give this one a folder of its own with --data"
        raise Running(f"another bot is running on {folder}", hint=hint) from None
    except OSError as error:
        raise unusable(folder, error) from None


def look_at(folder: Path) -> None:
    """Raises BotError where the store cannot be opened, or a new one would be begun unasked."""
    if not size(folder / "bot.db"):
        refuse_to_begin_anew(folder)
    try:
        sqlite3.connect(folder / "bot.db").close()
    except sqlite3.Error as error:
        raise unusable(folder, error) from error


def refuse_to_begin_anew(folder: Path) -> None:
    """Raises BotError where a store was here, by what is left of it; a log of SQLite's would be
    removed by a new one. Files of groups alone an owner may have written before the first start.
    """
    store, log = folder / "bot.db", folder / "bot.db-wal"
    left = sorted({path.partition("/")[0] for path, _ in Paths(folder).kept()})
    left += ["backups"] if copy_that_fits(folder) else []
    left += [log.name] if size(log) and not size(store) else []
    if left and (store.exists() or left != [GROUPS]):
        what = "is empty" if store.exists() else "is missing"
        why = f"{store} {what}, and what belongs to it is there: {', '.join(left)}"
        raise BotError(why, hint=way_back(folder))


def size(file: Path) -> int:
    """Bytes; 0 if it is not there."""
    with suppress(FileNotFoundError, NotADirectoryError):
        return file.stat().st_size
    return 0


def way_back(folder: Path) -> str:
    """What to do about a store that cannot be used."""
    copy = copy_that_fits(folder)
    return GO_BACK.format(copy=copy.name) if copy else ANEW


async def migrate(db: aiosqlite.Connection, folder: Path) -> None:
    """Bring the schema to its newest version, a transaction a step; a store that holds something is
    copied first. Raises BotError if a newer bot has been at work, with the copy that fits, and
    sqlite3.Error if the file is damaged: who works on with it loses more.
    """
    ((pages,),) = await db.execute_fetchall("PRAGMA page_count")
    ((found,),) = await db.execute_fetchall(SOUND)
    if found != "ok":
        raise sqlite3.DatabaseError(f"it is damaged: {' '.join(found.split())}")
    await db.execute("PRAGMA journal_mode = WAL")
    await db.execute("PRAGMA synchronous = FULL")  # what is stored survives a power cut too
    ((version,),) = await db.execute_fetchall("PRAGMA user_version")
    if version > len(MIGRATIONS):
        why = f"its schema is {version}, and this bot knows {len(MIGRATIONS)}"
        hint = f"update this bot, or {way_back(folder)}"
        raise BotError(f"bot.db was written by a newer bot: {why}", hint=hint)
    if version == 0 and pages:
        refuse_to_begin_anew(folder)
    elif 0 < version < len(MIGRATIONS):
        await _copy(db, folder, version)
    for number, step in enumerate(MIGRATIONS[version:], version + 1):
        await db.executescript(f"BEGIN IMMEDIATE; {step} PRAGMA user_version = {number}; COMMIT")


async def _copy(db: aiosqlite.Connection, folder: Path, version: int) -> None:
    """A copy of the store as it is, which has its name once it has been read again."""
    copies = folder / "backups"
    copies.mkdir(mode=0o700, exist_ok=True)
    draft = copies / "draft"
    draft.unlink(missing_ok=True)
    await db.execute("VACUUM INTO ?", (str(draft),))
    with closing(sqlite3.connect(draft)) as copy:
        if copy.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
            hint = "look after the disk, and start again"
            raise BotError(f"{draft} is no good copy of the store", hint=hint)
    draft.rename(copies / f"schema-{version}-{datetime.now(UTC):%Y%m%dT%H%M%S}.db")
    for old in sorted(copies.glob("schema-*.db"), key=lambda path: path.stat().st_mtime)[:-COPIES]:
        old.unlink()


def copy_that_fits(folder: Path) -> Path | None:
    """The newest copy that this bot can read."""
    fitting = [
        path
        for path in (folder / "backups").glob("schema-*.db")
        if (found := COPY.fullmatch(path.name)) and int(found[1]) <= len(MIGRATIONS)
    ]
    return max(fitting, key=lambda path: path.stat().st_mtime, default=None)


def restore(folder: Path) -> tuple[Path, Path]:
    """Put the copy that fits into the store's place; the copy, and where the store of now is kept,
    if one was there. Raises BotError without a copy or a need of one, Running if a bot is at work.

    At each moment one of the two is in that place: where none is, a new one would be begun.
    """
    with locked_by(folder):
        store, draft = folder / "bot.db", folder / "bot.db.draft"
        if (copy := copy_that_fits(folder)) is None:
            raise BotError(f"there is no copy in {folder / 'backups'} that this bot can read")
        if store.exists() and _readable(store):
            hint = f"start it: bot run; if you want {copy.name} all the same, move bot.db away"
            raise BotError(f"this bot can read {store}, which is newer than the copy", hint=hint)
        shutil.copyfile(copy, draft)
        kept = folder / f"bot.db.{datetime.now(UTC):%Y%m%dT%H%M%S}"
        for end in ("-wal", "-shm"):
            if (part := folder / f"bot.db{end}").exists():
                part.rename(f"{kept}{end}")
        if store.exists():
            shutil.copyfile(store, kept)
        draft.replace(store)
    return copy, kept


def _readable(store: Path) -> bool:
    """Whether this bot can go on with a store. What a kill has left beside it is brought in."""
    if not size(store):
        return False
    with suppress(sqlite3.Error), closing(sqlite3.connect(store)) as db:
        ((version,),) = db.execute("PRAGMA user_version")
        return 0 < version <= len(MIGRATIONS) and db.execute(SOUND).fetchall() == [("ok",)]
    return False
