-- Results of queries, and the jobs that compute them. All of it may be thrown away.

-- key: of the query (contracts.queries.canonical). dependencies: a digest of what else the numbers
-- hang on: the project's settings, the actions and cohorts used. reached: the capture stream's sequence
-- that was visible when the computation started; what came later may be missing (event_watermarks).
-- date_from, date_to: of the events looked at; null when it is not one range.
CREATE TABLE results (
    team_id bigint NOT NULL,
    key bytea NOT NULL,
    dependencies bytea NOT NULL,
    body bytea NOT NULL,
    query_interval text,
    date_from timestamptz,
    date_to timestamptz,
    reached bigint NOT NULL,
    started_at timestamptz NOT NULL,
    last_refresh timestamptz NOT NULL,
    PRIMARY KEY (team_id, key)
);

-- A job is one computation, whoever asked for it and however many wait. Live until end_time is set.
-- lease_until: the process that runs it says so again before then, or another takes it over.
-- cancelled_by: the client's name for its run. error: status and problem of the answer.
CREATE TABLE jobs (
    id uuid PRIMARY KEY,
    team_id bigint NOT NULL,
    key bytea NOT NULL,
    computation bytea NOT NULL,
    insight_id bigint,
    dashboard_id bigint,
    start_time timestamptz NOT NULL,
    pickup_time timestamptz,
    end_time timestamptz,
    expiration_time timestamptz NOT NULL,
    lease_until timestamptz,
    cancelled_by text,
    error json
);

CREATE UNIQUE INDEX jobs_live ON jobs (team_id, key) WHERE end_time IS NULL;
CREATE INDEX jobs_waiting ON jobs (start_time) WHERE end_time IS NULL;
CREATE INDEX jobs_expiring ON jobs (expiration_time);

-- The names that clients gave their runs, to cancel them by.
CREATE TABLE job_clients (
    team_id bigint NOT NULL,
    client_query_id text NOT NULL,
    job_id uuid NOT NULL REFERENCES jobs ON DELETE CASCADE,
    PRIMARY KEY (team_id, client_query_id, job_id)
);
