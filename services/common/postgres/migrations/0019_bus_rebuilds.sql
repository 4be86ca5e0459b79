-- The public stream is being published again from the log: who followed it goes on where they were.
CREATE TABLE bus_rebuilds (
    stream text PRIMARY KEY,
    consumers jsonb NOT NULL,
    begun_at timestamptz NOT NULL DEFAULT now()
);
