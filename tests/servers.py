"""Real servers for the tests, those of `recount serve`: once per run, in a temporary folder."""

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from services.common.postgres.migrate import migrate
from services.embedded import nats, postgres
from services.embedded.account import account_for

if TYPE_CHECKING:
    from services.common.clickhouse import ClickHouse

_TEMPLATE = "recount_template"
_EMPTY_TEMPLATE = "template1"

# Nothing here has to survive a power cut, and a killed process loses nothing that the kernel has.
# Benchmarks start their own server, with the real settings.
_HASTY = {
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "300",
    "max_wal_size": "256MB",
}

# Thousands of databases are made and dropped in a run. On a disk that somebody else writes to, too,
# each of them takes a second; in memory, a tenth.
_MEMORY = Path("/dev/shm")  # noqa: S108 - as much everybody's as /tmp, and the name is random
_ROOM_BYTES = 8 * 2**30

_numbers = count(1)


def _memory() -> Path | None:
    """Where files are kept in memory; None: nowhere, or there is too little of it."""
    if not os.access(_MEMORY, os.W_OK) or shutil.disk_usage(_MEMORY).free < _ROOM_BYTES:
        return None
    return _MEMORY


@contextmanager
def server_folder() -> Iterator[Path]:
    """A temporary folder that the servers' account can enter, short as socket paths must be."""
    with tempfile.TemporaryDirectory(
        prefix="rct-", dir=_memory(), ignore_cleanup_errors=True
    ) as name:
        folder = Path(name).resolve()
        folder.chmod(0o711)
        yield folder


class Databases:
    """Fresh databases on one server, each named once."""

    def __init__(self, server: postgres.Postgres) -> None:
        self._server = server
        self._migrated = False

    @contextmanager
    def migrated(self) -> Iterator[str]:
        """URL of a database with every migration applied; dropped afterwards."""
        if not self._migrated:
            self._create(_TEMPLATE, _EMPTY_TEMPLATE)
            migrate(self._server.url_of(_TEMPLATE))
            self._migrated = True
        with self._fresh(_TEMPLATE) as url:
            yield url

    @contextmanager
    def empty(self) -> Iterator[str]:
        """URL of a database without any table; dropped afterwards."""
        with self._fresh(_EMPTY_TEMPLATE) as url:
            yield url

    @contextmanager
    def copied(self, url: str) -> Iterator[str]:
        """URL of a copy of a database that nobody is connected to; dropped afterwards."""
        with self._fresh(str(conninfo_to_dict(url)["dbname"])) as copy:
            yield copy

    @contextmanager
    def _fresh(self, template: str) -> Iterator[str]:
        name = f"test_{next(_numbers)}"
        self._create(name, template)
        yield self._server.url_of(name)
        self._run(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def _create(self, name: str, template: str) -> None:
        create = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        self._run(create.format(sql.Identifier(name), sql.Identifier(template)))

    def _run(self, statement: sql.Composed) -> None:
        with psycopg.connect(self._server.url_of("postgres"), autocommit=True) as connection:
            connection.execute(statement)


@contextmanager
def postgres_server(folder: Path) -> Iterator[Databases]:
    server = postgres.start(folder / "postgres", account_for(folder), _HASTY)
    try:
        yield Databases(server)
    finally:
        server.stop()


class NatsServer(msgspec.Struct, frozen=True):
    """A nats-server of our own; the URL carries the password of its streams' user.

    issuer, system_user: as the command service is told them.
    """

    url: str
    issuer: str
    system_user: str


@contextmanager
def nats_server(folder: Path) -> Iterator[NatsServer]:
    server = nats.start(folder / "nats", account_for(folder))
    try:
        yield NatsServer(server.url, server.issuer, server.system_user)
    finally:
        server.stop()


@asynccontextmanager
async def clickhouse(folder: Path) -> "AsyncIterator[ClickHouse]":
    """A fresh database on the one chDB engine that a process may have; dropped afterwards."""
    # Here and not above: chDB takes a second to import, and most tests do not need it.
    from services.common.clickhouse import ClickHouse

    database = unique("test_")
    opened = await ClickHouse.open(f"chdb://{folder / 'chdb'}?database={database}&durable=0")
    try:
        yield opened
        await opened.command(f"DROP DATABASE IF EXISTS {database}")
    finally:
        await opened.close()


def unique(prefix: str) -> str:
    """A name that no other test of this run has."""
    return f"{prefix}{next(_numbers)}"
