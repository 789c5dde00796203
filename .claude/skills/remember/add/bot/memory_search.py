"""The full-text search of a group's memory and conversations, by SQLite's FTS5."""

import os
import re
import sqlite3
from contextlib import closing

from bot.confined import Tree, WalkLimits
from bot.errors import BotError
from bot.memory import is_page, tree_of
from bot.paths import Paths
from bot.text import mended

MOST_READ, MOST_FOUND, MOST_WORDS = 1 << 20, 20, 30
WALK = WalkLimits(depth=16, entries=50_000)
TABLES = """
CREATE TABLE IF NOT EXISTS pages (id INTEGER PRIMARY KEY, path TEXT UNIQUE, stamp TEXT);
CREATE VIRTUAL TABLE IF NOT EXISTS words
USING fts5 (path, text, tokenize = "unicode61 remove_diacritics 2");
"""
FIND = """
SELECT path, snippet(words, 1, '', '', '…', 48) FROM words WHERE words MATCH ? ORDER BY rank LIMIT ?
"""


def search(paths: Paths, folder: str, query: str) -> list[dict[str, str]]:
    """The `path` and some `text` of the best matches, the best first. Raises BotError where nothing
    can be looked for.
    """
    tree = tree_of(paths, folder)
    asked = re.findall(r"\w+", mended(query))[:MOST_WORDS]
    if not asked:
        raise BotError("there is no word to look for", hint="name some that occur in it")
    room = paths.data / "memory"
    room.mkdir(mode=0o700, parents=True, exist_ok=True)
    with closing(sqlite3.connect(room / f"{folder}.index")) as db:
        db.executescript(TABLES)
        with db:
            _follow(db, tree)
        match = " OR ".join(f'"{word}"*' for word in asked)  # a beginning will do: plant, plants
        found = db.execute(FIND, (match, MOST_FOUND)).fetchall()
    return [{"path": path, "text": text} for path, text in found]


def _follow(db: sqlite3.Connection, tree: Tree) -> None:
    """Bring the index up to what is in the folder: what is as it was is not read again."""
    known = {path: (id_, stamp) for id_, path, stamp in db.execute("SELECT * FROM pages")}
    with tree.open() as top:
        for raw, file in top.files(lambda *_: None, WALK):
            path = mended(raw)
            if not (is_page(path) or (path.startswith("conversations/") and path.endswith(".md"))):
                continue
            kind = os.fstat(file.fileno())
            stamp = f"{kind.st_mtime_ns} {kind.st_ctime_ns} {kind.st_size} {kind.st_ino}"
            id_, before = known.pop(path, (None, ""))
            if before != stamp:
                text = file.read(MOST_READ).decode("utf-8", "replace")
                _replace(db, id_, path, stamp, text)
    for id_, _ in known.values():
        _forget(db, id_)


def _replace(db: sqlite3.Connection, id_: int | None, path: str, stamp: str, text: str) -> None:
    if id_ is not None:
        _forget(db, id_)
    new = db.execute("INSERT INTO pages (path, stamp) VALUES (?, ?)", (path, stamp)).lastrowid
    db.execute("INSERT INTO words (rowid, path, text) VALUES (?, ?, ?)", (new, path, text))


def _forget(db: sqlite3.Connection, id_: int) -> None:
    db.execute("DELETE FROM pages WHERE id = ?", (id_,))
    db.execute("DELETE FROM words WHERE rowid = ?", (id_,))
