-- What `bot status` shows of tasks: after each heading the query that finds it.
--# next tasks
SELECT id, folder, kind || ' ' || value AS schedule, zone, iif(claimed_at IS NULL, status, 'running') AS status,
next_run FROM tasks WHERE status IN ('active', 'paused') ORDER BY next_run LIMIT 10;
--# last failed runs
SELECT task, error, ended_at AS at FROM runs WHERE error IS NOT NULL ORDER BY id DESC LIMIT 5;
