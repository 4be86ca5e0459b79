-- What `recount migrate` has changed on each node of ClickHouse.
-- compatible_from: 40

-- shard: from 1. node: its host and port.
CREATE TABLE clickhouse_migrations (
    shard integer NOT NULL CHECK (shard >= 1),
    node text NOT NULL,
    number integer NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (shard, node, number)
);
