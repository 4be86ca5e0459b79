"""An archive brought into a log and its databases, member by member; killed anywhere, the same
archive goes on where it was.

The project itself comes last, with the numbers that name it: until then nobody sees any of it. Each
member is written in one transaction with the count of members, but for product events, whose month
is written anew from its beginning.
"""

from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from uuid import UUID

import msgspec
import psycopg
from psycopg import AsyncConnection

from contracts.archives import MANIFEST, ArchivedProject, ArchivedUser, ArchiveManifest
from contracts.chain import Entry
from domain.account.commands import AddMember, CreateProject
from services.command.accounts.chains import SYSTEM, Chains
from services.common.accounts import administration
from services.common.clickhouse import ClickHouse
from services.common.log.archiving import Conn, NotTheNext, bring_in, end_of
from services.common.log.store import EventStore
from services.common.postgres import database
from services.common.postgres.database import Pool
from services.embedded.archives import events, tables
from services.embedded.archives.checking import (
    CheckedArchive,
    entries,
    month_of,
    one_member,
    table_of,
)
from services.embedded.archives.taking import refuse_taken, user_of
from services.embedded.archives.tar import Member, members
from services.embedded.refusal import CannotStart
from services.projector.product_events.mirroring import mirror_all

# So many entries are written under one lock of the log.
ENTRIES = 500

_UNDER_WAY = """
    SELECT archive, members, finished_at IS NOT NULL FROM project_imports WHERE team_id = %s"""
_BEGIN = """
    INSERT INTO project_imports (team_id, archive, first)
    VALUES (%s, %s, NOT EXISTS (SELECT FROM users) AND NOT EXISTS (SELECT FROM projects))"""
_MOVE = "UPDATE project_imports SET members = %s WHERE team_id = %s"
_FINISH = "UPDATE project_imports SET finished_at = now() WHERE team_id = %s"
_ORGANIZATION = "SELECT id FROM organizations ORDER BY created_at, id LIMIT 1"
_IS_FIRST = "SELECT first FROM project_imports WHERE team_id = %s"
_MADE = "SELECT api_token FROM projects WHERE id = %s"
_PROJECT = """
    INSERT INTO projects (
        id, organization_id, name, api_token, timezone, week_start_day, test_account_filters,
        created_at
    ) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"""
_USER = """
    INSERT INTO users (id, distinct_id, email, first_name, last_name)
    VALUES (%s, gen_random_uuid()::text, %s, %s, %s) ON CONFLICT DO NOTHING"""
_PROGRESS_OF_WEBHOOKS = """
    INSERT INTO webhook_progress (webhook_id, team_id, read_through)
    SELECT id, team_id, (SELECT seq FROM log_heads WHERE team_id = %(id)s) FROM webhook_ids
    WHERE team_id = %(id)s ON CONFLICT DO NOTHING"""
_SHARES = "SELECT insight_id, token FROM share_tokens WHERE team_id = %s ORDER BY id"

OnStep = Callable[[int, int], None]
"""Told how many members are in, and of how many."""


class ImportedProject(msgspec.Struct, frozen=True):
    """api_token: its new capture token. shares: (insight, new token) of public pages, most recent
    last. was_there: an earlier run had brought all of it in.
    """

    api_token: str
    shares: list[tuple[int, str]]
    was_there: bool = False


class Import(msgspec.Struct, frozen=True):
    """at: told each point as it is reached, for crash tests."""

    url: str
    clickhouse: ClickHouse
    path: Path
    archive: CheckedArchive
    on_step: OnStep = lambda done, total: None
    at: Callable[[str], None] = lambda point: None

    async def run(self) -> ImportedProject:
        """Raises NumbersTaken and CannotStart, with nothing written."""
        manifest = self.archive.manifest
        with psycopg.connect(self.url, autocommit=True, options="-c timezone=UTC") as conn:
            done = self._begun(conn, manifest)
            if done is None:
                return _told(conn, manifest.project, was_there=True)
            last = _last_stage(manifest)
            for number, member in enumerate(_all_members(self.path), start=1):
                self.on_step(number, len(manifest.members))
                if number <= done or number > last:
                    continue
                await self._bring(conn, member, number)
            if end_of(conn, manifest.project).hash.hex() != manifest.hash and manifest.entries:
                raise NotTheNext("the log does not end where the archive's does")
            await self._mirror(manifest.project)
            self.at("mirrored")
            await self._finish(conn, manifest)
            self.at("finished")
            return _told(conn, manifest.project)

    def _begun(self, conn: Conn, manifest: ArchiveManifest) -> int | None:
        """How many members are in; None: all of it is. Writes down that it has begun."""
        row = conn.execute(_UNDER_WAY, (manifest.project,)).fetchone()
        if row is not None:
            archive, done, finished = row
            if bytes(archive) != self.archive.digest:
                raise CannotStart(
                    f"Another archive of project {manifest.project} was imported here, or is half"
                    " imported: only the same one goes on. Nothing was written."
                )
            return None if finished else int(done)
        refuse_taken(conn, self.path, manifest)
        with conn.transaction():
            conn.execute(_BEGIN, (manifest.project, self.archive.digest))
            tables.pass_over(conn, {**manifest.highest, "projects": manifest.project})
        self.at("begun")
        return 0

    async def _bring(self, conn: Conn, member: Member, number: int) -> None:
        manifest = self.archive.manifest
        if member.name.startswith("log/"):
            for some in _in_parts(entries(member.lines())):
                bring_in(conn, some)
                self.at(f"entries {some[-1].team_seq}")
            conn.execute(_MOVE, (number, manifest.project))
        elif member.name.startswith("events/"):
            file = self.path.with_name(f".{self.path.name}.events")
            try:
                member.save(file)
                month = month_of(member.name)
                await events.read_month(self.clickhouse, manifest.project, month, file)
            finally:
                file.unlink(missing_ok=True)
            self.at(member.name)
            conn.execute(_MOVE, (number, manifest.project))
        else:
            table = next(each for each in tables.PLAIN if each.name == table_of(member.name))
            with conn.transaction():
                tables.bring_in(conn, table, manifest.project, member.lines())
                conn.execute(_MOVE, (number, manifest.project))
        self.at(f"member {number}")

    async def _mirror(self, team_id: int) -> None:
        async with await AsyncConnection.connect(self.url, options="-c timezone=UTC") as conn:
            await mirror_all(conn, self.clickhouse, team_id)

    async def _finish(self, conn: Conn, manifest: ArchiveManifest) -> None:
        """The project, its people and its numbers; said in the organization's chain first."""
        wanted = {table.name: table for table in tables.NUMBERED}
        users: list[ArchivedUser] = []
        projects: list[ArchivedProject] = []
        for member in one_member(self.path, lambda name: name.startswith("tables/")):
            table = table_of(member.name)
            if table == "users":
                users += [user_of(line) for line in member.lines()]
            elif table == "project":
                decode = msgspec.json.Decoder(ArchivedProject).decode
                projects += [decode(line) for line in member.lines()]
        if not projects:
            raise CannotStart("The archive has no row of its project.")
        project = projects[0]
        organization = await self._organization(conn, manifest, users)
        async with self._chains() as chains:
            await chains.say(organization, CreateProject(project.id, project.name), SYSTEM)
        self.at("said")
        with conn.transaction():
            for user in users:
                conn.execute(_USER, (user.id, user.email, user.first_name, user.last_name))
            if users:
                tables.pass_over(conn, {"users": max(user.id for user in users)})
            conn.execute(
                _PROJECT,
                (
                    *(project.id, organization, project.name, administration.new_api_token()),
                    *(project.timezone, project.week_start_day),
                    *(bytes(project.test_account_filters).decode(), project.created_at),
                ),
            )
            for member in one_member(self.path, lambda name: name.startswith("tables/")):
                if (numbered := wanted.get(table_of(member.name))) is not None:
                    tables.bring_in(conn, numbered, project.id, member.lines())
            # What happened elsewhere is sent to nobody.
            conn.execute(_PROGRESS_OF_WEBHOOKS, {"id": project.id})
            conn.execute(_FINISH, (project.id,))

    async def _organization(
        self, conn: Conn, manifest: ArchiveManifest, users: list[ArchivedUser]
    ) -> UUID:
        """The first one; where there is nobody yet, one as the archive has it, with its members."""
        (is_first,) = conn.execute(_IS_FIRST, (manifest.project,)).fetchone() or (False,)
        (organization,) = conn.execute(_ORGANIZATION).fetchone() or (None,)
        if organization is not None and not is_first:
            return UUID(str(organization))
        async with self._chains() as chains:
            if organization is None:
                made = await administration.create_organization(chains.pool, manifest.organization)
                organization = made.id
            for user in sorted(users, key=lambda user: -user.level):
                if not user.level:
                    continue
                await chains.say(organization, AddMember(user.id, user.level, {}), SYSTEM)
                await administration.create_user(
                    chains.pool,
                    user.email,
                    organization,
                    first_name=user.first_name,
                    level=user.level,
                    id=user.id,
                )
                self.at(f"user {user.id}")
        return UUID(str(organization))

    def _chains(self) -> "_OpenChains":
        return _OpenChains(self.url)


class _OpenChains:
    def __init__(self, url: str) -> None:
        self._url = url

    async def __aenter__(self) -> Chains:
        self._pool: Pool = database.pool(self._url, size=2)
        await self._pool.open()
        self._opened = EventStore.open(self._url)
        return Chains(self._pool, await self._opened.__aenter__())

    async def __aexit__(self, *error: object) -> None:
        await self._opened.__aexit__(*error)  # type: ignore[arg-type]  # handed on as they come
        await self._pool.close()


def _all_members(path: Path) -> Iterable[Member]:
    return (member for member in members(path) if member.name != MANIFEST)


def _last_stage(manifest: ArchiveManifest) -> int:
    """So many members come before the first that comes in with the project."""
    late = {table.name for table in tables.NUMBERED} | {"users", "project"}
    for number, member in enumerate(manifest.members):
        if member.name.startswith("tables/") and table_of(member.name) in late:
            return number
    return len(manifest.members)


def _in_parts(some: Iterable[Entry]) -> Iterable[list[Entry]]:
    left = iter(some)
    while part := list(islice(left, ENTRIES)):
        yield part


def _told(conn: Conn, team_id: int, *, was_there: bool = False) -> ImportedProject:
    (token,) = conn.execute(_MADE, (team_id,)).fetchone() or ("",)
    return ImportedProject(token, conn.execute(_SHARES, (team_id,)).fetchall(), was_there)
