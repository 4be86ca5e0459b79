-- What the public side of sharing needs beside the read models.

-- Keys that this installation signs with; made by whoever needs one first.
CREATE TABLE server_secrets (
    name text PRIMARY KEY,
    value bytea NOT NULL CHECK (length(value) >= 32)
);

-- Wrong passwords lately, per share token and minute, whichever process was asked.
CREATE TABLE share_failures (
    token_id bigint NOT NULL,
    minute timestamptz NOT NULL,
    count integer NOT NULL,
    PRIMARY KEY (token_id, minute)
);
