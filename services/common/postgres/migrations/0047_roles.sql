-- compatible_from: 40
-- What the services' own role may not do by itself (services/common/postgres/roles.py): the one way
-- to change what is in the log. Hash and commitment stay, and a row that is not as the caller says
-- stays whole. Whoever owns the tables may call it; `recount migrate --grant` lets the services.
CREATE FUNCTION erase_log_payloads(team bigint, positions bigint[], before bytea[], left_over bytea[])
RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH erased AS (
        UPDATE public.log SET state = entry.left_over, salt = ''
        FROM unnest(positions, before, left_over) AS entry (position, before, left_over)
        WHERE notification_id = entry.position AND team_id = team AND state = entry.before
        RETURNING 1
    )
    SELECT count(*) FROM erased
$$;

REVOKE ALL ON FUNCTION erase_log_payloads(bigint, bigint[], bytea[], bytea[]) FROM PUBLIC;
