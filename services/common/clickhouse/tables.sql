-- Product events and what queries need beside them. Plain ClickHouse SQL; what a cluster needs
-- (ON CLUSTER, Replicated…) is added by services.common.clickhouse alone.
-- fsync_…: the checkpoint that follows an insert is durable, so the rows must be too.
-- non_replicated_deduplication_window: how many inserted parts an insert's token is remembered for. A batch
-- is one part per month at most, and only the newest batch is ever repeated.

-- name: events
-- One row per accepted event, once per (team_id, uuid). person_id: UUIDv5(team, first distinct id seen),
-- as it was at capture; merges are applied at query time through person_overrides.
-- sent: the properties' canonical JSON text. properties: the same for filters, one path per top-level
-- key, lists and objects as their JSON text (contracts/product_events.py says how keys are written).
-- definitions: what events and properties are called, kept by every part for its own rows, so that it says
-- neither more nor less than they do. Made with each insert, not by merges: merges join only parts that
-- have it or only such that lack it, and a part left alone between two others would stay for good.
CREATE TABLE IF NOT EXISTS events
(
    team_id Int64,
    event String,
    timestamp DateTime64(6, 'UTC'),
    uuid UUID,
    distinct_id String,
    person_id UUID,
    session_id String DEFAULT '',
    group_0 String DEFAULT '',
    group_1 String DEFAULT '',
    group_2 String DEFAULT '',
    group_3 String DEFAULT '',
    group_4 String DEFAULT '',
    properties JSON,
    sent String CODEC(ZSTD(3)),
    inserted_at DateTime64(6, 'UTC'),
    PROJECTION definitions
    (
        SELECT team_id, event, min(inserted_at), max(timestamp), distinctJSONPathsAndTypes(properties)
        GROUP BY team_id, event
    )
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(timestamp)
ORDER BY (team_id, event, person_id, timestamp)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

-- name: event_uuids
-- Which uuids are stored already, and the stream sequence that brought each: a batch that is repeated
-- after a crash must not take its own rows for earlier ones. Small granules: a batch looks up a
-- thousand points.
CREATE TABLE IF NOT EXISTS event_uuids
(
    team_id Int64,
    uuid UUID,
    sequence UInt64
)
ENGINE = MergeTree
ORDER BY (team_id, uuid)
SETTINGS index_granularity = 256, non_replicated_deduplication_window = 1000,
    fsync_after_insert = 1, fsync_part_directory = 1;

-- name: person_overrides
-- Merged persons: events stored under person_id belong to target_id now. Flat: a target is never itself merged.
CREATE TABLE IF NOT EXISTS person_overrides
(
    team_id Int64,
    person_id UUID,
    target_id UUID,
    version UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (team_id, person_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- name: persons
-- Persons as they are now; the transactional truth is PostgreSQL's persons table.
CREATE TABLE IF NOT EXISTS persons
(
    team_id Int64,
    person_id UUID,
    properties JSON,
    sent String CODEC(ZSTD(3)),
    is_identified Bool,
    created_at DateTime64(6, 'UTC'),
    deleted Bool,
    version UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (team_id, person_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- name: person_distinct_ids
CREATE TABLE IF NOT EXISTS person_distinct_ids
(
    team_id Int64,
    distinct_id String,
    person_id UUID,
    version UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (team_id, distinct_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- name: groups
CREATE TABLE IF NOT EXISTS groups
(
    team_id Int64,
    group_type_index UInt8,
    group_key String,
    properties JSON,
    sent String CODEC(ZSTD(3)),
    created_at DateTime64(6, 'UTC'),
    version UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (team_id, group_type_index, group_key)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- name: cohort_people
CREATE TABLE IF NOT EXISTS cohort_people
(
    team_id Int64,
    cohort_id Int64,
    person_id UUID,
    version UInt64,
    member Bool
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (team_id, cohort_id, person_id);
