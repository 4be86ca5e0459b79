-- compatible_from: 40
-- Events that are taken out of ClickHouse and stored again, since PostgreSQL went back in time: until
-- they are all back, no number of their projects is told.

-- restoring_to: the last sequence that stood there; all is back once that is reached. restorations: how
-- often rows were taken out, so that whoever computed meanwhile knows that some may have been missing.
ALTER TABLE ingest_progress
    ADD COLUMN restoring_to bigint,
    ADD COLUMN restorations bigint NOT NULL DEFAULT 0;
