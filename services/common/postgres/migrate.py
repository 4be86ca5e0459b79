"""Runs the numbered SQL files of `migrations/`, each once, however many processes start."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files

import msgspec
import psycopg
from psycopg.errors import UndefinedColumn, UndefinedTable

from services.common.postgres.releases import finish, name_all

# Any number, as long as it is always the same one: who holds it may change the tables.
LOCK = 7_210_334_482
# A server that is frozen takes a connection and never answers.
_CONNECT_SECONDS = 5

_MADE = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    number int PRIMARY KEY,
    name text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""
# Of a table made before there was the column, too.
_COMPATIBLE = "ALTER TABLE schema_migrations ADD COLUMN IF NOT EXISTS compatible_from int"
_APPLIED = "SELECT number, coalesce(compatible_from, number) FROM schema_migrations"
_RECORD = """
    INSERT INTO schema_migrations (number, name, compatible_from)
    VALUES (%(number)s, %(name)s, %(compatible_from)s)"""

_SAYS_COMPATIBLE = re.compile(r"^-- compatible_from: (\d+)$", re.MULTILINE)


class Migration(msgspec.Struct, frozen=True):
    """One file: `0002_log.sql` is number 2, name `log`.

    compatible_from: the number of the oldest newest migration whose code can still run on these
    tables, as a line `-- compatible_from: 1` of the file says; without one, its own number.
    """

    number: int
    name: str
    text: str
    compatible_from: int


class OlderTables(Exception):
    """The tables are of an older Recount than this code, or not there; nothing was changed."""


class NewerTables(Exception):
    """The tables are of a newer Recount than this code; nothing was changed."""

    def __init__(self, found: int, known: int) -> None:
        super().__init__(
            f"The database's tables are those of a newer Recount: they need one that knows "
            f"migration {found}, and this one knows them up to {known}. Nothing was changed; "
            "start the newer Recount."
        )


def migrations() -> list[Migration]:
    """All of them, in the order of their numbers."""
    found = []
    for file in files("services.common.postgres").joinpath("migrations").iterdir():
        if file.name.endswith(".sql"):
            number, _, name = file.name.removesuffix(".sql").partition("_")
            text = file.read_text()
            says = _SAYS_COMPATIBLE.search(text)
            compatible_from = int(says[1]) if says else int(number)
            found.append(Migration(int(number), name, text, compatible_from))
    return sorted(found, key=lambda migration: migration.number)


def migrate(url: str) -> None:
    """Bring this database up to date; does nothing when it is. Raises NewerTables.

    Each file is one transaction with its line in schema_migrations: it happened or it did not.
    The lock is the session's, so a process that dies lets it go.
    """
    with locked(url) as connection:
        connection.execute(_MADE)
        connection.execute(_COMPATIBLE)
        for migration in _missing(connection):
            _apply(connection, migration)
        name_all(connection)


def migrate_alone(url: str) -> None:
    """The same where nobody else is on the database, or will be: the release is finished, too."""
    migrate(url)
    with _connect(url) as connection:
        finish(connection, migrations()[-1].number, alone=True)


@contextmanager
def locked(url: str) -> Iterator[psycopg.Connection]:
    """A connection of its own that alone may change tables, those of ClickHouse, too."""
    with _connect(url) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
        yield connection


def check_tables(url: str) -> None:
    """Raises OlderTables and NewerTables where this code can't work on the database's tables."""
    with _connect(url) as connection:
        try:
            missing = _missing(connection)
        except (UndefinedTable, UndefinedColumn):
            missing = migrations()
    if missing:
        raise OlderTables(
            f"the tables lack migration {missing[0].number} ({missing[0].name}): "
            "`recount migrate` brings them up to date"
        )


def _connect(url: str) -> psycopg.Connection:
    return psycopg.connect(url, autocommit=True, connect_timeout=_CONNECT_SECONDS)


def _missing(connection: psycopg.Connection) -> list[Migration]:
    """What has not been applied. Raises NewerTables."""
    known = migrations()
    applied: dict[int, int] = dict(connection.execute(_APPLIED).fetchall())
    needed, newest = max(applied.values(), default=0), known[-1].number
    if needed > newest:
        raise NewerTables(needed, newest)
    return [migration for migration in known if migration.number not in applied]


def _apply(connection: psycopg.Connection, migration: Migration) -> None:
    with connection.transaction():
        connection.execute(migration.text.encode())
        connection.execute(_RECORD, msgspec.structs.asdict(migration))
