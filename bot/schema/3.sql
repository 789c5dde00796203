-- Scheduled tasks. A store of the time when they were a skill has these tables already.
CREATE TABLE IF NOT EXISTS tasks (
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
) STRICT;
CREATE INDEX IF NOT EXISTS tasks_due ON tasks (next_run)
WHERE status = 'active' AND claimed_at IS NULL;
CREATE TABLE IF NOT EXISTS runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    task TEXT NOT NULL,
    started_at TEXT NOT NULL,
    ended_at TEXT,
    result TEXT,
    error TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS runs_of_task ON runs (task, id);
CREATE TRIGGER IF NOT EXISTS tasks_end_with_their_group AFTER DELETE ON groups BEGIN
    UPDATE tasks SET status = 'cancelled', next_run = NULL WHERE folder = OLD.folder;
END;
