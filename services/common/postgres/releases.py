"""Releases beside each other: who runs, and which kinds of facts every one of them can read.

A new release writes its new kinds of facts once `log_writes` names them, so that a projector of the
release before, which runs beside it, never meets a fact that it can't read.
"""

import importlib.metadata
from collections.abc import Iterable
from functools import cache
from typing import Any, LiteralString, get_args

import msgspec
import psycopg
from psycopg.rows import args_row

from contracts.codec import stored_names
from contracts.events.recorded import DomainEvent

# A process that has said nothing for so long is dead; one that froze may thaw.
LIVES_SECONDS = 60.0

NAMED: LiteralString = "SELECT kind FROM log_writes"

# The first time, and again every few seconds. Those that died go after a while.
SIGN_UP: LiteralString = """
    WITH dead AS (
        DELETE FROM processes WHERE seen_at < now() - interval '1 day'
    ), signed AS (
        INSERT INTO processes (id, service, version, tables, kinds, seen_at)
        VALUES (%(id)s, %(service)s, %(version)s, %(tables)s, %(kinds)s, now())
        ON CONFLICT (id) DO UPDATE SET seen_at = now()
    )
    SELECT kind FROM log_writes WHERE NOT kind = ANY(%(kinds)s) ORDER BY kind"""
SIGN_OFF: LiteralString = "DELETE FROM processes WHERE id = %s"

_PROCESSES: LiteralString = """
    SELECT id::text, service, version, tables, extract(epoch FROM now() - seen_at)::float8,
        ARRAY(SELECT kind FROM unnest(%(kinds)s::text[]) AS kind WHERE NOT kind = ANY(kinds))
    FROM processes WHERE seen_at > now() - make_interval(secs => %(lives)s)
    ORDER BY tables, version, service, id"""

# Every process of ours listens. Those of releases that had no table of processes name no
# application, and ours all do (services/common/postgres/database.py).
_UNNAMED: LiteralString = """
    SELECT coalesce(client_addr::text, 'this machine') AS address, array_agg(pid ORDER BY pid)
    FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = '' AND query LIKE 'LISTEN "recount_%'
    GROUP BY address ORDER BY address"""

_NAME: LiteralString = """
    INSERT INTO log_writes (kind) SELECT unnest(%s::text[]) ON CONFLICT (kind) DO NOTHING"""

# Whose tables end before these can't read what is written from now on.
_REFUSE_OLDER: LiteralString = """
    UPDATE schema_migrations SET compatible_from = number WHERE number = %s"""


class RunningProcess(msgspec.Struct, frozen=True):
    """A process that runs. tables: the newest migration it knows. silent_seconds: since it last
    said that it lives. lacks: kinds of facts of this release that it can't read.
    """

    id: str
    service: str
    version: str
    tables: int
    silent_seconds: float
    lacks: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.service} {self.version} (tables {self.tables}, {self.id[:8]})"


class OlderSessions(msgspec.Struct, frozen=True):
    """Sessions of processes of a release that did not tell themselves, several of each process."""

    address: str
    pids: list[int]

    def __str__(self) -> str:
        sessions = ", ".join(map(str, self.pids))
        return f"an older release at {self.address} (PostgreSQL's sessions {sessions})"


class Releases(msgspec.Struct, frozen=True):
    """What runs. pending: kinds of facts of this release that nobody writes yet."""

    processes: tuple[RunningProcess, ...]
    older: tuple[OlderSessions, ...]
    pending: tuple[str, ...]

    @property
    def in_the_way(self) -> tuple[RunningProcess | OlderSessions, ...]:
        """Of what is pending."""
        late = tuple(one for one in self.processes if set(one.lacks) & set(self.pending))
        return (*self.older, *late)


class OlderProcesses(Exception):
    """A process that runs can't read what would be written; nothing was changed."""

    def __init__(self, older: Iterable[RunningProcess | OlderSessions]) -> None:
        self.older = tuple(older)
        super().__init__(
            "Not finished: " + "; ".join(map(str, self.older)) + " can't read the new facts yet."
        )


@cache
def kinds() -> tuple[str, ...]:
    """The stored names of every kind of fact that this code can read and write."""
    return tuple(sorted(stored_names(*get_args(DomainEvent))))


def version() -> str:
    return importlib.metadata.version("recount")


def running(conn: psycopg.Connection[Any]) -> Releases:
    """As it is at this moment."""
    named = {kind for (kind,) in conn.execute(NAMED)}
    values = {"kinds": list(kinds()), "lives": LIVES_SECONDS}
    with conn.cursor(row_factory=args_row(_process)) as cursor:
        processes = cursor.execute(_PROCESSES, values).fetchall()
    with conn.cursor(row_factory=args_row(OlderSessions)) as sessions:
        older = sessions.execute(_UNNAMED).fetchall()
    pending = tuple(kind for kind in kinds() if kind not in named)
    return Releases(tuple(processes), tuple(older), pending)


def _process(id: str, service: str, version: str, tables: int, silent: float, lacks: Any) -> Any:
    return RunningProcess(id, service, version, tables, silent, tuple(lacks))


def finish(conn: psycopg.Connection[Any], tables: int, *, alone: bool = False) -> tuple[str, ...]:
    """From now on every kind of fact of this release is written; those that were not until now.
    A process that could not read them can't start any more. tables: the newest migration.
    alone: nobody else can be there; who is told of has died.

    Raises OlderProcesses.
    """
    with conn.transaction():
        # Who signs up meanwhile waits, and sees what is named.
        conn.execute("LOCK TABLE processes IN SHARE ROW EXCLUSIVE MODE")
        now = running(conn)
        if not now.pending:
            return ()
        if now.in_the_way and not alone:
            raise OlderProcesses(now.in_the_way)
        conn.execute(_NAME, (list(now.pending),))
        conn.execute(_REFUSE_OLDER, (tables,))
    return now.pending


def name_all(conn: psycopg.Connection[Any]) -> None:
    """Of a log without any fact: nobody has to read what was before."""
    if conn.execute("SELECT FROM log LIMIT 1").fetchone() is None:
        conn.execute(_NAME, (list(kinds()),))
