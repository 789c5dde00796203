ALTER TABLE tasks ADD COLUMN last_due TEXT; -- the latest due time that was claimed: never again
ALTER TABLE tasks ADD COLUMN set_at TEXT;   -- when next_run was worked out, by the clock of then
CREATE INDEX tasks_set ON tasks (set_at) WHERE status = 'active';
