-- What `bot status` shows: after each heading the query that finds it.
--# groups
SELECT folder, chat, name, json_extract(rest, '$.trigger') AS trigger FROM groups ORDER BY folder;
--# waiting for an answer
SELECT chat, count(*) AS messages, min(sent_at) AS since FROM inbox WHERE asks
AND seq > COALESCE((SELECT handled FROM chats WHERE chats.chat = inbox.chat), 0) GROUP BY chat;
--# waiting for delivery
SELECT chat, count(*) AS pieces FROM outbox WHERE settled_at IS NULL GROUP BY chat;
--# next tasks
SELECT id, folder, kind || ' ' || value AS schedule, zone, iif(claimed_at IS NULL, status, 'running') AS status,
next_run FROM tasks WHERE status IN ('active', 'paused') ORDER BY next_run LIMIT 10;
--# last errors
SELECT chat AS place, error, NULL AS at FROM chats WHERE error IS NOT NULL
UNION ALL SELECT * FROM
(SELECT chat, error, settled_at FROM outbox WHERE error IS NOT NULL ORDER BY seq DESC LIMIT 5);
--# last errors of tasks
SELECT task, error, ended_at AS at FROM runs WHERE error IS NOT NULL ORDER BY id DESC LIMIT 5;
--# usage of 30 days
SELECT folder, sum(requests) AS requests, sum(input) AS input, sum(output) AS output FROM usage
WHERE day > date('now', '-30 days') GROUP BY folder;
--# oldest in the store
SELECT 'messages' AS what, date(min(sent_at)) AS since, count(*) AS kept FROM inbox
UNION ALL SELECT 'answers', date(min(settled_at)), count(*) FROM outbox
UNION ALL SELECT 'runs of tasks', date(min(started_at)), count(*) FROM runs;
