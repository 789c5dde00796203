"""`bot status` and `bot logs`: what a bot is about, read from beside it without disturbing it."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

from bot.errors import BotError
from bot.groups import Places
from bot.owner import running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.settings import Settings

__all__ = ["REPORT", "log_lines", "report"]

REPORT = {
    "groups": "SELECT folder, chat, name, json_extract(rest, '$.trigger') AS trigger FROM groups ORDER BY folder",
    "waiting for an answer": """
        SELECT chat, count(*) AS messages, min(sent_at) AS since FROM inbox WHERE asks
        AND seq > COALESCE((SELECT handled FROM chats WHERE chats.chat = inbox.chat), 0) GROUP BY chat
    """,
    "waiting for delivery": "SELECT chat, count(*) AS pieces FROM outbox WHERE settled_at IS NULL GROUP BY chat",
    "next tasks": """
        SELECT id, folder, kind || ' ' || value AS schedule, zone, iif(claimed_at IS NULL, status, 'running') AS status,
        next_run FROM tasks WHERE status IN ('active', 'paused') ORDER BY next_run LIMIT 10
    """,
    "last errors": """
        SELECT chat AS place, error, NULL AS at FROM chats WHERE error IS NOT NULL
        UNION ALL SELECT * FROM
        (SELECT task, error, ended_at FROM runs WHERE error IS NOT NULL ORDER BY id DESC LIMIT 5)
        UNION ALL SELECT * FROM
        (SELECT chat, error, settled_at FROM outbox WHERE error IS NOT NULL ORDER BY seq DESC LIMIT 5)
    """,
    "usage of 30 days": """
        SELECT folder, sum(requests) AS requests, sum(input) AS input, sum(output) AS output FROM usage
        WHERE day > date('now', '-30 days') GROUP BY folder
    """,
}
"""What is shown, and the query that finds it."""


def report(settings: Settings) -> dict[str, Any]:
    """By heading: whether the bot runs, and a list of rows (a dict each) for each of REPORT."""
    path = settings.graftbot_data / "bot.db"
    if not path.exists():
        raise BotError(
            f"there is no store in {settings.graftbot_data}", hint="`bot run` makes one; --data names another"
        )
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
        db.row_factory = sqlite3.Row
        try:
            rows = {name: [dict(row) for row in db.execute(query)] for name, query in REPORT.items()}
        except sqlite3.Error as error:
            raise BotError(f"{path} cannot be read: {error}", hint="`bot doctor` looks at it") from None
    return {"running": running(settings), **rows}


def log_lines(settings: Settings, count: int, follow: bool) -> Iterator[str]:
    """The last lines of the log, for people; then what is added, until interrupted."""
    path = Places(settings.graftbot_data).logs() / "bot.log"
    if not path.exists():
        raise BotError(f"there is no log at {path}", hint="`bot run` writes one")
    with path.open(encoding="utf-8", errors="replace") as file:
        yield from (_plain(line) for line in file.readlines()[-count:])
        while follow:
            if line := file.readline():
                yield _plain(line)
            elif path.stat().st_ino == os.fstat(file.fileno()).st_ino and path.stat().st_size >= file.tell():
                time.sleep(0.2)
            else:  # it was rotated: the rest is in a new file
                yield from log_lines(settings, 1_000_000, follow)


def _plain(line: str) -> str:
    try:
        values = json.loads(line)
    except ValueError:
        return line.rstrip()
    first = " ".join(str(values.pop(key, "")) for key in ("timestamp", "level", "event"))
    return " ".join([first, *(f"{key}={value}" for key, value in values.items())])
