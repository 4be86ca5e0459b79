-- Links that open a project's pages, each once (services/common/accounts/login_links.py).

CREATE TABLE login_links (
    secret_hash bytea PRIMARY KEY,
    key_id text NOT NULL REFERENCES personal_api_keys (id) ON DELETE CASCADE,
    team_id bigint NOT NULL,
    expires_at timestamptz NOT NULL
);
