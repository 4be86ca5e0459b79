-- The receipt of an erasure: its last state as JSON, and the same as a note that the log's key has
-- signed, once it has.
ALTER TABLE erasures ADD COLUMN told text, ADD COLUMN receipt text;

CREATE INDEX erasures_unsigned ON erasures (id) WHERE told IS NOT NULL AND receipt IS NULL;
