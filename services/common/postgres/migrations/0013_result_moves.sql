-- How often a project's results were kept or thrown away. While the number stands still, so does
-- every result that an answer shows (services/query/reads/recent_answers.py).
CREATE TABLE result_moves (
    team_id bigint PRIMARY KEY,
    moves bigint NOT NULL
) WITH (fillfactor = 50);

-- In the transaction that moves the result, whoever does it. Its row lock is taken after the
-- result's own and before a job's is let go, always in that order.
CREATE FUNCTION results_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO result_moves AS known (team_id, moves)
    VALUES (CASE TG_OP WHEN 'DELETE' THEN OLD.team_id ELSE NEW.team_id END, 1)
    ON CONFLICT (team_id) DO UPDATE SET moves = known.moves + 1;
    RETURN NULL;
END
$$;

CREATE TRIGGER results_moved AFTER INSERT OR UPDATE OR DELETE ON results
    FOR EACH ROW EXECUTE FUNCTION results_moved();
