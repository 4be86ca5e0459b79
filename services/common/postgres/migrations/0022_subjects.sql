-- The thing that an entry is about, `insight/1`, as its stream has it: an id does not tell. Written
-- with the entry, and not hashed. Null: the entry is of before, and nothing in the log is ever changed.
ALTER TABLE log ADD COLUMN subject text CHECK (subject <> '');

-- Of those: the first fact of a stream names its number.
CREATE FUNCTION subject_of_before(stream uuid) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN topic LIKE 'viewing.insight\_viewed.%' THEN 'viewing/' || (fact->'user_id')::text
        WHEN topic LIKE 'viewing.share\_login\_%' THEN 'share_login/' || (fact->'insight_id')::text
        WHEN kind = 'sharing' THEN 'sharing/' || (fact->'insight_id')::text
        WHEN kind = 'access' THEN 'access/' || coalesce(nullif((fact->'insight_id')::text, 'null'), '0')
        WHEN kind = 'project' THEN 'project/0'
        ELSE kind || '/' || coalesce((fact->(kind || '_id'))::text, '0')
    END
    FROM (
        SELECT topic, split_part(topic, '.', 1) AS kind, convert_from(state, 'UTF8')::json AS fact
        FROM log WHERE originator_id = stream AND originator_version = 1
    ) AS first
$$;

-- What tells this installation from every other one: the source of its events. A copy that goes on by
-- itself needs another.
CREATE TABLE installation (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one)
);

INSERT INTO installation DEFAULT VALUES;
