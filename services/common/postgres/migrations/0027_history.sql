-- The past of every thing that has versions: a read model, one row per operation and stream.

-- The facts of one operation, over all its streams.
CREATE INDEX log_operations ON log (team_id, operation_id);

CREATE EXTENSION IF NOT EXISTS btree_gist;

INSERT INTO checkpoints (projection) VALUES ('history');

-- The columns of `insights`, as they were from `position` on, until before `until` (2^63-1: they are
-- so now). position: of the operation's last fact over all its streams, so that no moment cuts an
-- operation in two; sequence: the project's own number of that fact. first_version … version: the
-- operation's facts in this stream. at: of the last of them. user_id: null for the system.
-- activity: created, updated, deleted, restored.
CREATE TABLE insight_versions (
    team_id bigint NOT NULL,
    insight_id bigint NOT NULL,
    stream_id uuid NOT NULL,
    short_id text COLLATE "C" NOT NULL,
    name_key text COLLATE "C",
    names_text text NOT NULL,
    words_text text NOT NULL,
    kind text,
    has_query boolean NOT NULL,
    sort_order integer,
    deleted boolean NOT NULL,
    favorited boolean NOT NULL,
    saved boolean NOT NULL,
    tags text[] NOT NULL,
    dashboards bigint[] NOT NULL,
    created_at timestamptz NOT NULL,
    created_by bigint,
    updated_at timestamptz NOT NULL,
    last_modified_at timestamptz NOT NULL,
    version bigint NOT NULL,
    query_key bytea,
    row json NOT NULL,
    position bigint NOT NULL,
    until bigint NOT NULL,
    first_version bigint NOT NULL,
    sequence bigint NOT NULL,
    at timestamptz NOT NULL,
    user_id bigint,
    key_id text,
    activity text NOT NULL,
    operation_id uuid NOT NULL,
    causation_id uuid,
    PRIMARY KEY (stream_id, position)
);

CREATE INDEX insight_versions_as_of ON insight_versions USING gist (
    team_id, int8range(position, until)
);

-- The same of dashboards, actions, cohorts, sharing, access rules and settings. kind: of the stream;
-- number: in its project.
CREATE TABLE versions (
    team_id bigint NOT NULL,
    kind text NOT NULL,
    number bigint NOT NULL,
    stream_id uuid NOT NULL,
    name_key text COLLATE "C",
    deleted boolean NOT NULL,
    version bigint NOT NULL,
    row json NOT NULL,
    position bigint NOT NULL,
    until bigint NOT NULL,
    first_version bigint NOT NULL,
    sequence bigint NOT NULL,
    at timestamptz NOT NULL,
    user_id bigint,
    key_id text,
    activity text NOT NULL,
    operation_id uuid NOT NULL,
    causation_id uuid,
    PRIMARY KEY (stream_id, position)
);

CREATE INDEX versions_as_of ON versions USING gist (team_id, kind, int8range(position, until));

-- What led to an operation: another one taken back, a version returned to, many changed in one. Of
-- the facts of kind history. job_id: the operation, or the version (`v3`).
CREATE TABLE operation_triggers (
    team_id bigint NOT NULL,
    operation_id uuid NOT NULL,
    job_type text NOT NULL,
    job_id text NOT NULL,
    PRIMARY KEY (team_id, operation_id)
);

-- position: of the fact that says so.
CREATE TABLE operations_undone (
    team_id bigint NOT NULL,
    operation_id uuid NOT NULL,
    undone_by uuid NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (team_id, operation_id, undone_by)
);
