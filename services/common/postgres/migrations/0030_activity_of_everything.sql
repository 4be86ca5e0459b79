-- Every kind of thing has activity, one entry an operation and thing, by the place of its last fact.
-- So the log is folded once more; until then readers of activity are told that it is behind.
DROP TABLE activity;
DROP TABLE activity_subjects;
DELETE FROM parked_streams WHERE projection = 'activity';
UPDATE checkpoints SET position = 0, rebuilds = rebuilds + 1 WHERE projection = 'activity';

-- item_id: the thing's, as clients know it; insight_id: the insight's number in scope Insight.
-- at: of the entry's first fact. position, sequence: of its last one, in the log and in the project.
-- fields: those that changed. row: the changes themselves, the thing's name and short id.
CREATE TABLE activity (
    id uuid PRIMARY KEY,
    team_id bigint NOT NULL,
    scope text NOT NULL,
    item_id text NOT NULL,
    insight_id bigint CHECK ((insight_id IS NOT NULL) = (scope = 'Insight')),
    activity text NOT NULL,
    quiet boolean NOT NULL,
    user_id bigint,
    key_id text,
    operation_id uuid NOT NULL,
    at timestamptz NOT NULL,
    position bigint NOT NULL,
    sequence bigint NOT NULL,
    fields text[] NOT NULL,
    row json NOT NULL
);

-- With what a count asks for, so that it needs no table.
CREATE INDEX activity_of_team ON activity (team_id, position DESC) INCLUDE (scope, insight_id);
CREATE INDEX activity_of_team_loud ON activity (team_id, position DESC) INCLUDE (scope, insight_id)
    WHERE NOT quiet;
CREATE INDEX activity_of_insight ON activity (team_id, insight_id, position DESC)
    WHERE insight_id IS NOT NULL;
CREATE INDEX activity_of_insight_loud ON activity (team_id, insight_id, position DESC)
    WHERE insight_id IS NOT NULL AND NOT quiet;
CREATE INDEX activity_of_item ON activity (team_id, scope, item_id, position DESC)
    WHERE insight_id IS NULL;

-- What the activity log must remember of each thing to tell its next change.
CREATE TABLE activity_subjects (
    stream_id uuid PRIMARY KEY,
    row json NOT NULL
);
