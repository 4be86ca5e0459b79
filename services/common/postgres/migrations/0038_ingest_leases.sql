-- Who stores the messages of a capture stream, and until when. What excludes is an advisory lock of
-- the session backend_pid; a holder that is frozen keeps that for ever, so others end its session
-- once `until` has passed. epoch: one more with each holder, so that one which thaws commits nothing.
CREATE TABLE ingest_leases (
    stream text PRIMARY KEY,
    epoch bigint NOT NULL,
    backend_pid integer NOT NULL,
    until timestamptz NOT NULL
);
