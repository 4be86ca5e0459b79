-- What tells whether a kept result may be shown, and whether it is what would be computed now.

-- settings: the digest of the project's settings it was computed under; under others it is not there.
-- clock: the digest of what its plan takes from the clock besides the range of dates. facts: the log's
-- position when the computation started. cost_seconds: how long it took. reached alone, which no clock
-- tells, says which of two results is the newer one.
-- Nobody knows that of the results of before: they are computed again.
DELETE FROM results;
ALTER TABLE results
    ADD COLUMN settings bytea NOT NULL,
    ADD COLUMN clock bytea NOT NULL,
    ADD COLUMN facts bigint NOT NULL,
    ADD COLUMN cost_seconds double precision NOT NULL;

-- number: the order of their starts, whatever the clock said. A job is joined by those alone who ask under
-- the same settings. A live one of before is run again by whoever asks.
ALTER TABLE jobs
    ADD COLUMN number bigint GENERATED ALWAYS AS IDENTITY,
    ADD COLUMN settings bytea NOT NULL DEFAULT '';
ALTER TABLE jobs ALTER COLUMN settings DROP DEFAULT;
DROP INDEX jobs_live;
CREATE UNIQUE INDEX jobs_live ON jobs (team_id, key, settings) WHERE end_time IS NULL;
DROP INDEX jobs_waiting;
CREATE INDEX jobs_waiting ON jobs (number) WHERE end_time IS NULL;
