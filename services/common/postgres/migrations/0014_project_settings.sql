-- What became of projects' settings, by their facts: a read model. The rest of a project, and the
-- settings it was made with, stay in the plain table.
CREATE TABLE project_settings (
    team_id bigint PRIMARY KEY,
    stream_id uuid NOT NULL,
    row json NOT NULL,
    CONSTRAINT project_settings_stream UNIQUE (stream_id)
);

CREATE TRIGGER project_settings_changed AFTER INSERT OR UPDATE OR DELETE ON project_settings
    FOR EACH STATEMENT EXECUTE FUNCTION accounts_changed();

-- Projects as they are now. version: of the settings' stream.
CREATE VIEW current_projects AS
SELECT p.id, p.uuid, p.organization_id, coalesce(s.row->>'name', p.name) AS name, p.api_token,
    coalesce(s.row->>'timezone', p.timezone) AS timezone,
    coalesce((s.row->>'week_start_day')::smallint, p.week_start_day) AS week_start_day,
    coalesce(s.row->'test_account_filters', p.test_account_filters::json)
        AS test_account_filters,
    p.created_at, coalesce((s.row->>'version')::bigint, 0) AS version
FROM projects p LEFT JOIN project_settings s ON s.team_id = p.id;
