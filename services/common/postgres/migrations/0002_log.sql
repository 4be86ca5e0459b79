-- The log of facts: the one truth that every other table and the public stream can be rebuilt from.
-- The first five columns and their names are those of eventsourcing's recorder, which reads the table.
-- Positions have no sequence: the writer gives them under the table lock, gapless and in commit order.
-- The NOT NULLs after them keep the stock recorder from ever inserting here.
CREATE TABLE log (
    originator_id      uuid NOT NULL,
    originator_version bigint NOT NULL CHECK (originator_version > 0),
    topic              text NOT NULL,
    state              bytea NOT NULL,
    notification_id    bigint NOT NULL CHECK (notification_id > 0),
    team_id            bigint NOT NULL,
    team_seq           bigint NOT NULL CHECK (team_seq > 0),
    recorded_at        timestamptz NOT NULL,
    actor              text NOT NULL,
    operation_id       uuid NOT NULL,
    correlation_id     uuid NOT NULL,
    causation_id       uuid,
    salt               bytea NOT NULL,
    commitment         bytea NOT NULL CHECK (octet_length(commitment) = 32),
    hash               bytea NOT NULL CHECK (octet_length(hash) = 32),
    CONSTRAINT log_stream_version PRIMARY KEY (originator_id, originator_version),
    CONSTRAINT log_position UNIQUE (notification_id),
    CONSTRAINT log_team_seq UNIQUE (team_id, team_seq)
) WITH (
    -- VACUUM and ANALYZE hold a lock that the writer's own waits for, up to deadlock_timeout (1 s).
    -- Nothing is ever updated or deleted here, so vacuum has nothing to reclaim; analyse rarely.
    autovacuum_vacuum_threshold = 100000000,
    autovacuum_vacuum_insert_threshold = -1,
    autovacuum_analyze_threshold = 10000,
    autovacuum_analyze_scale_factor = 1.0
);

-- Where each project's chain of hashes stands. Read and moved in the transaction that appends.
CREATE TABLE log_heads (
    team_id     bigint PRIMARY KEY,
    seq         bigint NOT NULL,
    hash        bytea NOT NULL CHECK (octet_length(hash) = 32),
    recorded_at timestamptz NOT NULL
);

-- What a command with an Idempotency-Key came to, written in the transaction that appends its facts.
CREATE TABLE receipts (
    team_id      bigint NOT NULL,
    actor        text NOT NULL,
    key          text NOT NULL,
    request_hash bytea NOT NULL,
    status       smallint NOT NULL,
    stream_id    uuid NOT NULL,
    version      bigint NOT NULL,
    position     bigint NOT NULL,
    operation_id uuid NOT NULL,
    recorded_at  timestamptz NOT NULL,
    PRIMARY KEY (team_id, actor, key)
);

CREATE INDEX receipts_recorded_at ON receipts (recorded_at);
