"""A project written to a file, as it is at one moment. Nothing may store its events meanwhile."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import LiteralString

import msgspec
import psycopg
from psycopg.rows import class_row

from contracts.archives import FORMAT, ArchivedProject, ArchivedUser, ArchiveManifest
from contracts.chain import Link
from contracts.cloud_events import encode_cloud_event, event_source
from contracts.merkle import Frontier, grown
from services.common.clickhouse import ClickHouse
from services.common.log.archiving import Conn, chain_of
from services.embedded.archives import events, tables
from services.embedded.archives.tar import ArchiveWriter, written
from services.embedded.refusal import CannotStart

OnStep = Callable[[str, int, int], None]
"""Told what is written, how much of it, and of how much."""

_PROJECT: LiteralString = """
    SELECT id, name, timezone, week_start_day, test_account_filters::text, created_at,
        (SELECT o.name FROM organizations o WHERE o.id = p.organization_id)
    FROM projects p WHERE id = %s"""
_NOW_CALLED: LiteralString = "SELECT name FROM current_projects WHERE id = %s"
_UNDER_WAY: LiteralString = """
    SELECT count(*) FROM erasures WHERE team_id = %s AND state = 'requested'"""
_USERS: LiteralString = """
    SELECT u.id, u.email, u.first_name, u.last_name, coalesce(m.level, 0)::int AS level
    FROM users u
    LEFT JOIN organization_members m ON m.user_id = u.id
        AND m.organization_id = (SELECT organization_id FROM projects WHERE id = %(team_id)s)
    WHERE m.level IS NOT NULL OR u.id IN (
        SELECT (actor::json->>'user_id')::bigint FROM log WHERE team_id = %(team_id)s
    )
    ORDER BY u.id"""


async def export(
    url: str, clickhouse: ClickHouse, team_id: int, path: Path, on_step: OnStep
) -> ArchiveManifest:
    """Raises CannotStart, with nothing written."""
    with psycopg.connect(url, options="-c timezone=UTC") as conn:
        conn.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        conn.read_only = True
        project, organization = _project(conn, team_id)
        with written(path) as writer:
            chain = _Chain(conn, team_id, on_step)
            entries = writer.lines("log/{:06}.ndjson", chain.lines())
            persons = _rows(conn, writer, team_id, on_step)
            count = await _events(writer, clickhouse, team_id, on_step)
            for table in tables.NUMBERED:
                writer.lines(
                    f"tables/{table.name}-{{:06}}.ndjson", tables.rows_of(conn, table, team_id)
                )
            users = conn.cursor(row_factory=class_row(ArchivedUser)).execute(
                _USERS, {"team_id": team_id}
            )
            writer.lines("tables/users-{:06}.ndjson", map(_line, users))
            writer.lines("tables/project-{:06}.ndjson", iter([_line(project)]))
            (called,) = conn.execute(_NOW_CALLED, (team_id,)).fetchone() or (project.name,)
            manifest = ArchiveManifest(
                recount_project=FORMAT,
                made_at=datetime.now(UTC),
                installation=chain.installation,
                project=team_id,
                name=called,
                timezone=project.timezone,
                organization=organization,
                entries=entries,
                hash=chain.link.hash.hex(),
                root=chain.tree.root.hex(),
                last_at=chain.last_at,
                events=count,
                persons=persons,
                highest=tables.highest(conn, team_id),
                members=tuple(writer.members),
            )
            writer.manifest(manifest)
    return manifest


class _Chain:
    """The project's entries as lines, and what they come to."""

    def __init__(self, conn: Conn, team_id: int, on_step: OnStep) -> None:
        self._conn = conn
        self._team_id = team_id
        self._on_step = on_step
        self.link = Link()
        self.tree = Frontier()
        self.last_at: datetime | None = None
        (self.installation,) = conn.execute("SELECT id FROM installation").fetchone() or ()

    def lines(self) -> Iterator[bytes]:
        source = event_source(self.installation, self._team_id)
        row = self._conn.execute("SELECT seq FROM log_heads WHERE team_id = %s", (self._team_id,))
        (total,) = row.fetchone() or (0,)
        for entry in chain_of(self._conn, self._team_id):
            self.link = Link(entry.team_seq, entry.hash)
            self.tree = grown(self.tree, [entry.hash]).frontier
            self.last_at = entry.at
            if entry.team_seq % 1000 == 0:
                self._on_step("facts", entry.team_seq, total)
            yield encode_cloud_event(entry, source) + b"\n"


def _project(conn: Conn, team_id: int) -> tuple[ArchivedProject, str]:
    row = conn.execute(_PROJECT, (team_id,)).fetchone()
    if row is None:
        raise CannotStart(f"There is no project {team_id}.")
    (waiting,) = conn.execute(_UNDER_WAY, (team_id,)).fetchone() or (0,)
    if waiting:
        raise CannotStart(
            f"An erasure is under way in project {team_id}: what it erases would be taken along."
            " Wait until it is done."
        )
    number, name, timezone, week_start_day, filters, created_at, organization = row
    project = ArchivedProject(
        id=number,
        name=name,
        timezone=timezone,
        week_start_day=week_start_day,
        test_account_filters=msgspec.Raw(filters.encode()),
        created_at=created_at,
    )
    return project, organization


def _rows(conn: Conn, writer: ArchiveWriter, team_id: int, on_step: OnStep) -> int:
    """How many persons there are."""
    persons = 0
    for number, table in enumerate(tables.PLAIN):
        on_step("rows", number, len(tables.PLAIN))
        count = writer.lines(
            f"tables/{table.name}-{{:06}}.ndjson", tables.rows_of(conn, table, team_id)
        )
        if table.name == "persons":
            persons = count
    return persons


async def _events(
    writer: ArchiveWriter, clickhouse: ClickHouse, team_id: int, on_step: OnStep
) -> int:
    months = await events.months(clickhouse, team_id)
    total = sum(count for _, count in months)
    written_so_far = 0
    for month, count in months:
        on_step("events", written_so_far, total)
        file = writer.folder / "events.parquet"
        await events.write_month(clickhouse, team_id, month, file)
        writer.file(f"events/{month}.parquet", file, count)
        file.unlink()
        written_so_far += count
    return total


def _line(row: object) -> bytes:
    return msgspec.json.encode(row) + b"\n"
