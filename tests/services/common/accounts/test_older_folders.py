"""Accounts of before there were chains: each organization gets its own, and an owner."""

import psycopg

from services.common.postgres.migrate import _apply, migrate, migrations

CHAINS = 35
OLDER = """
    INSERT INTO organizations (id, name) VALUES
        (gen_random_uuid(), 'a'), (gen_random_uuid(), 'b'), (gen_random_uuid(), 'c');
    INSERT INTO users (distinct_id, email) SELECT n, n || '@x.example' FROM generate_series(1, 4) n;
    INSERT INTO organization_members (organization_id, user_id, level, joined_at)
    SELECT id, user_id, level, '2026-01-01'::timestamptz + day * interval '1 day'
    FROM organizations JOIN (VALUES
        ('a', 1, 1, 1), ('a', 2, 8, 3), ('a', 3, 8, 2),
        ('b', 1, 15, 4), ('b', 2, 8, 1), ('c', 4, 1, 1)
    ) AS member (name, user_id, level, day) USING (name);
"""


def test_the_oldest_administrator_owns_what_nobody_owns(empty_postgres_url: str) -> None:
    with psycopg.connect(empty_postgres_url, autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE schema_migrations (number int PRIMARY KEY, name text NOT NULL,"
            " applied_at timestamptz NOT NULL DEFAULT now(), compatible_from int)"
        )
        for each in migrations():
            if each.number < CHAINS:
                _apply(connection, each)
        connection.execute(OLDER)
        migrate(empty_postgres_url)
        levels = connection.execute(
            "SELECT name, user_id, level FROM organization_members"
            " JOIN organizations ON organizations.id = organization_id ORDER BY name, user_id"
        ).fetchall()
        chains = connection.execute("SELECT chain FROM organizations").fetchall()
        (next_one,) = connection.execute(
            "INSERT INTO organizations (id, name) VALUES (gen_random_uuid(), 'd') RETURNING chain"
        ).fetchall()
    assert levels == [
        *(("a", 1, 1), ("a", 2, 8), ("a", 3, 15)),
        *(("b", 1, 15), ("b", 2, 8), ("c", 4, 1)),
    ]
    assert {chain for (chain,) in chains} == {-1, -2, -3}
    assert next_one == (-4,)
