ALTER TABLE inbox ADD COLUMN sender_id TEXT NOT NULL DEFAULT '';
ALTER TABLE inbox ADD COLUMN quoted TEXT NOT NULL DEFAULT '';
ALTER TABLE inbox ADD COLUMN quoted_sender TEXT NOT NULL DEFAULT '';
CREATE INDEX inbox_asking ON inbox (chat, seq) WHERE asks;
ALTER TABLE chats DROP COLUMN told; -- the owner is told now, and `error` says so
CREATE TABLE groups (
    folder TEXT PRIMARY KEY,
    chat TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    rest TEXT NOT NULL       -- JSON: trigger, senders, drop, options
) STRICT;
CREATE TABLE known (         -- chats that wrote or that a channel told of, registered or not
    chat TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    seen_at TEXT NOT NULL
) STRICT;
CREATE TABLE requests (      -- of agents, that have had their effect
    folder TEXT NOT NULL,
    id TEXT NOT NULL,
    reply TEXT NOT NULL,
    done_at TEXT NOT NULL,
    PRIMARY KEY (folder, id)
) STRICT;
CREATE TABLE sessions (folder TEXT PRIMARY KEY, session TEXT NOT NULL) STRICT;
CREATE TABLE usage (         -- tokens of the model, by group and day
    folder TEXT NOT NULL,
    day TEXT NOT NULL,
    requests INTEGER NOT NULL,
    input INTEGER NOT NULL,
    output INTEGER NOT NULL,
    PRIMARY KEY (folder, day)
) STRICT;
