-- Product events and what queries need beside them. Plain ClickHouse SQL; engine differences of a
-- cluster (ON CLUSTER, Replicated…, Distributed) are added by services.common.clickhouse alone.

-- name: events
-- One row per accepted event, once per (team_id, uuid). person_id: UUIDv5(team, first distinct id seen),
-- as it was at capture; merges are applied at query time through person_overrides.
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
    inserted_at DateTime64(6, 'UTC')
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(timestamp)
ORDER BY (team_id, event, person_id, timestamp);

-- name: event_uuids
-- Which uuids are stored already; small granules, because a batch looks up a thousand points.
CREATE TABLE IF NOT EXISTS event_uuids
(
    team_id Int64,
    uuid UUID
)
ENGINE = MergeTree
ORDER BY (team_id, uuid)
SETTINGS index_granularity = 256;

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
ORDER BY (team_id, person_id);

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
ORDER BY (team_id, person_id);

-- name: person_distinct_ids
CREATE TABLE IF NOT EXISTS person_distinct_ids
(
    team_id Int64,
    distinct_id String,
    person_id UUID,
    version UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (team_id, distinct_id);

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
ORDER BY (team_id, group_type_index, group_key);

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
