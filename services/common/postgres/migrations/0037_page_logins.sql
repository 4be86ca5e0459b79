-- Wrong keys at the way in to the pages lately, by address and minute
-- (services/command/pages/logins.py).
CREATE TABLE login_failures (
    address text NOT NULL,
    minute timestamptz NOT NULL,
    count integer NOT NULL,
    PRIMARY KEY (address, minute)
);

-- The key of a link ends with the session that the link opens, or with the link.
ALTER TABLE personal_api_keys ADD COLUMN expires_at timestamptz;
UPDATE personal_api_keys SET expires_at = now() + interval '12 hours'
WHERE label = 'Made for a link to the pages' AND revoked_at IS NULL;
