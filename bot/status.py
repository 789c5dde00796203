"""`bot status` and `bot logs`: what a bot is about, read from beside it without disturbing it."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

from bot.errors import BotError
from bot.groups import Places
from bot.migrations import statements
from bot.owner import running
from bot.settings import Settings

REPORTS = ("report.sql",)
"""Files of `bot/schema/` that say what is shown, and the query that finds it."""


def report(settings: Settings) -> dict[str, Any]:
    """By heading: whether the bot runs, and a list of rows (a dict each) for each query of REPORTS."""
    path = settings.graftbot_data / "bot.db"
    if not path.exists():
        raise BotError(
            f"there is no store in {settings.graftbot_data}", hint="`bot run` makes one; --data names another"
        )
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
        db.row_factory = sqlite3.Row
        try:
            queries = {name: query for file in REPORTS for name, query in statements(file).items()}
            rows = {name: [dict(row) for row in db.execute(query)] for name, query in queries.items()}
        except sqlite3.Error as error:
            raise BotError(f"{path} cannot be read: {error}", hint="`bot run` brings it up to date") from None
    return {"running": running(settings), **rows}


def log_lines(settings: Settings, count: int) -> Iterator[str]:
    """The last lines of the log, for people."""
    path = Places(settings.graftbot_data).logs() / "bot.log"
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
