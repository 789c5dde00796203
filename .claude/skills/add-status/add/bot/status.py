"""`bot status` and `bot logs`: what a bot is about, read from beside it without disturbing it."""

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from filelock import FileLock, Timeout

from bot.errors import BotError
from bot.migrations import statements
from bot.paths import Paths
from bot.settings import Settings

KEPT = ("bot.db", "backups", "logs")
REPORT = statements("report.sql")
"""What is shown, and the query that finds it."""


def running(settings: Settings) -> bool:
    """Whether a bot is at work on this store."""
    if not (lock := settings.graftbot_data / "bot.lock").exists():
        return False
    try:
        with FileLock(lock, timeout=0):
            return False
    except Timeout:
        return True


def report(settings: Settings) -> dict[str, Any]:
    """By heading: whether the bot runs, and a list of rows (a dict each) for each of REPORT whose
    tables are there.
    """
    path = settings.graftbot_data / "bot.db"
    if not path.exists():
        raise BotError(
            f"there is no store in {settings.graftbot_data}",
            hint="`bot run` makes one; --data names another",
        )
    found: dict[str, Any] = {"running": running(settings)}
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
        db.row_factory = sqlite3.Row
        for name, query in REPORT.items():
            try:
                found[name] = [dict(row) for row in db.execute(query)]
            except sqlite3.Error as error:
                if not str(error).startswith(
                    "no such table"
                ):  # of a skill that this fork does not have
                    hint = "restore a backup of the folder, or move it away to begin anew"
                    raise BotError(f"{path} cannot be read: {error}", hint=hint) from None
    found["on the disk"] = [asdict(room) for room in _rooms(settings)]
    found["kept for"] = [{"days": settings.keep_days or "ever", "MB": settings.keep_mb or "all"}]
    return found


@dataclass
class Room:
    """What of the data directory is how large, and how old the oldest file in it."""

    what: str
    bytes: int = 0
    oldest: str = ""

    def add(self, kinds: Iterable[os.stat_result]) -> None:
        for kind in kinds:
            self.bytes += 512 * kind.st_blocks
            day = datetime.fromtimestamp(kind.st_mtime, UTC).date().isoformat()
            self.oldest = min(self.oldest or day, day)


def _rooms(settings: Settings) -> Iterable[Room]:
    rooms = {name: Room(name) for name in KEPT}
    for name in KEPT:
        own = settings.graftbot_data / name
        rooms[name].add(file.stat() for file in [own, *own.rglob("*")] if file.is_file())
    for name, tree in Paths(settings.graftbot_data).kept():
        with suppress(OSError), tree.open() as folder:
            what = name.partition("/")[0]
            rooms.setdefault(what, Room(what)).add(folder.kinds())
    return rooms.values()


def lines(found: dict[str, Any], *, as_json: bool) -> Iterator[str]:
    """A report as one JSON document, or for people."""
    if as_json:
        yield json.dumps(found)
        return
    yield "running" if found.pop("running") else "not running"
    for heading, rows in found.items():
        yield f"{heading}:" if rows else f"{heading}: none"
        for row in rows:
            yield "  " + "  ".join(str(value) for value in row.values() if value not in {None, ""})


def log_lines(settings: Settings, count: int) -> Iterator[str]:
    """The last lines of the log, for people."""
    path = Paths(settings.graftbot_data).logs() / "bot.log"
    if not path.exists():
        raise BotError(f"there is no log at {path}", hint="`bot run` writes one")
    yield from map(_plain, path.read_text("utf-8", "replace").splitlines()[-count:])


def _plain(line: str) -> str:
    try:
        values = json.loads(line)
    except ValueError:
        return line.rstrip()
    first = " ".join(str(values.pop(key, "")) for key in ("timestamp", "level", "event"))
    return " ".join([first, *(f"{key}={value}" for key, value in values.items())])
