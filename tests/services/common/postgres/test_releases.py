"""Releases beside each other: who runs, and when new kinds of facts are written."""

from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import psycopg
import pytest
from litestar import Litestar

from contracts.codec import stored_name
from contracts.events.insight import InsightTagged
from services.common.http.app import compose
from services.common.http.presence import NewerFacts, present
from services.common.log.store import BELL_CHANNEL, EventStore, KindsPending
from services.common.postgres import migrate as migrating
from services.common.postgres import releases
from services.common.postgres.bell import Bell
from services.common.postgres.migrate import NewerTables, check_tables, migrate, migrations
from services.common.postgres.releases import SIGN_UP, OlderProcesses, finish, kinds, running
from tests.examples import created
from tests.services.common.log.appends import append, insight, to
from tests.waiting import seen

# As if it were new in this release.
NEW = InsightTagged(("x",), ())
KIND = stored_name(NEW)
TABLES = migrations()[-1].number


@pytest.fixture
def conn(postgres_url: str) -> Iterator[psycopg.Connection]:
    """Of a database on which the release before wrote."""
    with psycopg.connect(postgres_url, autocommit=True) as opened:
        opened.execute("DELETE FROM log_writes WHERE kind = %s", (KIND,))
        yield opened


@pytest.fixture
async def store(conn: psycopg.Connection, postgres_url: str) -> AsyncIterator[EventStore]:
    async with EventStore.open(postgres_url) as opened:
        yield opened


def signs_up(conn: psycopg.Connection, service: str, *, tables: int = TABLES) -> None:
    """A process; one of older tables can't read the new kind."""
    known = [kind for kind in kinds() if kind != KIND or tables == TABLES]
    values = {"id": uuid4(), "service": service, "version": "0.1.0", "tables": tables}
    conn.execute(SIGN_UP, {**values, "kinds": known})


def grows_silent(conn: psycopg.Connection, service: str) -> None:
    conn.execute(
        "UPDATE processes SET seen_at = now() - make_interval(secs => %s) WHERE service = %s",
        (releases.LIVES_SECONDS, service),
    )


def test_on_a_fresh_database_all_is_written_at_once(postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as conn:
        assert running(conn).pending == ()


async def test_what_a_migrated_log_gets_of_new_kinds_is_named_first(
    empty_postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of tables that the release before has made, with a fact in its log."""
    monkeypatch.setattr(migrating, "name_all", lambda _: None)
    migrate(empty_postgres_url)
    monkeypatch.undo()
    async with EventStore.open(empty_postgres_url) as store:
        await store.append(append(to(insight(1), 0, created())))
    monkeypatch.setattr(releases, "kinds", lambda: (*kinds(), "insight.teleported.v9"))
    migrate(empty_postgres_url)
    with psycopg.connect(empty_postgres_url, autocommit=True) as conn:
        assert "insight.teleported.v9" in running(conn).pending
        assert "insight.teleported.v9" in finish(conn, TABLES)
        assert running(conn).pending == ()


async def test_a_new_kind_is_not_written_until_the_upgrade_is_finished(
    store: EventStore, conn: psycopg.Connection
) -> None:
    await store.append(append(to(insight(1), 0, created())))
    with pytest.raises(KindsPending, match="recount release finish") as refused:
        await store.append(append(to(insight(1), 1, NEW)))
    assert refused.value.pending == (KIND,)
    assert await store.head() == 1
    assert finish(conn, TABLES) == (KIND,)
    await store.append(append(to(insight(1), 1, NEW)))
    assert await store.head() == 2


def test_an_older_process_that_lives_is_in_the_way_by_name(conn: psycopg.Connection) -> None:
    signs_up(conn, "command")
    signs_up(conn, "projector", tables=40)
    with pytest.raises(OlderProcesses, match=r"projector 0\.1\.0 \(tables 40") as refused:
        finish(conn, TABLES)
    assert [str(one).split()[0] for one in refused.value.older] == ["projector"]
    assert running(conn).pending == (KIND,)
    grows_silent(conn, "projector")
    assert finish(conn, TABLES) == (KIND,)
    assert finish(conn, TABLES) == ()


def test_a_process_of_before_there_were_rows_is_seen_by_its_session(
    conn: psycopg.Connection, postgres_url: str
) -> None:
    with psycopg.connect(postgres_url, autocommit=True, application_name="") as older:
        older.execute('LISTEN "recount_log"')
        with pytest.raises(OlderProcesses, match=str(older.info.backend_pid)):
            finish(conn, TABLES)


async def test_sessions_of_ours_are_not_taken_for_older_ones(
    conn: psycopg.Connection, postgres_url: str
) -> None:
    async def listens() -> bool:
        found = conn.execute("SELECT FROM pg_stat_activity WHERE query = 'LISTEN \"recount_log\"'")
        return found.fetchone() is not None

    async with Bell(postgres_url, BELL_CHANNEL).listening():
        await seen(listens, bool)
        assert running(conn).older == ()


def test_once_it_is_finished_the_release_before_does_not_start(
    conn: psycopg.Connection, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = migrations()
    older = [migration for migration in ours if migration.number <= 40]
    monkeypatch.setattr(migrating, "migrations", lambda: older)
    check_tables(postgres_url)
    finish(conn, TABLES)
    with pytest.raises(NewerTables):
        check_tables(postgres_url)
    monkeypatch.setattr(migrating, "migrations", lambda: ours)
    check_tables(postgres_url)


def open_application(url: str, service: str = "query") -> "LifespanOf":
    return LifespanOf(compose([present(url, service)]))


class LifespanOf:
    def __init__(self, app: Litestar) -> None:
        self._lifespan = app.lifespan()

    async def __aenter__(self) -> None:
        await self._lifespan.__aenter__()

    async def __aexit__(self, *ended: object) -> None:
        await self._lifespan.__aexit__(None, None, None)


async def test_a_process_is_told_of_while_it_runs(
    conn: psycopg.Connection, postgres_url: str
) -> None:
    async with open_application(postgres_url):
        (one,) = running(conn).processes
        assert (one.service, one.tables, one.lacks) == ("query", TABLES, ())
    assert running(conn).processes == ()


async def test_a_process_that_cannot_read_what_is_written_does_not_start(
    conn: psycopg.Connection, postgres_url: str
) -> None:
    conn.execute("INSERT INTO log_writes (kind) VALUES ('insight.teleported.v9')")
    with pytest.raises((NewerFacts, ExceptionGroup)) as refused:
        async with open_application(postgres_url):
            pass
    assert "teleported" in str(refused.getrepr(style="short"))
    assert running(conn).processes == ()


def test_tables_of_this_release_can_be_worked_on_by_the_one_before() -> None:
    """Until the upgrade is finished, its processes run beside ours, and can be started again."""
    newer = [migration for migration in migrations() if migration.number > 40]
    assert newer
    assert {one.name: one.compatible_from for one in newer if one.compatible_from > 40} == {}
