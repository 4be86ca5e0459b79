"""A backup made: PostgreSQL first, then the engine, so that the engine is never the older one."""

import asyncio
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import msgspec
import psycopg

from contracts.backups import FORMAT, MANIFEST, BackedUpChain, BackupManifest
from services.common.clickhouse import ClickHouse, EngineError, embedded_url
from services.common.postgres.migrate import migrations
from services.embedded import datadir, nats, postgres
from services.embedded.account import account_for
from services.embedded.backups import freezing, postgres_copy
from services.embedded.refusal import CannotStart
from services.embedded.settings import EmbeddedSettings
from services.embedded.stopped_folder import captured

# How long captured events may take to be stored.
PATIENCE_SECONDS = 60.0
LOOK_SECONDS = 0.1
FILES = ("first-start.json",)
FOLDERS = ("keys",)
# In every unfinished backup, so that nothing else is taken for one.
MARK = ".recount-backup"

OnStep = Callable[[str, int, int], None]
"""Told what is copied, how much of it, and of how much."""

_HEAD = "SELECT coalesce(max(notification_id), 0) FROM log"
_CHAINS = "SELECT team_id, seq, hash FROM log_heads ORDER BY team_id"
_REACHED = "SELECT stream, reached FROM ingest_progress ORDER BY stream"
_TABLES = "SELECT max(number) FROM schema_migrations"


class BackupOptions(msgspec.Struct, frozen=True, kw_only=True):
    """own_postgres: it is copied here; else it is backed up elsewhere, up to `lsn`."""

    own_postgres: bool = True
    lsn: str | None = None


def back_up(
    data: Path, settings: EmbeddedSettings, target: Path, options: BackupOptions, on_step: OnStep
) -> BackupManifest:
    """Raises CannotStart, with nothing at `target`."""
    with _unfinished(target) as made:
        if settings.postgres_url is not None:
            return _of_servers(settings.postgres_url, settings, made, options, on_step)
        folder = datadir.existing(data)
        running = datadir.find(folder)
        if running is not None:
            stored = until_stored(running.nats_url, running.postgres_url)
            on_step("captured events", stored, stored)
            return _of_folder(folder, running.postgres_url, made, options, on_step, None)
        with datadir.claim(folder) as ours:
            server = postgres.start(ours.path / "postgres", ours.account)
            try:
                bus = nats.start(ours.path / "nats", ours.account)
                try:
                    _all_stored(bus.url, server.url)
                finally:
                    bus.stop()
                engine = embedded_url(ours.path / "chdb")
                return _of_folder(ours.path, server.url, made, options, on_step, engine)
            finally:
                server.stop()


def _of_folder(
    folder: Path,
    url: str,
    made: Path,
    options: BackupOptions,
    on_step: OnStep,
    engine: str | None,
) -> BackupManifest:
    """engine: to be opened here; None: a server has it open."""
    manifest = _before(url, options)
    if options.own_postgres:
        programs = postgres_copy.programs_for(account_for(folder), folder)
        postgres_copy.copy(
            url, made / "postgres", programs, lambda done, total: on_step("PostgreSQL", done, total)
        )
    try:
        frozen = freezing.asked(folder) if engine is None else asyncio.run(_frozen(engine, folder))
        parts = {
            table: tuple(_copied(folder / place, made / "clickhouse" / table, table, on_step))
            for table, place in frozen.items()
        }
    except EngineError as cause:
        raise CannotStart(f"The engine makes no copy of its tables: {cause}") from cause
    finally:
        freezing.forget(folder)
    for name in FILES:
        if (folder / name).exists():
            shutil.copy(folder / name, made / name)
    for name in FOLDERS:
        if (folder / name).exists():
            shutil.copytree(folder / name, made / name)
    copied = made / "clickhouse"
    rows = {
        table: sum(freezing.rows_of(copied / table / part) for part in some)
        for table, some in parts.items()
    }
    return _written(made, msgspec.structs.replace(manifest, parts=parts, rows=rows))


def _of_servers(
    url: str, settings: EmbeddedSettings, made: Path, options: BackupOptions, on_step: OnStep
) -> BackupManifest:
    """Of PostgreSQL elsewhere; whoever runs ClickHouse backs it up after this."""
    manifest = _before(url, options)
    if options.own_postgres:
        programs = postgres_copy.programs_for(account_for(made), made)
        postgres_copy.copy(
            url, made / "postgres", programs, lambda done, total: on_step("PostgreSQL", done, total)
        )
    return _written(made, manifest)


def _before(url: str, options: BackupOptions) -> BackupManifest:
    """What whatever is restored has at least."""
    with psycopg.connect(url, options="-c timezone=UTC") as conn:
        conn.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        (head,) = conn.execute(_HEAD).fetchone() or (0,)
        (tables,) = conn.execute(_TABLES).fetchone() or (0,)
        if tables > migrations()[-1].number:
            raise CannotStart("The database's tables are of a newer Recount than this one.")
        (installation,) = conn.execute("SELECT id FROM installation").fetchone() or (None,)
        if installation is None:
            raise CannotStart("The database is none of Recount's.")
        chains = {
            team_id: BackedUpChain(seq, bytes(hash_).hex())
            for team_id, seq, hash_ in conn.execute(_CHAINS).fetchall()
        }
        reached: dict[str, int] = dict(conn.execute(_REACHED).fetchall())
        server = conn.info.server_version
    return BackupManifest(
        recount_backup=FORMAT,
        made_at=datetime.now(UTC),
        version=version("recount"),
        tables=int(tables),
        installation=installation,
        head=int(head),
        chains=chains,
        reached=reached,
        postgres=f"{server // 10_000}.{server % 10_000}" if options.own_postgres else None,
        lsn=options.lsn,
        parts=None,
        rows={},
    )


def until_stored(nats_url: str, url: str) -> int:
    """Whatever was captured before the backup began is in it. The last sequence of it."""
    last = asyncio.run(captured(nats_url))
    deadline = time.monotonic() + PATIENCE_SECONDS
    while _reached(url) < last:
        if time.monotonic() > deadline:
            raise CannotStart(
                f"Captured events are not stored: {last - _reached(url):,} messages wait. /_readyz"
                " says why. Nothing was backed up."
            )
        time.sleep(LOOK_SECONDS)
    return last


def _all_stored(nats_url: str, url: str) -> None:
    waiting = asyncio.run(captured(nats_url)) - _reached(url)
    if waiting > 0:
        raise CannotStart(
            f"{waiting:,} captured messages are not stored yet. `recount serve` stores them within"
            " seconds; back up beside it, or try again after it."
        )


def _reached(url: str) -> int:
    with psycopg.connect(url) as conn:
        reached: dict[str, int] = dict(conn.execute(_REACHED).fetchall())
    return reached.get("CAPTURE", 0)


async def _frozen(engine: str, folder: Path) -> dict[str, str]:
    async with await ClickHouse.open(engine) as clickhouse:
        return await freezing.freeze(clickhouse, folder)


def _copied(frozen: Path, to: Path, table: str, on_step: OnStep) -> Iterator[str]:
    to.mkdir(parents=True)
    parts = freezing.parts_of(frozen)
    for number, part in enumerate(parts):
        on_step(table, number, len(parts))
        shutil.copytree(part, to / part.name)
        yield part.name


def _written(made: Path, manifest: BackupManifest) -> BackupManifest:
    (made / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest)))
    return manifest


@contextmanager
def _unfinished(target: Path) -> Iterator[Path]:
    """A folder that becomes `target` once all of it is on the disk; nothing is left otherwise."""
    target = datadir.whole(target)
    if target.exists() and any(target.iterdir() if target.is_dir() else [target]):
        raise CannotStart(f"{target} is there already, and not empty: name another folder.")
    made = target.with_name(f"{target.name}.unfinished")
    if made.exists():
        if not (made / MARK).exists():
            raise CannotStart(f"{made} is in the way, and no unfinished backup: remove it.")
        shutil.rmtree(made)
    made.mkdir(mode=0o700, parents=True)
    try:
        (made / MARK).touch()
        yield made
        (made / MARK).unlink()
        os.sync()
        made.rename(target)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise
