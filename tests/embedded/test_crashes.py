"""kill -9 of the starting process: its servers go with it, and the next start finds everything."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import nats
import psutil
import psycopg
import pytest

from services.embedded import datadir
from services.embedded.datadir import FolderInUse
from tests import servers

PROGRAM = Path(__file__).with_name("serving_folder.py")
ROOT = PROGRAM.parents[2]


@pytest.fixture
def folder() -> Iterator[Path]:
    with servers.server_folder() as made:
        yield made / "data"


@contextmanager
def started(folder: Path, *more: str) -> Iterator[tuple["subprocess.Popen[str]", dict[str, Any]]]:
    """The program, and the line it printed once its servers ran; killed at the end."""
    process = subprocess.Popen(
        [sys.executable, str(PROGRAM), str(folder), *more],
        env={"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    with process:
        try:
            yield process, json.loads(process.stdout.readline())
        finally:
            process.kill()


def is_running(pid: int) -> bool:
    """Not so for a dead process that its new parent has not reaped, which may take for ever."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def wait_until_gone(pids: list[int]) -> None:
    deadline = time.monotonic() + 30
    while any(is_running(pid) for pid in pids):
        assert time.monotonic() < deadline, "still running"
        time.sleep(0.01)


def test_the_servers_die_with_the_process_that_started_them(folder: Path) -> None:
    with started(folder) as (process, running):
        process.kill()
        process.wait()
        wait_until_gone(running["pids"])


async def test_what_was_acknowledged_is_there_after_a_kill(folder: Path) -> None:
    with started(folder) as (process, running):
        with psycopg.connect(running["postgres"], autocommit=True) as connection:
            connection.execute("CREATE TABLE kept (word text)")
            connection.execute("INSERT INTO kept VALUES ('yes')")
        bus = await nats.connect(running["nats"])
        await bus.jetstream().add_stream(name="kept", subjects=["kept"])
        await bus.jetstream().publish("kept", b"yes")
        await bus.close()
        # At once and not in turn: the servers get no time to shut down in peace.
        for pid in [process.pid, *running["pids"]]:
            psutil.Process(pid).kill()
    with started(folder) as (_, running):
        with psycopg.connect(running["postgres"]) as connection:
            assert connection.execute("SELECT word FROM kept").fetchall() == [("yes",)]
        bus = await nats.connect(running["nats"])
        kept = await bus.jetstream().get_msg("kept", 1)
        await bus.close()
        assert kept.data == b"yes"


def test_subscribers_keep_their_url_over_a_restart(folder: Path) -> None:
    with started(folder) as (_, before):
        pass
    with started(folder) as (_, after):
        assert after["nats"] == before["nats"]


def test_a_data_folder_in_use_is_refused_by_the_name_of_who_uses_it(folder: Path) -> None:
    with (
        started(folder),
        pytest.raises(FolderInUse, match="http://here"),
        datadir.claim(folder),
    ):
        pass


def test_a_command_beside_a_server_finds_it_and_none_after_a_kill(folder: Path) -> None:
    with started(folder) as (process, running):
        found = datadir.find(folder)
        assert found is not None
        assert found.postgres_url == running["postgres"]
        process.kill()
        process.wait()
        assert datadir.find(folder) is None


def test_servers_left_behind_are_stopped_by_the_next_start(folder: Path) -> None:
    with started(folder, "elsewhere") as (process, running):
        process.kill()
        process.wait()
        left_behind = [psutil.Process(pid) for pid in running["pids"]]
        try:
            with started(folder):
                assert not any(is_running(server.pid) for server in left_behind)
        finally:
            for server in left_behind:
                with suppress(psutil.NoSuchProcess):
                    server.kill()


def test_a_pid_file_that_names_another_program_is_not_believed(folder: Path) -> None:
    with started(folder) as (process, running):
        for pid in [process.pid, *running["pids"]]:
            psutil.Process(pid).kill()
    pid_file = folder / "postgres" / "cluster" / "postmaster.pid"
    lines = pid_file.read_text().split("\n")
    with subprocess.Popen(["sleep", "600"]) as stranger:
        pid_file.write_text("\n".join([str(stranger.pid), *lines[1:]]))
        with started(folder):
            assert stranger.poll() is None
        stranger.kill()
