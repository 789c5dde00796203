CREATE TABLE moved (         -- chats that their messengers call otherwise now
    chat TEXT PRIMARY KEY,
    now TEXT NOT NULL
) STRICT;
ALTER TABLE inbox ADD COLUMN command INTEGER NOT NULL DEFAULT 0; -- to the assistant: no agent's
ALTER TABLE inbox ADD COLUMN attachments TEXT NOT NULL DEFAULT '[]'; -- JSON, as Attachment has it
ALTER TABLE inbox ADD COLUMN unfetched INTEGER NOT NULL DEFAULT 0;
CREATE INDEX inbox_unfetched ON inbox (chat, seq) WHERE unfetched;
ALTER TABLE outbox ADD COLUMN file TEXT; -- JSON, of what goes with the text
