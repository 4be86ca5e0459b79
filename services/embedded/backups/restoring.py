"""A backup brought back into a folder of its own, and proved before anybody may serve it."""

import asyncio
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import psycopg
from psycopg import AsyncConnection

from contracts.backups import FORMAT, MANIFEST, BackupManifest
from services.common.clickhouse import ClickHouse, EngineError, embedded_url
from services.common.clickhouse.statement import Statement
from services.common.log.store import EventStore
from services.common.log.verify import HeadMoved, HistoryBroken, VerifyProgress
from services.common.postgres import database
from services.common.postgres.migrate import migrate_alone, migrations
from services.common.proofs.holding import Held, NotAsSigned, held
from services.embedded import datadir, postgres
from services.embedded.account import Account, own_folder
from services.embedded.backups import freezing, postgres_copy
from services.embedded.backups.making import FILES, FOLDERS
from services.embedded.refusal import CannotStart
from services.projector.app import projections, rebuildable
from services.projector.product_events.event_rows import (
    Origin,
    delete_between,
    last_sequence,
)
from services.projector.product_events.mirroring import mirror_all
from services.projector.proofs.projection import catch_up as grow_trees
from services.projector.rebuild import rebuild
from services.projector.runner import ProjectionRunner

OnStep = Callable[[str, int, int], None]
"""Told what is done, how much of it, and of how much."""

_PROGRESS = "SELECT stream, bucket, reached FROM ingest_progress ORDER BY stream"
# Its messages are gone with the stream that had them.
_UNBEGUN = """
    UPDATE ingest_progress SET batch_first = NULL, batch_last = NULL, batch_token = NULL"""
_ENTRY = "SELECT hash FROM log WHERE team_id = %s AND team_seq = %s"
_HEAD = "SELECT coalesce(max(notification_id), 0) FROM log"
_MARK = "restoring"


class RestoredFolder(msgspec.Struct, frozen=True):
    """entries: of the log. removed: product events that came after PostgreSQL's copy, and so are of
    nobody. rows: of read models that were not as the log has them.
    """

    manifest: BackupManifest
    entries: int
    events: int
    removed: int
    rows: int


class BackupBroken(CannotStart):
    """What was restored is not what was backed up."""


def manifest_of(backup: Path) -> BackupManifest:
    """Raises CannotStart."""
    path = backup / MANIFEST
    try:
        found = msgspec.json.decode(path.read_bytes(), type=BackupManifest)
    except FileNotFoundError as cause:
        raise CannotStart(f"{backup} is no backup: it has no {MANIFEST}.") from cause
    except msgspec.DecodeError as cause:
        raise CannotStart(f"{path} is no manifest of a backup: {cause}.") from cause
    if found.recount_backup != FORMAT or found.tables > migrations()[-1].number:
        raise CannotStart(f"{backup} is of a newer Recount ({found.version}) than this one.")
    return found


def restore(backup: Path, data: Path, on_step: OnStep) -> RestoredFolder:
    """Raises CannotStart, with no folder left at `data`."""
    backup = datadir.whole(backup)
    manifest = manifest_of(backup)
    if manifest.postgres is None or manifest.parts is None:
        raise CannotStart(
            f"{backup} has not all servers' data: restore those by their own means, PostgreSQL to"
            f" {manifest.lsn or 'where its copy ends'}, then run `recount verify`."
        )
    if not datadir.is_new(datadir.whole(data)):
        raise CannotStart(f"{data} is a data folder already: restore into a new one.")
    with _unfinished(datadir.whole(data)) as made:
        with datadir.claim(made) as folder:
            (folder.path / _MARK).touch()
            restored = _restored(backup, folder, manifest, on_step)
        (made / _MARK).unlink()
    return restored


def _restored(
    backup: Path, folder: datadir.DataFolder, manifest: BackupManifest, on_step: OnStep
) -> RestoredFolder:
    programs = postgres_copy.programs_for(folder.account, folder.path)
    on_step("PostgreSQL", 0, 1)
    postgres_copy.check(backup / "postgres", programs)
    own_folder(folder.account, folder.path / "postgres")
    cluster = folder.path / "postgres" / "cluster"
    shutil.copytree(backup / "postgres", cluster, symlinks=True)
    _give(cluster, folder.account)
    for name in FILES:
        if (backup / name).exists():
            shutil.copy(backup / name, folder.path / name)
    for name in FOLDERS:
        if (backup / name).exists():
            shutil.copytree(backup / name, folder.path / name)
    server = postgres.start(folder.path / "postgres", folder.account)
    try:
        on_step("PostgreSQL", 1, 1)
        migrate_alone(server.url)
        return asyncio.run(_proved(backup, folder.path, server.url, manifest, on_step))
    except EngineError as cause:
        raise CannotStart(f"The engine does not take its tables back: {cause}") from cause
    except (HistoryBroken, HeadMoved, NotAsSigned) as cause:
        raise BackupBroken(f"The history does not hold: {cause}") from cause
    finally:
        server.stop()


async def _proved(
    backup: Path, folder: Path, url: str, manifest: BackupManifest, on_step: OnStep
) -> RestoredFolder:
    entries = await _verified(url, on_step)
    _compare(url, manifest)
    async with await ClickHouse.open(embedded_url(folder / "chdb")) as clickhouse:
        await _attach(backup, folder, clickhouse, manifest, on_step)
        before = await _count(clickhouse)
        await cut_off(url, clickhouse)
        events = await _count(clickhouse)
        async with await AsyncConnection.connect(url, options="-c timezone=UTC") as conn:
            await mirror_all(conn, clickhouse)
    rows = 0
    async with EventStore.open(url) as store, database.pool(url, size=2) as pool:
        # The copy may hold facts that they had not come to.
        for projection in projections():
            await ProjectionRunner(projection, store, pool).catch_up()
        async with pool.connection() as grown:
            await grow_trees(grown)
        every = rebuildable()
        for number, projection in enumerate(every):
            on_step("read models", number, len(every))
            rebuilt = await rebuild(url, store, projection)
            rows += rebuilt.removed + rebuilt.written
    return RestoredFolder(manifest, entries, events, before - events, rows)


async def _verified(url: str, on_step: OnStep) -> int:
    found: Held | None = None
    async for step in held(url):
        match step:
            case VerifyProgress(checked=checked, total=total):
                on_step("proofs", checked, total)
            case Held():
                found = step
    if found is None:
        raise AssertionError("verification ends with its outcome")
    return found.verification.entries


def _compare(url: str, manifest: BackupManifest) -> None:
    """Whether the log has all that it had when the backup began. Raises BackupBroken."""
    with psycopg.connect(url) as conn:
        (head,) = conn.execute(_HEAD).fetchone() or (0,)
        if head < manifest.head:
            raise BackupBroken(
                f"The log ends at position {head}, and had {manifest.head} when it was backed up."
            )
        for team_id, chain in manifest.chains.items():
            row = conn.execute(_ENTRY, (team_id, chain.entries)).fetchone()
            if row is None or bytes(row[0]).hex() != chain.hash:
                raise BackupBroken(
                    f"Project {team_id}: entry {chain.entries} is not the one that was backed up."
                )


async def _attach(
    backup: Path, folder: Path, clickhouse: ClickHouse, manifest: BackupManifest, on_step: OnStep
) -> None:
    for table, parts in (manifest.parts or {}).items():
        if table not in freezing.TABLES:
            raise CannotStart(f"{backup} has a table {table!r}, which is none of ours.")
        place = folder / "chdb" / await freezing.store_of(clickhouse, table) / "detached"
        for number, part in enumerate(parts):
            on_step(table, number, len(parts))
            if "/" in part or not part:
                raise CannotStart(f"{backup} has a part {part!r}, which is none.")
            shutil.copytree(backup / "clickhouse" / table / part, place / part)
            await clickhouse.command(f"ALTER TABLE {table} ATTACH PART '{part}'")
        ((is_whole,),) = await clickhouse.query(
            Statement(f"CHECK TABLE {table} SETTINGS check_query_single_value_result = 1", {})
        )
        found = await _count(clickhouse, table)
        if not int(is_whole) or found != manifest.rows.get(table):
            raise BackupBroken(f"The table {table} is not as it was backed up.")


async def cut_off(url: str, clickhouse: ClickHouse) -> None:
    """Product events that PostgreSQL knows nothing of came while the backup was made."""
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(_UNBEGUN)
        for _, bucket, reached in conn.execute(_PROGRESS).fetchall():
            known = Origin(bucket, reached)
            end = await last_sequence(clickhouse, known)
            if end > reached:
                await delete_between(clickhouse, known, end)


async def _count(clickhouse: ClickHouse, table: str = "events") -> int:
    ((count,),) = await clickhouse.query(Statement(f"SELECT count() FROM {table}", {}))
    return int(count)


def _give(tree: Path, account: Account) -> None:
    """PostgreSQL runs as the account, and wants all of it to be its own."""
    if account.is_this_process:
        return
    for path in (tree, *tree.rglob("*")):
        os.chown(path, account.uid, account.gid, follow_symlinks=False)


@contextmanager
def _unfinished(data: Path) -> Iterator[Path]:
    """A folder that becomes `data` once it is proved; nothing is left otherwise."""
    made = data.with_name(f"{data.name}.restoring")
    if made.exists():
        if not (made / _MARK).exists():
            raise CannotStart(f"{made} is in the way, and no unfinished restoration: remove it.")
        shutil.rmtree(made)
    try:
        yield made
        os.sync()
        made.rename(data)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise
