-- What the store is asked about tasks: after each name its statement.
--# find
SELECT id, folder, prompt, script, kind, value, zone, isolated, status, next_run
FROM tasks WHERE id = ? AND (? OR claimed_at IS NOT NULL)
--# due
SELECT id FROM tasks
WHERE status = 'active' AND claimed_at IS NULL AND next_run IS NOT NULL AND next_run <= ?
ORDER BY next_run LIMIT 100
--# next_run
SELECT min(next_run) FROM tasks
WHERE status = 'active' AND claimed_at IS NULL AND next_run IS NOT NULL
--# parked
SELECT id, last_due FROM tasks
WHERE status = 'active' AND set_at > ? AND claimed_at IS NULL AND kind != 'once'
--# unpark
UPDATE tasks SET next_run = min(next_run, ?), set_at = ? WHERE id = ? AND claimed_at IS NULL
--# claim
UPDATE tasks SET claimed_at = ?, last_due = next_run
WHERE id = ? AND claimed_at IS NULL AND status = 'active' AND next_run <= ?
--# begin
INSERT INTO runs (task, started_at) SELECT ?, ? WHERE changes() = 1
--# claimed
SELECT id FROM tasks WHERE claimed_at IS NOT NULL AND status != 'cancelled'
--# cut_off
UPDATE runs SET error = 'interrupted', ended_at = ? WHERE ended_at IS NULL
--# release
UPDATE tasks SET claimed_at = NULL WHERE status = 'cancelled'
--# begin_again
INSERT INTO runs (task, started_at) VALUES (?, ?)
--# end
UPDATE runs SET ended_at = ?, result = ?, error = ? WHERE task = ? AND ended_at IS NULL
--# move_on
UPDATE tasks SET claimed_at = NULL, set_at = ?, next_run = CASE WHEN next_run IS ? THEN ? ELSE next_run END,
status = CASE WHEN next_run IS ? AND ? IS NULL AND status != 'cancelled' THEN 'done' ELSE status END
WHERE id = ?
--# keep_runs
DELETE FROM runs WHERE task = ?
AND id <= (SELECT id FROM runs WHERE task = ? ORDER BY id DESC LIMIT 1 OFFSET 50)
