"""The store's schema, a step a version. A step that was released is never edited: the next one goes at the end."""

from __future__ import annotations

__all__ = ["MIGRATIONS"]

INBOX = """
CREATE TABLE inbox (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    chat TEXT NOT NULL,      -- begins with its channel's name, so (chat, id) is (channel, chat, id)
    id TEXT NOT NULL,
    sender TEXT NOT NULL,
    text TEXT NOT NULL,
    sent_at TEXT NOT NULL,
    direct INTEGER NOT NULL,
    asks INTEGER NOT NULL,   -- wants an answer; the others are context for the next that does
    UNIQUE (chat, id)
) STRICT
"""
CHATS = """
CREATE TABLE chats (
    chat TEXT PRIMARY KEY,
    handled INTEGER NOT NULL DEFAULT 0,  -- up to this seq the replies are in the outbox
    told INTEGER NOT NULL DEFAULT 0,     -- up to this seq the chat knows that there is no answer yet
    error TEXT
) STRICT
"""
OUTBOX = """
CREATE TABLE outbox (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    chat TEXT NOT NULL,
    text TEXT NOT NULL,
    settled_at TEXT,         -- delivered, or given up with the error beside it
    error TEXT
) STRICT
"""
GROUPS = """
CREATE TABLE groups (
    folder TEXT PRIMARY KEY,
    chat TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    rest TEXT NOT NULL       -- JSON: trigger, senders, drop, options
) STRICT
"""
KNOWN = """
CREATE TABLE known (         -- chats that wrote or that a channel told of, registered or not
    chat TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    seen_at TEXT NOT NULL
) STRICT
"""
TASKS = """
CREATE TABLE tasks (
    id TEXT PRIMARY KEY,
    folder TEXT NOT NULL,
    prompt TEXT NOT NULL,
    script TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('cron', 'interval', 'once')),
    value TEXT NOT NULL,
    zone TEXT NOT NULL,
    isolated INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('active', 'paused', 'done', 'cancelled')),
    next_run TEXT,
    claimed_at TEXT          -- a run is under way; after a crash nobody holds it
) STRICT
"""
RUNS = """
CREATE TABLE runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    task TEXT NOT NULL,
    started_at TEXT NOT NULL,
    ended_at TEXT,
    result TEXT,
    error TEXT
) STRICT
"""
REQUESTS = """
CREATE TABLE requests (      -- of agents, that have had their effect
    folder TEXT NOT NULL,
    id TEXT NOT NULL,
    reply TEXT NOT NULL,
    done_at TEXT NOT NULL,
    PRIMARY KEY (folder, id)
) STRICT
"""
SESSIONS = "CREATE TABLE sessions (folder TEXT PRIMARY KEY, session TEXT NOT NULL) STRICT"
USAGE = """
CREATE TABLE usage (         -- tokens of the model, by group and day
    folder TEXT NOT NULL,
    day TEXT NOT NULL,
    requests INTEGER NOT NULL,
    input INTEGER NOT NULL,
    output INTEGER NOT NULL,
    PRIMARY KEY (folder, day)
) STRICT
"""

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        INBOX,
        "CREATE INDEX inbox_by_chat ON inbox (chat, seq)",
        CHATS,
        OUTBOX,
        "CREATE INDEX outbox_waiting ON outbox (chat, seq) WHERE settled_at IS NULL",
    ),
    (
        "ALTER TABLE inbox ADD COLUMN sender_id TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE inbox ADD COLUMN quoted TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE inbox ADD COLUMN quoted_sender TEXT NOT NULL DEFAULT ''",
        "CREATE INDEX inbox_asking ON inbox (chat, seq) WHERE asks",
        "ALTER TABLE chats DROP COLUMN told",  # the owner is told now, and `error` says so
        GROUPS,
        KNOWN,
        TASKS,
        "CREATE INDEX tasks_due ON tasks (next_run) WHERE status = 'active' AND claimed_at IS NULL",
        RUNS,
        "CREATE INDEX runs_of_task ON runs (task, id)",
        REQUESTS,
        SESSIONS,
        USAGE,
    ),
)
