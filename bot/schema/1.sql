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
) STRICT;
CREATE INDEX inbox_by_chat ON inbox (chat, seq);
CREATE TABLE chats (
    chat TEXT PRIMARY KEY,
    handled INTEGER NOT NULL DEFAULT 0,  -- up to this seq the replies are in the outbox
    told INTEGER NOT NULL DEFAULT 0,     -- up to this seq the chat knows of no answer yet
    error TEXT
) STRICT;
CREATE TABLE outbox (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    chat TEXT NOT NULL,
    text TEXT NOT NULL,
    settled_at TEXT,         -- delivered, or given up with the error beside it
    error TEXT
) STRICT;
CREATE INDEX outbox_waiting ON outbox (chat, seq) WHERE settled_at IS NULL;
