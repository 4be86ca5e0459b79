"""A project written to a file and brought in elsewhere: the same chain, root, events and people."""

import asyncio
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
from msgspec.structs import replace

from contracts.archives import ArchiveManifest
from contracts.events.insight import InsightRenamed
from services.common.clickhouse import ClickHouse
from services.common.log.proving import verify
from services.common.log.verify import Verification
from services.embedded.archives.checking import ArchiveBroken, CheckedArchive, checked
from services.embedded.archives.importing import Import, ImportedProject
from services.embedded.archives.tar import NoArchive, members, written
from services.embedded.refusal import CannotStart
from services.projector.app import rebuildable
from tests import servers
from tests.embedded.archives.source import SECRET_TEXTS, archived, content, make
from tests.examples import TEAM
from tests.services.projector.projecting import projecting

pytestmark = pytest.mark.anyio

NEXT_INSIGHT = "SELECT nextval(pg_get_serial_sequence('insight_ids', 'id'))"
MEMBERS = (
    "SELECT u.id, u.email, m.level FROM users u JOIN organization_members m ON m.user_id = u.id"
)


class Killed(Exception):
    """As if the process had died there."""


class Source(msgspec.Struct, frozen=True):
    """The file, and what it was made of."""

    path: Path
    archive: CheckedArchive
    verification: Verification
    content: dict[str, list[Any]]


@pytest.fixture(scope="module")
def source(
    databases: servers.Databases, server_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Source:
    path = tmp_path_factory.mktemp("archives") / "project.tar.zst"

    async def made(url: str) -> Source:
        async with servers.clickhouse(server_folder) as clickhouse:
            await make(url, clickhouse)
            archive = await archived(url, clickhouse, path)
            return Source(path, archive, await proved(url), await content(clickhouse))

    with databases.migrated() as url:
        return asyncio.run(made(url))


@pytest.fixture
def archive(source: Source, tmp_path: Path) -> CheckedArchive:
    """Its file is project.tar.zst in tmp_path."""
    shutil.copy(source.path, tmp_path / "project.tar.zst")
    return source.archive


@pytest.fixture
def empty(databases: servers.Databases) -> Iterator[str]:
    """Another installation, where nobody is yet."""
    with databases.migrated() as url:
        yield url


async def proved(url: str) -> Verification:
    steps = [step async for step in verify(url, {TEAM: [5, 8, 10]})]
    found = steps[-1]
    assert isinstance(found, Verification)
    return replace(
        found,
        links={TEAM: found.links[TEAM]},
        roots={key: root for key, root in found.roots.items() if key[0] == TEAM},
    )


async def test_it_is_the_same_elsewhere(
    archive: CheckedArchive,
    empty: str,
    source: Source,
    clickhouse: ClickHouse,
    tmp_path: Path,
) -> None:
    made = await Import(empty, clickhouse, tmp_path / "project.tar.zst", archive).run()
    there, here = source.verification, await proved(empty)
    assert (here.links, here.roots) == (there.links, there.roots)
    assert len(here.roots) == 4
    assert here.links[TEAM].hash.hex() == archive.manifest.hash
    assert here.roots[TEAM, archive.manifest.entries].hex() == archive.manifest.root
    assert await content(clickhouse) == source.content
    with psycopg.connect(empty) as conn:
        tokens = conn.execute("SELECT id, insight_id, token FROM share_tokens").fetchall()
        assert [(number, insight) for number, insight, _ in tokens] == [(4, 7)]
        assert made.shares == [(7, tokens[0][2])]
        assert made.api_token.startswith("phc_")
        for table in ("share_passwords", "webhook_secrets", "personal_api_keys"):
            assert conn.execute(f"SELECT count(*) FROM {table}".encode()).fetchone() == (0,)
        (following,) = conn.execute(NEXT_INSIGHT).fetchone() or (0,)
        assert following > 7
    again = await Import(empty, clickhouse, tmp_path / "project.tar.zst", archive).run()
    assert again == replace(made, was_there=True)


async def test_its_history_goes_on_there(
    archive: CheckedArchive, empty: str, clickhouse: ClickHouse, tmp_path: Path
) -> None:
    await Import(empty, clickhouse, tmp_path / "project.tar.zst", archive).run()
    async with projecting(empty) as projector:
        await projector.append(InsightRenamed("after", "name 7"))
        for projection in rebuildable():
            await projector.runner(projection).catch_up()
        (row,) = await projector.rows("SELECT row->>'name' AS name FROM insights")
        assert row == {"name": "after"}
    assert (await proved(empty)).links[TEAM].team_seq == archive.manifest.entries + 1


async def test_killed_anywhere_it_goes_on(
    archive: CheckedArchive,
    empty: str,
    source: Source,
    clickhouse: ClickHouse,
    tmp_path: Path,
) -> None:
    reached: list[str] = []

    def die(point: str) -> None:
        if point not in reached:
            reached.append(point)
            raise Killed(point)

    whole = Import(empty, clickhouse, tmp_path / "project.tar.zst", archive, at=die)
    made: ImportedProject | None = None
    while made is None:
        try:
            made = await whole.run()
        except Killed:
            with psycopg.connect(empty) as conn:
                there = conn.execute("SELECT count(*) FROM projects").fetchone()
                assert (there == (1,)) == (reached[-1] == "finished"), reached
    assert len(reached) > 10, reached
    assert made.was_there
    assert await content(clickhouse) == source.content
    found = await proved(empty)
    assert found.links[TEAM].hash.hex() == archive.manifest.hash
    with psycopg.connect(empty) as conn:
        assert conn.execute(MEMBERS).fetchall() == [(1, "me@recount.example", 15)]
        assert conn.execute("SELECT count(*) FROM share_tokens").fetchone() == (1,)


BOB = "INSERT INTO users (id, distinct_id, email) VALUES"
TAKEN = {
    "Project 1 is taken": "INSERT INTO projects (organization_id, name, api_token)"
    " SELECT id, 'x', 'x' FROM organizations",
    "insight numbers: 7": "INSERT INTO projects (id, organization_id, name, api_token)"
    " SELECT 5, id, 'x', 'x' FROM organizations;"
    " INSERT INTO insight_ids (id, team_id, short_id) VALUES (7, 5, 'aB3dE6gH')",
    "User 1 is me@.* and bob@.* here": f"{BOB} (1, 'b', 'bob@example.com')",
    "is user 1 in the archive, and user 9 here": f"{BOB} (9, 'b', 'me@recount.example')",
    "One of the clocks is wrong": "SELECT 1",
}


@pytest.mark.parametrize("why", TAKEN)
async def test_what_is_taken_is_refused_before_anything_is_written(
    why: str, archive: CheckedArchive, empty: str, clickhouse: ClickHouse, tmp_path: Path
) -> None:
    if "clocks" in why:
        later = replace(archive.manifest, last_at=datetime.now(UTC) + timedelta(days=1))
        archive = replace(archive, manifest=later)
    with psycopg.connect(empty, autocommit=True) as conn:
        conn.execute("INSERT INTO organizations (id, name) VALUES (gen_random_uuid(), 'o')")
        conn.execute(TAKEN[why].encode())
    with pytest.raises(CannotStart, match=why):
        await Import(empty, clickhouse, tmp_path / "project.tar.zst", archive).run()
    with psycopg.connect(empty) as conn:
        for table in ("log", "project_imports", "persons", "share_tokens"):
            assert conn.execute(f"SELECT count(*) FROM {table}".encode()).fetchone() == (0,)
    assert not any((await content(clickhouse)).values())


async def test_only_the_same_archive_goes_on(
    archive: CheckedArchive, empty: str, clickhouse: ClickHouse, tmp_path: Path
) -> None:
    def die(point: str) -> None:
        if point == "member 1":
            raise Killed(point)

    path = tmp_path / "project.tar.zst"
    with pytest.raises(Killed):
        await Import(empty, clickhouse, path, archive, at=die).run()
    with pytest.raises(CannotStart, match="Another archive of project 1"):
        await Import(empty, clickhouse, path, replace(archive, digest=bytes(32))).run()


async def test_no_secret_is_in_it(archive: CheckedArchive, tmp_path: Path) -> None:
    plain = b"".join(
        block for member in members(tmp_path / "project.tar.zst") for block in member.blocks()
    )
    assert b"insight.renamed.v1" in plain
    assert b"name 2" in plain
    assert b'name 1"' not in plain  # it was erased
    for secret in SECRET_TEXTS:
        assert secret.encode() not in plain
    assert archive.manifest.events == 120


async def test_what_is_not_whole_is_no_archive(archive: CheckedArchive, tmp_path: Path) -> None:
    path = tmp_path / "project.tar.zst"
    whole = path.read_bytes()
    assert archive == checked(path)
    for end in (0, 4, len(whole) // 2, len(whole) - 100):
        path.write_bytes(whole[:end])
        with pytest.raises(NoArchive):
            checked(path)
    path.write_bytes(b"something else")
    with pytest.raises(NoArchive):
        checked(path)


@pytest.mark.parametrize(
    ("what", "old", "new"),
    [
        ("entry 1: hash does not follow", b"user_id", b"user_iD"),
        ("tables/persons-000001.ndjson is not as", b"p1", b"pX"),
        ("entry 7: commitment does not follow", b"name 5", b"name X"),
    ],
)
async def test_what_was_changed_is_told(
    what: str, old: bytes, new: bytes, archive: CheckedArchive, tmp_path: Path
) -> None:
    assert archive.manifest.events
    path = tmp_path / "project.tar.zst"
    changed(path, old, new, manifest=what.startswith("entry"))
    with pytest.raises(ArchiveBroken, match=what):
        checked(path)


def changed(path: Path, old: bytes, new: bytes, *, manifest: bool) -> None:
    """manifest: it says so, too."""
    kept: list[tuple[str, bytes]] = []
    for member in members(path):
        kept.append((member.name, b"".join(member.blocks()).replace(old, new)))
    with written(path) as writer:
        for name, data in kept[:-1]:
            file = writer.folder / "member"
            file.write_bytes(data)
            writer.file(name, file, data.count(b"\n"))
        told = msgspec.json.decode(kept[-1][1], type=ArchiveManifest)
        if manifest:
            told = replace(told, members=tuple(writer.members))
        writer.manifest(told)
