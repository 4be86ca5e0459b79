-- When the numbers of insights may have moved because something that they name did: an action, a
-- cohort, the project's test-account filters. Written with the catalog's rows.
-- what: the fact, as its stored name has it (`steps_changed`).
CREATE TABLE definition_changes (
    stream_id uuid NOT NULL,
    position bigint NOT NULL,
    team_id bigint NOT NULL,
    at timestamptz NOT NULL,
    user_id bigint,
    what text COLLATE "C" NOT NULL,
    PRIMARY KEY (stream_id, position)
);

-- Those that the catalog has applied already.
INSERT INTO definition_changes (stream_id, position, team_id, at, user_id, what)
SELECT originator_id, notification_id, team_id, recorded_at,
    (actor::json->>'user_id')::bigint, split_part(topic, '.', 2)
FROM log
WHERE notification_id <= (SELECT position FROM checkpoints WHERE projection = 'catalog')
    AND originator_id NOT IN (SELECT stream_id FROM parked_streams WHERE projection = 'catalog')
    AND regexp_replace(topic, '\.v[0-9]+$', '') IN (
        'action.steps_changed', 'action.deleted', 'action.restored',
        'cohort.filters_changed', 'cohort.people_added', 'cohort.deleted', 'cohort.restored',
        'project.test_account_filters_changed'
    );
