-- Read models: what the projector folds out of the log, and nothing that could not be folded again.
-- `row` is the row's Struct of contracts/read_models as JSON text; the columns beside it are what
-- statements select and sort by.

CREATE EXTENSION IF NOT EXISTS pg_trgm;

-- One line per projection, moved in the transaction that writes its rows.
-- rebuilds: how often its rows were replaced from the log; with a position it names one state of them.
CREATE TABLE checkpoints (
    projection text PRIMARY KEY,
    position bigint NOT NULL DEFAULT 0 CHECK (position >= 0),
    rebuilds bigint NOT NULL DEFAULT 0
);

INSERT INTO checkpoints (projection) VALUES
    ('insights'), ('sharing'), ('activity'), ('last_viewed');

-- Streams that a projection can't follow any further. Its rows stay as they were before `position`.
CREATE TABLE parked_streams (
    projection text NOT NULL,
    stream_id uuid NOT NULL,
    team_id bigint NOT NULL,
    position bigint NOT NULL,
    name text NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (projection, stream_id)
);

-- name_key, names_text, words_text: case-folded. names_text holds name and derived_name, words_text
-- description and tags, each set apart by U+001F, which none of them contains.
-- kind: TRENDS … SQL, OTHER; null for an insight that describes nothing.
-- dashboards: those it is live on.
-- query_key: what its result is kept under (contracts.queries.of_insights); null when it has none.
CREATE TABLE insights (
    team_id bigint NOT NULL,
    insight_id bigint NOT NULL,
    stream_id uuid NOT NULL,
    short_id text COLLATE "C" NOT NULL,
    name_key text COLLATE "C",
    names_text text NOT NULL,
    words_text text NOT NULL,
    kind text,
    has_query boolean NOT NULL,
    sort_order integer,
    deleted boolean NOT NULL,
    favorited boolean NOT NULL,
    saved boolean NOT NULL,
    tags text[] NOT NULL,
    dashboards bigint[] NOT NULL,
    created_at timestamptz NOT NULL,
    created_by bigint,
    updated_at timestamptz NOT NULL,
    last_modified_at timestamptz NOT NULL,
    version bigint NOT NULL,
    query_key bytea,
    row json NOT NULL,
    PRIMARY KEY (team_id, insight_id),
    CONSTRAINT insights_short_id UNIQUE (team_id, short_id),
    CONSTRAINT insights_stream UNIQUE (stream_id)
);

CREATE INDEX insights_by_order ON insights (team_id, sort_order, insight_id DESC) WHERE NOT deleted;
CREATE INDEX insights_by_modification ON insights (team_id, last_modified_at, insight_id DESC)
    WHERE NOT deleted;
CREATE INDEX insights_by_update ON insights (team_id, updated_at, insight_id DESC)
    WHERE NOT deleted;
CREATE INDEX insights_by_creation ON insights (team_id, created_at, insight_id DESC)
    WHERE NOT deleted;
CREATE INDEX insights_by_creator ON insights (team_id, created_by, insight_id DESC)
    WHERE NOT deleted;
CREATE INDEX insights_by_name ON insights (team_id, name_key, insight_id DESC) WHERE NOT deleted;
CREATE INDEX insights_favorited ON insights (team_id, insight_id DESC)
    WHERE favorited AND NOT deleted;
CREATE INDEX insights_names ON insights USING gin (names_text gin_trgm_ops);
CREATE INDEX insights_words ON insights USING gin (words_text gin_trgm_ops);
CREATE INDEX insights_tags ON insights USING gin (tags);
CREATE INDEX insights_dashboards ON insights USING gin (dashboards);

-- The last fact that touched any insight of a project: while it stands still, so does every count.
CREATE TABLE insight_positions (
    team_id bigint PRIMARY KEY,
    position bigint NOT NULL
);

CREATE TABLE sharing (
    team_id bigint NOT NULL,
    insight_id bigint NOT NULL,
    stream_id uuid NOT NULL,
    version bigint NOT NULL,
    row json NOT NULL,
    PRIMARY KEY (team_id, insight_id),
    CONSTRAINT sharing_stream UNIQUE (stream_id)
);

-- position: of the entry's first fact.
CREATE TABLE activity (
    id uuid PRIMARY KEY,
    team_id bigint NOT NULL,
    insight_id bigint NOT NULL,
    position bigint NOT NULL,
    quiet boolean NOT NULL,
    row json NOT NULL
);

CREATE INDEX activity_of_insight ON activity (team_id, insight_id, position DESC);
CREATE INDEX activity_of_insight_loud ON activity (team_id, insight_id, position DESC)
    WHERE NOT quiet;
CREATE INDEX activity_of_team ON activity (team_id, position DESC);
CREATE INDEX activity_of_team_loud ON activity (team_id, position DESC) WHERE NOT quiet;

-- What the activity log must remember of each insight to tell the next change: its name, its tiles.
CREATE TABLE activity_subjects (
    team_id bigint NOT NULL,
    insight_id bigint NOT NULL,
    stream_id uuid NOT NULL,
    row json NOT NULL,
    PRIMARY KEY (team_id, insight_id),
    CONSTRAINT activity_subjects_stream UNIQUE (stream_id)
);

CREATE TABLE last_viewed (
    team_id bigint NOT NULL,
    user_id bigint NOT NULL,
    insight_id bigint NOT NULL,
    viewed_at timestamptz NOT NULL,
    PRIMARY KEY (team_id, user_id, insight_id)
);

CREATE INDEX last_viewed_newest ON last_viewed (team_id, user_id, viewed_at DESC);
