-- The Merkle tree over each project's chain, what was signed of it, and by which keys.

INSERT INTO checkpoints (projection) VALUES ('proofs');

-- How far each tree has grown. nodes: the hashes of its complete subtrees, left to right, 32 bytes
-- each. position: of the newest fact in it; the largest of them all is as far as the projection is.
CREATE TABLE tree_edges (
    team_id bigint PRIMARY KEY,
    size bigint NOT NULL,
    position bigint NOT NULL,
    nodes bytea NOT NULL
);

CREATE INDEX tree_edges_position ON tree_edges (position);

-- Tiles above the lowest: up to 256 hashes of 32 bytes, each the root of a full tile below. The
-- lowest level is in the log itself. The last tile of each level grows.
CREATE TABLE tree_tiles (
    team_id bigint NOT NULL,
    level smallint NOT NULL CHECK (level > 0),
    index bigint NOT NULL,
    hashes bytea NOT NULL CHECK (octet_length(hashes) BETWEEN 32 AND 8192),
    PRIMARY KEY (team_id, level, index)
);

-- What was signed: no projection, since nobody could sign it again as of then. note: with all its
-- signatures. witnesses: how many cosigned it. kept: somebody refers to it, so it is never thinned.
CREATE TABLE signed_checkpoints (
    team_id bigint NOT NULL,
    size bigint NOT NULL CHECK (size > 0),
    root bytea NOT NULL CHECK (octet_length(root) = 32),
    note text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    witnesses int NOT NULL DEFAULT 0,
    kept boolean NOT NULL DEFAULT false,
    PRIMARY KEY (team_id, size)
);

-- A tree only grows, and has one root at each size: whoever signs, and whatever is wrong with them.
CREATE FUNCTION checkpoint_goes_on() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF NEW.team_id <> OLD.team_id OR NEW.size <> OLD.size OR NEW.root <> OLD.root THEN
            RAISE check_violation USING MESSAGE = 'a signed checkpoint does not change';
        END IF;
    ELSIF EXISTS (SELECT FROM signed_checkpoints WHERE team_id = NEW.team_id AND size > NEW.size) THEN
        RAISE check_violation USING MESSAGE = 'a larger tree was signed before';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER checkpoint_goes_on BEFORE INSERT OR UPDATE ON signed_checkpoints
    FOR EACH ROW EXECUTE FUNCTION checkpoint_goes_on();

-- Public halves only: who can rewrite the log must not be able to sign it. until: it signs no more
-- from then on; null: it is the one that signs.
CREATE TABLE log_keys (
    public bytea PRIMARY KEY CHECK (octet_length(public) = 32),
    since timestamptz NOT NULL DEFAULT now(),
    until timestamptz,
    lost boolean NOT NULL DEFAULT false
);

CREATE UNIQUE INDEX log_keys_signing ON log_keys ((true)) WHERE until IS NULL;

-- How far each witness has cosigned each tree, and when it was asked last.
CREATE TABLE witness_progress (
    team_id bigint NOT NULL,
    witness text NOT NULL,
    size bigint NOT NULL,
    at timestamptz NOT NULL,
    failed boolean NOT NULL DEFAULT false,
    PRIMARY KEY (team_id, witness)
);
