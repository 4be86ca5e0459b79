-- Persons, their distinct ids and groups, as the projector of product events keeps them: the
-- transactional truth, of which ClickHouse holds a copy. version: the stream sequence that the batch
-- of the last change ended with.

-- properties: JSON text, kept as it was sent. A distinct id without a row here belongs to somebody of
-- whom no record was asked for ($process_person_profile: false).
CREATE TABLE persons (
    team_id bigint NOT NULL,
    person_id uuid NOT NULL,
    properties text NOT NULL,
    is_identified boolean NOT NULL,
    created_at timestamptz NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (team_id, person_id)
);

CREATE TABLE person_distinct_ids (
    team_id bigint NOT NULL,
    distinct_id text COLLATE "C" NOT NULL,
    person_id uuid NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (team_id, distinct_id)
);

CREATE INDEX person_distinct_ids_of_person ON person_distinct_ids (team_id, person_id);

-- Merged persons, flat: a target is never itself merged into another.
CREATE TABLE person_overrides (
    team_id bigint NOT NULL,
    person_id uuid NOT NULL,
    target_id uuid NOT NULL CHECK (target_id <> person_id),
    version bigint NOT NULL,
    PRIMARY KEY (team_id, person_id)
);

CREATE INDEX person_overrides_to_target ON person_overrides (team_id, target_id);

-- A project has at most five types of groups, numbered as they appear.
CREATE TABLE group_types (
    team_id bigint NOT NULL,
    group_type text COLLATE "C" NOT NULL,
    group_type_index smallint NOT NULL CHECK (group_type_index BETWEEN 0 AND 4),
    PRIMARY KEY (team_id, group_type),
    UNIQUE (team_id, group_type_index)
);

CREATE TABLE groups (
    team_id bigint NOT NULL,
    group_type_index smallint NOT NULL,
    group_key text COLLATE "C" NOT NULL,
    properties text NOT NULL,
    created_at timestamptz NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (team_id, group_type_index, group_key)
);
