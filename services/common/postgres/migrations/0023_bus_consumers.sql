-- Numbers of bus consumers, by the names that they have on the bus. What they are is in the log.
-- acknowledged: the last position that all up to it was acknowledged, as last seen, and `begun` the
-- beginning that this counts from: where a consumer that the bus has lost goes on.
-- gone_at: when its deletion was done on the bus, too.
CREATE TABLE bus_consumer_ids (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    team_id      bigint NOT NULL,
    key          text NOT NULL UNIQUE,
    acknowledged bigint,
    begun        bigint,
    gone_at      timestamptz
);

CREATE INDEX bus_consumer_ids_there ON bus_consumer_ids (team_id, id) WHERE gone_at IS NULL;

-- Passwords of bus consumers, as SHA-256: they are random. Each lives no longer than the key and the
-- rank that it was asked for with. salt: what it was made of, beside the issuer's seed.
CREATE TABLE bus_passwords (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    team_id    bigint NOT NULL,
    user_id    bigint NOT NULL,
    key_id     text NOT NULL,
    salt       bytea NOT NULL,
    hash       bytea NOT NULL CHECK (octet_length(hash) = 32),
    created_at timestamptz NOT NULL DEFAULT now()
);
