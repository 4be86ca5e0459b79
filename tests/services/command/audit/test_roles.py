"""Services as PostgreSQL's role recount_app, which gets in by a password: everything works, and no
entry of the log can be changed but by an erasure.
"""

import random
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psycopg
import pytest
from psycopg import errors

from services.common.log.proving import verify
from services.common.log.verify import Verification
from services.common.postgres import roles
from services.common.postgres.migrate import check_tables, migrate
from services.common.postgres.roles import APP, READ, SECRETS, RolesRefused
from services.common.settings import joined_database
from services.embedded import postgres
from services.embedded.account import account_for
from tests import servers
from tests.certificates import authority
from tests.services.command.audit.asking import TEXT, Asking

PASSWORDS = {APP: "an app's p@ssword", READ: "a reader's"}
LET_IN = "host all all all scram-sha-256\n"


class Granted(msgspec.Struct, frozen=True):
    """A database whose roles have their rights. owner: its URL for who owns the tables.
    there: its URL without a user.
    """

    owner: str
    there: str

    def url(self, role: str, password: str | None = None) -> str:
        said = PASSWORDS[role] if password is None else password
        return joined_database(f"{self.there}&user={role}", said, "")


@pytest.fixture(scope="module")
def granted() -> Iterator[Granted]:
    with servers.server_folder() as folder:
        # Its port is that of every other test's server, so its address is its own.
        address = f"127.{random.randint(1, 254)}.{random.randint(1, 254)}.9"
        settings = {"listen_addresses": address, "fsync": "off"}
        server = postgres.start(folder / "postgres", account_for(folder), settings)
        try:
            hba = folder / "postgres" / "cluster" / "pg_hba.conf"
            hba.write_text(hba.read_text() + LET_IN)
            migrate(server.url)
            roles.grant(server.url, PASSWORDS)
            with psycopg.connect(server.url, autocommit=True) as conn:
                conn.execute("SELECT pg_reload_conf()")
            there = f"postgresql://localhost/recount?hostaddr={address}"
            yield Granted(server.url, there)
        finally:
            server.stop()


@pytest.fixture
def postgres_url(granted: Granted) -> str:
    """For the services: as recount_app."""
    return granted.url(APP)


async def test_everything_works_and_no_entry_changes_but_by_an_erasure(
    granted: Granted, asking: Asking
) -> None:
    number = await asking.insight(name=TEXT)
    renamed = await asking.world.client.patch(
        f"{asking.root}insights/{number}/", json={"name": f"{TEXT} again"}
    )
    assert renamed.status_code == 200

    with psycopg.connect(granted.url(APP), autocommit=True) as conn:
        for statement in (
            "UPDATE log SET state = ''",
            "UPDATE log SET salt = '' WHERE notification_id = 1",
            "DELETE FROM log",
            "TRUNCATE log",
            "INSERT INTO log TABLE log ON CONFLICT (notification_id) DO UPDATE SET salt = ''",
            "SELECT 1 FROM log FOR UPDATE",
            "ALTER TABLE log DISABLE TRIGGER ALL",
            "CREATE TABLE public.another ()",
            "DROP TABLE insights",
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "UPDATE schema_migrations SET number = number",
            f"SET ROLE {READ}",
        ):
            with pytest.raises(errors.InsufficientPrivilege):
                conn.execute(statement.encode())

    erasure = await asking.asked(text=TEXT, reason="asked for")
    await asking.again_and_again()
    assert (await asking.get(f"audit/erasures/{erasure}/"))["state"] == "logical"
    assert not await asking.log_has(TEXT)
    *_, proved = [each async for each in verify(granted.url(APP))]
    assert isinstance(proved, Verification)


def test_the_function_leaves_an_entry_that_is_not_as_told(granted: Granted) -> None:
    with psycopg.connect(granted.url(APP)) as conn:
        changed = conn.execute(
            "SELECT erase_log_payloads(1, ARRAY[1]::bigint[], %s::bytea[], %s::bytea[])",
            ([b"something else"], [b"forged"]),
        ).fetchone()
    assert changed == (0,)


def test_who_reads_finds_no_secret(granted: Granted) -> None:
    with psycopg.connect(granted.url(READ), autocommit=True) as conn:
        conn.execute("SELECT count(*) FROM log")
        for table in SECRETS:
            with pytest.raises(errors.InsufficientPrivilege):
                conn.execute(f"SELECT FROM {table}".encode())
        for statement in (
            "INSERT INTO checkpoints DEFAULT VALUES",
            "SELECT erase_log_payloads(1, '{}', '{}', '{}')",
            "CREATE TABLE public.another ()",
        ):
            with pytest.raises(errors.InsufficientPrivilege):
                conn.execute(statement.encode())


def test_each_table_with_a_column_of_secrets_is_kept_from_who_reads(granted: Granted) -> None:
    with psycopg.connect(granted.owner) as conn:
        found = conn.execute(
            "SELECT DISTINCT table_name FROM information_schema.columns"
            " WHERE table_schema = 'public'"
            " AND (column_name ~ 'secret|password|secure|token' OR column_name = 'salt')"
            " ORDER BY table_name"
        ).fetchall()
    assert {name for (name,) in found} - set(SECRETS) == {
        # Salts are not for hiding from who may read the log; tokens of projects are public.
        *("log", "reads", "projects", "current_projects", "ingest_progress"),
    }


def test_a_second_grant_renews_what_is_there_and_new_passwords_count(granted: Granted) -> None:
    roles.grant(granted.owner, {})
    check_tables(granted.url(APP))
    roles.grant(granted.owner, {READ: "another"})
    with pytest.raises(psycopg.OperationalError, match="password"):
        check_tables(granted.url(READ))
    check_tables(granted.url(READ, "another"))
    roles.grant(granted.owner, PASSWORDS)


def test_only_who_owns_the_tables_grants(granted: Granted) -> None:
    with pytest.raises(RolesRefused, match="owns the tables"):
        roles.grant(granted.url(APP), {})


def test_a_server_without_a_certificate_is_told_nothing(granted: Granted, tmp_path: Path) -> None:
    ca_file = str(authority(tmp_path, "localhost").ca_file)
    url = joined_database(f"{granted.there}&user={APP}", PASSWORDS[APP], ca_file)
    with pytest.raises(psycopg.OperationalError, match="SSL was required"):
        psycopg.connect(url)
