-- Access rules, as bodies show them and as statements join them. insight_id 0: the project's.

CREATE TABLE access (
    team_id bigint NOT NULL,
    insight_id bigint NOT NULL,
    stream_id uuid NOT NULL,
    position bigint NOT NULL,
    row json NOT NULL,
    PRIMARY KEY (team_id, insight_id),
    CONSTRAINT access_stream UNIQUE (stream_id)
);

-- While the newest position stands still, so does what each user sees.
CREATE INDEX access_newest ON access (team_id, position DESC);

-- One line per rule. user_id 0: everyone. level: 0 none, 1 viewer, 2 editor, 3 manager.
CREATE TABLE access_rules (
    team_id bigint NOT NULL,
    insight_id bigint NOT NULL,
    user_id bigint NOT NULL,
    level smallint NOT NULL CHECK (level BETWEEN 0 AND 3),
    PRIMARY KEY (team_id, insight_id, user_id)
);

-- Most projects hide nothing from anybody, and are told from the others by this alone.
CREATE INDEX access_rules_hiding ON access_rules (team_id) WHERE level = 0;
