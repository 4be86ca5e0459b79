-- compatible_from: 40
-- The timeline of PostgreSQL that the log was last held against the public stream on. A standby that
-- takes over is on another one, and may lack what others have seen: nothing is appended until then.
-- checked_position: the log's head at that time.
CREATE TABLE log_state (
    only_one         boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    timeline         bigint NOT NULL,
    checked_position bigint NOT NULL,
    checked_at       timestamptz NOT NULL DEFAULT now()
);

-- The timeline that is written to; null while nothing is, on a standby. Not the one of the last
-- checkpoint (pg_control_checkpoint): after a promotion that is the old one for minutes.
CREATE FUNCTION log_timeline() RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT CASE WHEN NOT pg_is_in_recovery()
        THEN ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint
    END
$$;

INSERT INTO log_state (timeline, checked_position)
SELECT log_timeline(), coalesce(max(notification_id), 0) FROM log;
