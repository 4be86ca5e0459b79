-- batch_token: of the range that is being stored: random, so that a range which is stored again after
-- its rows were taken out (a database that went back in time) is no repetition to ClickHouse. NULL:
-- begun before there were tokens.
ALTER TABLE ingest_progress ADD COLUMN batch_token uuid;

-- Up to where a stream's messages were stored at a time: so many hours of them stay on the stream.
CREATE TABLE ingest_kept (
    stream text NOT NULL,
    at timestamptz NOT NULL,
    reached bigint NOT NULL,
    PRIMARY KEY (stream, at)
);
