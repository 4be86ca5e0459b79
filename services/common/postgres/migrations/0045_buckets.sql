-- Projects lie in buckets. A bucket has a stream of captured events, a lease, a line of progress and
-- a shard of ClickHouse of its own. One made before there were buckets has number 0 alone.
-- compatible_from: 40

-- How many there are is how many lines this has. shard: from 1.
CREATE TABLE bucket_shards (
    bucket integer PRIMARY KEY CHECK (bucket BETWEEN 0 AND 99),
    shard integer NOT NULL CHECK (shard >= 1)
);
INSERT INTO bucket_shards (bucket, shard) VALUES (0, 1);

ALTER TABLE projects ADD COLUMN bucket integer NOT NULL DEFAULT 0;

CREATE OR REPLACE VIEW current_projects AS
SELECT p.id, p.uuid, p.organization_id, coalesce(s.row->>'name', p.name) AS name, p.api_token,
    coalesce(s.row->>'timezone', p.timezone) AS timezone,
    coalesce((s.row->>'week_start_day')::smallint, p.week_start_day) AS week_start_day,
    coalesce(s.row->'test_account_filters', p.test_account_filters::json)
        AS test_account_filters,
    p.created_at, coalesce((s.row->>'version')::bigint, 0) AS version, p.bucket
FROM projects p LEFT JOIN project_settings s ON s.team_id = p.id;

ALTER TABLE ingest_progress ADD COLUMN bucket integer NOT NULL DEFAULT 0;

-- holder: of projector_members; NULL: a process that knows nothing of them.
ALTER TABLE ingest_leases ADD COLUMN holder uuid;

-- The processes that store product events, and when each was last seen: they share the buckets.
CREATE TABLE projector_members (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    seen_at timestamptz NOT NULL
);

-- Events stored on a day (UTC): a new project gets the bucket with the fewest.
CREATE TABLE bucket_days (
    bucket integer NOT NULL,
    day date NOT NULL,
    events bigint NOT NULL,
    PRIMARY KEY (bucket, day)
);
