-- The read trail: who was shown what (contracts/reads.py, docs/audit.md).

-- Processes that answer reads. Ended in order: ended_at; found dead by another: taken_over_at.
-- recording: false while RECOUNT_QUERY_READS is off, so that the switch itself is told.
CREATE TABLE read_runs (
    run uuid PRIMARY KEY,
    recording boolean NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    seen_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    taken_over_at timestamptz
);

-- One row per answered request. run, n: of the process that answered, and its own count: a row that
-- is inserted twice is there once. number: gapless in the project, given by its seal.
-- commitment: over salt and row; an erased reader leaves it behind, and loses salt, ids and ip.
CREATE TABLE reads (
    run uuid NOT NULL,
    n bigint NOT NULL,
    team_id bigint NOT NULL,
    number bigint,
    at timestamptz NOT NULL,
    actor text NOT NULL CHECK (actor IN ('user', 'visitor', 'erased')),
    user_id bigint,
    key_id text,
    token_id bigint,
    unlocked boolean,
    surface text NOT NULL,
    what text NOT NULL,
    items bigint[] NOT NULL,
    insights bigint[] NOT NULL,
    as_of text,
    refresh text,
    status int NOT NULL,
    from_cache boolean,
    bytes bigint NOT NULL,
    ip text,
    client text,
    correlation_id uuid,
    salt bytea NOT NULL,
    commitment bytea NOT NULL CHECK (octet_length(commitment) = 32),
    PRIMARY KEY (run, n),
    CHECK ((actor = 'user') = (user_id IS NOT NULL AND key_id IS NOT NULL)),
    CHECK (actor <> 'erased' OR (token_id IS NULL AND ip IS NULL AND salt = ''))
);
CREATE UNIQUE INDEX reads_number ON reads (team_id, number) WHERE number IS NOT NULL;
CREATE INDEX reads_unsealed ON reads (team_id) WHERE number IS NULL;
CREATE INDEX reads_of_users ON reads (team_id, user_id, number);
CREATE INDEX reads_items ON reads USING gin (items);

-- Seals, in order. sequence: of the fact audit.reads_sealed; null until it is appended.
CREATE TABLE read_seals (
    team_id bigint NOT NULL,
    first bigint NOT NULL CHECK (first > 0),
    last bigint NOT NULL,
    root bytea NOT NULL CHECK (octet_length(root) = 32),
    from_at timestamptz NOT NULL,
    to_at timestamptz NOT NULL,
    sequence bigint,
    PRIMARY KEY (team_id, first),
    UNIQUE (team_id, last),
    CHECK (last >= first)
);
CREATE INDEX read_seals_pending ON read_seals (team_id, first) WHERE sequence IS NULL;

-- Spans of numbers that are gone, being older than they are kept; sequence as above.
CREATE TABLE read_expiries (
    team_id bigint NOT NULL,
    through bigint NOT NULL,
    count bigint NOT NULL,
    sequence bigint,
    PRIMARY KEY (team_id, through)
);
