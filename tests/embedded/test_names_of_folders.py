"""Data folders of any name: started, started again, and worked on by every command."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from services.embedded import datadir, nats, postgres
from tests import servers
from tests.embedded.recount_process import recount, serving
from tests.embedded.test_import import stored

NAMES = [
    "Müller's/data of 2026",
    "100% & %20#of?them=all",
    'say "no" \\ $HOME `id` {a} [b] *',
    "one, two; line\nbreak\ttab",
    os.fsdecode(b"not \xff UTF-8"),
    "/".join(["long" * 25] * 5),
]


@pytest.fixture
def folder() -> Iterator[Path]:
    with servers.server_folder() as made:
        yield made


@pytest.mark.parametrize("name", NAMES)
def test_the_servers_start_on_it_and_find_their_data_again(folder: Path, name: str) -> None:
    for start in (1, 2):
        with datadir.claim(folder / name) as data:
            assert data.path == folder / name
            database = postgres.start(data.path / "postgres", data.account)
            try:
                bus = nats.start(data.path / "nats", data.account)
                bus.stop()
                with psycopg.connect(database.url, autocommit=True) as connection:
                    connection.execute("CREATE TABLE IF NOT EXISTS starts (n int)")
                    connection.execute("INSERT INTO starts VALUES (1)")
                    found = connection.execute("SELECT count(*) FROM starts").fetchone()
            finally:
                database.stop()
        assert found == (start,)
    assert (folder / name / "nats" / "jetstream").is_dir()


@pytest.mark.parametrize("name", [NAMES[1], NAMES[4]])
def test_a_server_and_every_command_beside_it_work_on_it(folder: Path, name: str) -> None:
    data = folder / name
    events = folder / "events.csv"
    events.write_text("event,distinct_id,timestamp\nopened,ada,2026-01-02\n")
    at = ("--data-dir", os.fspath(data))
    with serving(data, "--no-demo") as served:
        for command in (
            ("keys", "create"),
            ("projects", "create", "Shop"),
            ("import", str(events), "--project", "1"),
            ("verify",),
        ):
            done = recount(*command, *at)
            assert done.returncode == 0, done.stderr
        assert served.end(signal.SIGTERM) == 0
    with serving(data, "--no-demo") as served:
        assert recount("rebuild", *at).returncode == 0
        assert served.end(signal.SIGTERM) == 0
    assert {"postgres", "nats", "chdb"} <= set(os.listdir(data))
    assert stored(data) == {"1": [1, 1, 1]}
