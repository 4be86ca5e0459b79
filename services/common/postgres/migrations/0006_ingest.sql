-- How far product events are on their way from the capture stream to ClickHouse.

-- reached: everything up to this stream sequence is stored and visible. batch_first, batch_last: the
-- range being stored now, fixed before its first insert, so that a repetition after a crash inserts
-- the same rows under the same token.
CREATE TABLE ingest_progress (
    stream text PRIMARY KEY,
    reached bigint NOT NULL DEFAULT 0,
    batch_first bigint,
    batch_last bigint,
    updated_at timestamptz NOT NULL DEFAULT now(),
    CHECK ((batch_first IS NULL) = (batch_last IS NULL)),
    CHECK (batch_first > reached AND batch_last >= batch_first)
);

-- What could not be stored, with the reason. place: the event's in its message, -1 for a whole message.
CREATE TABLE ingest_set_aside (
    stream text NOT NULL,
    sequence bigint NOT NULL,
    place integer NOT NULL,
    team_id bigint NOT NULL,
    uuid uuid,
    reason text NOT NULL,
    message bytea NOT NULL,
    set_aside_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (stream, sequence, place)
);

-- What a result computed earlier may not have seen: grows with each batch that stored events of the
-- month, or changed persons, distinct ids or groups of the project. version: a stream sequence.
CREATE TABLE event_watermarks (
    team_id bigint NOT NULL,
    month date NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (team_id, month)
);

CREATE TABLE identity_watermarks (
    team_id bigint PRIMARY KEY,
    version bigint NOT NULL
);
