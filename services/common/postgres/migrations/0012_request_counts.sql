-- Requests per key and project, by window: budgets count with them. Not logged, so that counting
-- costs little; a crash forgets them. number: of the window, from the epoch on.

CREATE UNLOGGED TABLE request_counts (
    subject text NOT NULL,
    seconds integer NOT NULL CHECK (seconds > 0),
    number bigint NOT NULL,
    used integer NOT NULL CHECK (used > 0),
    PRIMARY KEY (subject, seconds, number)
) WITH (fillfactor = 50);
