"""The pair of servers that other tests fail over: what the standby has not got is gone."""

from collections.abc import Iterator

import psycopg
import pytest

from tests.postgres_standby import Replicated, replicated
from tests.servers import server_folder


@pytest.fixture
def pair() -> Iterator[Replicated]:
    with server_folder() as folder, replicated(folder) as running:
        yield running


def _tables(pair: Replicated) -> list[str]:
    with psycopg.connect(pair.url) as connection:
        found = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        return sorted(name for (name,) in found)


def test_a_standby_that_is_held_back_takes_over_without_what_it_has_not_got(
    pair: Replicated,
) -> None:
    pair.primary.ask("CREATE TABLE early ()")
    pair.hold_back()
    pair.primary.ask("CREATE TABLE lost ()")
    assert _tables(pair) == ["early", "lost"]
    pair.fail_over()
    assert _tables(pair) == ["early"]
    pair.primary.ask("CREATE TABLE late ()")
    # And the next one, which is let go again, gets everything.
    pair.add_standby()
    pair.hold_back()
    pair.primary.ask("CREATE TABLE kept ()")
    pair.let_go()
    pair.wait_until_level()
    pair.fail_over()
    assert _tables(pair) == ["early", "kept", "late"]
