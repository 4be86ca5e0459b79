"""Runs the numbered SQL files of `migrations/`, each once, however many processes start."""

from importlib.resources import files

import msgspec
import psycopg

# Any number, as long as it is always the same one: who holds it may change the tables.
_LOCK = 7_210_334_482

_MADE = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    number int PRIMARY KEY,
    name text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""


class Migration(msgspec.Struct, frozen=True):
    """One file: `0002_log.sql` is number 2, name `log`."""

    number: int
    name: str
    text: str


def migrations() -> list[Migration]:
    """All of them, in the order of their numbers."""
    found = []
    for file in files("services.common.postgres").joinpath("migrations").iterdir():
        if file.name.endswith(".sql"):
            number, _, name = file.name.removesuffix(".sql").partition("_")
            found.append(Migration(int(number), name, file.read_text()))
    return sorted(found, key=lambda migration: migration.number)


def migrate(url: str) -> None:
    """Bring this database up to date; does nothing when it is.

    Each file is one transaction with its line in schema_migrations: it happened or it did not.
    The lock is the session's, so a process that dies lets it go.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
        connection.execute(_MADE)
        applied = {
            number for (number,) in connection.execute("SELECT number FROM schema_migrations")
        }
        for migration in migrations():
            if migration.number not in applied:
                _apply(connection, migration)


def _apply(connection: psycopg.Connection, migration: Migration) -> None:
    with connection.transaction():
        connection.execute(migration.text.encode())
        connection.execute(
            "INSERT INTO schema_migrations (number, name) VALUES (%(number)s, %(name)s)",
            {"number": migration.number, "name": migration.name},
        )
