-- The auditor's own tables: how far it is, and what it found. Nobody else writes them.

-- facts_per_second: its pace; 0: it is off. after_stream: the stream proved last in this round, which
-- began at round_at. broken: what of the log does not verify, in the project broken_team.
CREATE TABLE audit_state (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    facts_per_second int NOT NULL DEFAULT 0,
    after_stream uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    round_at timestamptz NOT NULL DEFAULT now(),
    broken text,
    broken_team bigint
);
INSERT INTO audit_state DEFAULT VALUES;

-- All streams, in shares by the first byte of their ids. proved_at: when the last proof of a share
-- began; null: there was none yet.
CREATE TABLE audit_shares (
    share smallint PRIMARY KEY,
    proved_at timestamptz
);
INSERT INTO audit_shares (share) SELECT generate_series(0, 255);

-- Rows that were not as the log tells them, and are not righted yet. row_key: table and primary key.
CREATE TABLE audit_findings (
    projection text NOT NULL,
    row_key text NOT NULL,
    team_id bigint NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (projection, row_key)
);

-- proved_through: the sequence up to which the chain was proved. found, healed: rows, ever. entries,
-- operations: rows of activity, and operations by their subjects, of the last whole round; missing:
-- those without a row. next_…: of the round under way. erased: payloads that are gone; holds: that
-- are in force. reads_through: all reads up to this number are as they were sealed; reads_broken: the
-- first number of a seal that does not hold.
CREATE TABLE audit_projects (
    team_id bigint PRIMARY KEY,
    proved_through bigint NOT NULL DEFAULT 0,
    proved_at timestamptz,
    found bigint NOT NULL DEFAULT 0,
    healed bigint NOT NULL DEFAULT 0,
    entries bigint,
    operations bigint,
    missing bigint,
    next_entries bigint NOT NULL DEFAULT 0,
    next_operations bigint NOT NULL DEFAULT 0,
    next_missing bigint NOT NULL DEFAULT 0,
    next_holds bigint NOT NULL DEFAULT 0,
    erased bigint NOT NULL DEFAULT 0,
    holds bigint NOT NULL DEFAULT 0,
    reads_through bigint NOT NULL DEFAULT 0,
    reads_broken bigint
);
