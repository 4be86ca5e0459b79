-- The facts of one operation, over all its streams.
CREATE INDEX IF NOT EXISTS log_operations ON log (team_id, operation_id);
