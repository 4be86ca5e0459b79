-- What is remembered of the public stream, so that it can be held against the log and made anew.
-- consumers: the durable ones as they were last seen; they are gone when the stream's folder is.
-- published: the last position that was seen there. holes, hole: how many positions the sweep found missing or
-- different, and the first of them, until it is repaired.
-- first, keep_days, keep_bytes: the first position when it was made, and how much was to be kept then.
-- swept: all up to there was compared with the log; swept_at: when the last whole sweep ended.
CREATE TABLE bus_streams (
    stream    text PRIMARY KEY,
    published bigint NOT NULL DEFAULT 0,
    first     bigint NOT NULL DEFAULT 1,
    keep_days integer NOT NULL DEFAULT 0,
    keep_bytes bigint NOT NULL DEFAULT 0,
    consumers jsonb NOT NULL DEFAULT '[]',
    seen_at   timestamptz NOT NULL DEFAULT now(),
    holes     bigint NOT NULL DEFAULT 0,
    hole      bigint,
    swept     bigint NOT NULL DEFAULT 0,
    swept_at  timestamptz
);

-- A rebuild's next step. One that an older version left begins again, with the consumers it kept.
ALTER TABLE bus_rebuilds
    ADD COLUMN step text NOT NULL DEFAULT 'kept' CHECK (step IN ('kept', 'made', 'published')),
    ADD COLUMN reason text NOT NULL DEFAULT 'it was damaged';

-- The erased entries, whose messages may be gone: few, and counted whenever a message is.
CREATE INDEX log_erased ON log (notification_id) WHERE salt = '';
