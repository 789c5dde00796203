-- What the store is asked: after each name its statement. What is written for a chat is written for
-- the name that it has at that moment, `called(chat)`: a messenger may rename it while somebody is at
-- work for it. `within(chat)` are :old and its topics, and `renamed(chat)` is what these are called
-- then; `moved` has no topics since they go along with their chat.
--# take_in
INSERT INTO inbox
(asks, command, attachments, unfetched, chat, id, sender, text, sent_at, direct, sender_id, quoted,
    quoted_sender)
VALUES (?1, ?2, ?3, ?4, called(?5),
    ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
ON CONFLICT (chat, id) DO NOTHING
--# has_left
SELECT 1 FROM inbox WHERE within(chat) UNION ALL
SELECT 1 FROM outbox WHERE within(chat) AND settled_at IS NULL UNION ALL
SELECT 1 FROM groups WHERE within(chat) UNION ALL
SELECT 1 FROM known WHERE within(chat) LIMIT 1
--# waiting
SELECT chat FROM (SELECT chat, max(seq) AS last FROM inbox WHERE asks GROUP BY chat) AS asking
WHERE last > COALESCE((SELECT handled FROM chats WHERE chats.chat = asking.chat), 0)
--# turn
WITH since AS (
    SELECT max(:after, COALESCE((SELECT handled FROM chats WHERE chat = :chat), 0)) AS seq
),
asking AS (
    SELECT seq FROM inbox WHERE asks AND chat = :chat AND seq > (SELECT seq FROM since)
    ORDER BY seq LIMIT :most_asked
),
span AS (
    SELECT * FROM inbox
    WHERE chat = :chat AND seq > (SELECT seq FROM since) AND seq <= (SELECT max(seq) FROM asking)
    AND NOT command
)
SELECT seq, asks, attachments, id, sender, text, sent_at, direct, sender_id, quoted, quoted_sender,
    (SELECT count(*) FROM span)
FROM span
WHERE asks OR seq IN (SELECT seq FROM span ORDER BY seq DESC LIMIT :most_context) ORDER BY seq
--# answered
INSERT INTO chats (chat, handled)
VALUES (called(?1), ?2)
ON CONFLICT (chat) DO UPDATE SET handled = excluded.handled, error = NULL
--# tell_once
INSERT INTO outbox (chat, text) SELECT groups.chat, ?1 FROM groups WHERE folder = 'main'
AND NOT EXISTS (SELECT 1 FROM chats WHERE chats.chat = called(?2) AND error IS NOT NULL)
--# failed
INSERT INTO chats (chat, error)
VALUES (called(?1), ?2)
ON CONFLICT (chat) DO UPDATE SET error = excluded.error
--# told_since
SELECT 1 FROM outbox WHERE chat = ? AND text = ? AND (settled_at IS NULL OR settled_at >= ?)
--# undelivered
SELECT DISTINCT chat FROM outbox WHERE settled_at IS NULL
--# next_piece
SELECT seq, text, file FROM outbox WHERE chat = ? AND settled_at IS NULL ORDER BY seq LIMIT 1
--# settled
UPDATE outbox SET settled_at = ?, error = ? WHERE seq = ?
--# refused
INSERT INTO chats (chat, refused_since)
VALUES (called(?1), ?2)
ON CONFLICT (chat) DO UPDATE SET refused_since = COALESCE(refused_since, excluded.refused_since)
--# refused_since
SELECT refused_since FROM chats
WHERE chat = called(?1)
--# taken
UPDATE chats SET refused_since = NULL
WHERE chat = called(?1) AND refused_since IS NOT NULL
--# send
INSERT INTO outbox (chat, text)
VALUES (called(?1), ?2)
--# saw_chat
INSERT INTO known (chat, name, seen_at) VALUES (?, ?, ?)
ON CONFLICT (chat) DO UPDATE SET name = excluded.name, seen_at = excluded.seen_at
--# left
INSERT OR REPLACE INTO known (chat, name, seen_at)
SELECT chat, name, ?2 FROM groups WHERE folder = ?1
--# live_tasks
SELECT count(*) FROM tasks WHERE folder = ? AND status IN ('active', 'paused')
--# register
INSERT OR REPLACE INTO groups (folder, chat, name, rest) VALUES (?1, called(?2), ?3, ?4)
--# unregister
DELETE FROM groups WHERE folder = ?
--# used
INSERT INTO usage (folder, day, requests, input, output) VALUES (?, ?, 1, ?, ?)
ON CONFLICT (folder, day) DO UPDATE SET requests = requests + 1,
    input = input + excluded.input, output = output + excluded.output
--# spent
SELECT COALESCE(sum(input + output), 0) FROM usage WHERE folder = ? AND day = ?
--# session
SELECT session FROM sessions WHERE folder = ?
--# resumed
SELECT folder, session FROM sessions
--# remember
INSERT OR REPLACE INTO sessions (folder, session) VALUES (?, ?)
--# forget
DELETE FROM sessions WHERE folder = ?
--# send_file
INSERT INTO outbox (chat, text, file)
VALUES (called(?1), ?2, ?3)
--# files
SELECT file FROM outbox WHERE settled_at IS NULL AND file IS NOT NULL
--# unfetched
SELECT seq, attachments FROM inbox WHERE unfetched AND chat = ? ORDER BY seq
--# fetched
UPDATE inbox SET attachments = ?, unfetched = 0 WHERE seq = ?
--# known_message
WITH called AS (SELECT called(:chat) AS name)
SELECT 1 FROM inbox, called WHERE chat = name AND (
    (id = :id AND (sent_at = :sent_at OR text = :text))
    OR (id IN (SELECT chat || ' ' || :id FROM moved WHERE now IN (name, whole(name)))
        AND sent_at = :sent_at AND text = :text))
--# counted_anew
UPDATE inbox SET id = sent_at || ' ' || id
WHERE chat = called(:chat)
AND id = :id AND sent_at != :sent_at AND text != :text
--# status
SELECT (
    SELECT count(*) FROM inbox WHERE asks AND chat = :chat
    AND seq > COALESCE((SELECT handled FROM chats WHERE chat = :chat), 0)
), (
    SELECT count(*) FROM outbox WHERE chat = :chat AND settled_at IS NULL
)
--# rekey_inbox
UPDATE inbox SET chat = renamed(chat), id = :old || ' ' || id WHERE within(chat)
--# rekey_outbox
UPDATE outbox SET chat = renamed(chat) WHERE within(chat)
--# rekey_handled
UPDATE chats SET handled = max(
    handled, COALESCE((SELECT handled FROM chats AS there WHERE there.chat = renamed(chats.chat)), 0)
) WHERE within(chat)
--# rekey_chat
UPDATE OR REPLACE chats SET chat = renamed(chat) WHERE within(chat)
--# rekey_group
UPDATE OR IGNORE groups SET chat = renamed(chat) WHERE within(chat)
--# rekey_known
UPDATE OR REPLACE known SET chat = renamed(chat) WHERE within(chat)
--# rekey_moved
UPDATE moved SET now = renamed(now) WHERE within(now)
--# rekey_back
DELETE FROM moved WHERE chat = :new OR (chat > :new || ':' AND chat < :new || ';')
--# rekey_on
INSERT OR REPLACE INTO moved (chat, now) VALUES (:old, :new)
--# prune
DELETE FROM requests WHERE done_at < ?
--# size
SELECT page_count, freelist_count, page_size
FROM pragma_page_count(), pragma_freelist_count(), pragma_page_size()
--# old_inbox
DELETE FROM inbox WHERE sent_at < ? AND NOT (asks
    AND seq > COALESCE((SELECT handled FROM chats WHERE chats.chat = inbox.chat), 0))
--# old_outbox
DELETE FROM outbox WHERE settled_at < ?
--# old_runs
DELETE FROM runs WHERE ended_at < ?
--# old_tasks
DELETE FROM tasks WHERE status IN ('done', 'cancelled') AND set_at < ?
--# old_known
DELETE FROM known WHERE seen_at < ? AND chat NOT IN (SELECT chat FROM groups)
--# old_usage
DELETE FROM usage WHERE day < ?
