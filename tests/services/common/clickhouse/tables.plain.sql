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
    sequence UInt64 DEFAULT 0,
    bucket UInt16 DEFAULT 0,
    PROJECTION definitions (SELECT team_id, event, min(inserted_at), max(timestamp), distinctJSONPathsAndTypes(properties) GROUP BY team_id, event)
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(timestamp)
ORDER BY (team_id, event, person_id, timestamp)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS event_uuids
(
    team_id Int64,
    uuid UUID,
    sequence UInt64,
    bucket UInt16 DEFAULT 0,
    arrived Date DEFAULT today()
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(arrived)
ORDER BY (team_id, uuid)
TTL arrived + toIntervalDay(90)
SETTINGS index_granularity = 256, non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1;

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

CREATE TABLE IF NOT EXISTS cohort_people
(
    team_id Int64,
    cohort_id Int64,
    person_id UUID,
    version UInt64,
    member Bool
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (team_id, cohort_id, person_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
