-- compatible_from: 40
-- Projects that were written in another log and brought here.

-- The position that is hashed: of the log that the entry was written in. Null: this one, where
-- it is notification_id.
ALTER TABLE log ADD COLUMN origin_position bigint CHECK (origin_position > 0);

-- An import: its project is there once it is finished. archive: the digest of the archive's
-- manifest, so that only the same one goes on. members: so many files of it are in. first: there was
-- nobody before it, so that its people are the first ones here.
CREATE TABLE project_imports (
    team_id bigint PRIMARY KEY,
    archive bytea NOT NULL CHECK (octet_length(archive) = 32),
    members int NOT NULL DEFAULT 0,
    first boolean NOT NULL,
    begun_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz
);
