-- What a project was made under: an Idempotency-Key makes one, however often it is asked. The log's
-- receipts belong to a project, so they can't tell of a project's own making.
-- made_by_key: the API key. made_under: the Idempotency-Key. made_from: the digest of the request.
ALTER TABLE projects
    ADD COLUMN made_by_key text REFERENCES personal_api_keys ON DELETE SET NULL,
    ADD COLUMN made_under text,
    ADD COLUMN made_from bytea,
    ADD CONSTRAINT projects_made_once UNIQUE (made_by_key, made_under);
