"""`recount serve`, from the first start to the last signal."""

import json
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import httpx
import psutil
import psycopg
import pytest

from services.embedded import datadir
from services.embedded.processes import MOST_LOG_BYTES
from tests import servers, waiting
from tests.embedded.recount_process import (
    READY,
    RECOUNT,
    Served,
    environment,
    free_port,
    recount,
    serving,
)


@pytest.fixture
def data() -> Iterator[Path]:
    with servers.server_folder() as made:
        yield made / "data"


@contextmanager
def starting(data: Path) -> "Iterator[tuple[subprocess.Popen[str], str]]":
    """`recount serve` on the folder, that answers requests and may not be ready; and its URL."""
    url = f"http://127.0.0.1:{(port := free_port())}"
    with subprocess.Popen(
        [*RECOUNT, "serve", "--data-dir", str(data), "--port", str(port)],
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            _until_answered(f"{url}/_livez")
            yield process, url
        finally:
            process.kill()


def _until_answered(url: str, seconds: float = 60.0) -> None:
    """Raises httpx.TransportError when nobody answers in time."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            httpx.get(url, timeout=seconds)
        except httpx.TransportError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def first_key(served: Served) -> str:
    return served.printed.partition("API key")[2].split()[0]


def create_insight(served: Served, key: str, name: str) -> httpx.Response:
    return httpx.post(
        f"{served.url}/api/projects/1/insights/",
        headers={"Authorization": f"Bearer {key}"},
        json={"name": name},
    )


def test_the_first_start_shows_a_key_that_works_and_the_second_shows_none(data: Path) -> None:
    with serving(data, "--no-demo") as served:
        key = first_key(served)
        assert create_insight(served, key, "Before").status_code == 201
        assert served.end(signal.SIGTERM) == 0
    with serving(data, "--no-demo") as served:
        assert "phx_" not in served.printed
        created = create_insight(served, key, "After").json()
    assert created["id"] == 2


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_everything_in_order(data: Path, by: signal.Signals) -> None:
    with serving(data, "--no-demo") as served:
        assert len(served.servers) >= 2
        assert served.end(by) == 0
        _, alive = psutil.wait_procs(served.servers, timeout=0)
    assert not alive
    assert not (data / "running.json").exists()
    assert "database system is shut down" in (data / "postgres.log").read_text()


@pytest.mark.parametrize("times", [1, 2])
def test_a_person_is_told_what_ctrl_c_does_and_how_to_go_on(data: Path, times: int) -> None:
    """Who presses it twice is not shown a trace: everything is closed in its order all the same."""
    with subprocess.Popen(
        [*RECOUNT, "serve", "--no-demo", "--data-dir", str(data), "--port", str(free_port())],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        printed = []
        for line in process.stdout:
            printed.append(line)
            if line.startswith(READY):
                break
        for _ in range(times):
            process.send_signal(signal.SIGINT)
            time.sleep(0.05)  # or the two would be one
        _, said = process.communicate(timeout=60)
    assert any(line.startswith("  Stop ") and "Ctrl-C" in line for line in printed)
    *_, stopping, stopped = said.splitlines()
    assert "Traceback" not in said
    assert "Ctrl-C again does not wait" in stopping
    kept = f"Everything is kept in {data}; the same command goes on from there."
    assert stopped == f"Stopped. {kept}"


def test_a_signal_in_the_middle_of_the_first_start_ends_it_and_the_next_one_finishes_it(
    data: Path,
) -> None:
    with starting(data) as (process, url):
        first = httpx.get(f"{url}/i/position", params={"reach": 1, "wait": 20}, timeout=30)
        assert first.json()["reached"] is True
        process.send_signal(signal.SIGTERM)
        # The thread that imports must not ask for a minute whether the server is back.
        assert process.wait(timeout=45) == 0
        assert process.stdout is not None
        assert process.stdout.read() == ""
    with serving(data) as served:
        assert "a funnel over the demo data" in served.printed


def test_the_logs_of_the_servers_stay_short(data: Path) -> None:
    logs = [data / name for name in ("postgres.log", "nats.log")]
    too_long = b"x" * MOST_LOG_BYTES + b"\n"
    data.mkdir()
    # What a server leaves that has run here before.
    (data / "lock").touch()
    for log in logs:
        log.write_bytes(b"before\n" + too_long)
    with serving(data, "--no-demo") as served:
        for log in logs:
            assert kept(log).read_bytes().startswith(b"before\n")
            with log.open("ab") as file:
                file.write(too_long)
        for log in logs:
            waiting.until(partial(is_short, log), f"{log} is short")
            assert not kept(log).read_bytes().startswith(b"before\n")
        assert served.end(signal.SIGTERM) == 0
    for log, last_words in zip(logs, (b"system is shut down", b"Server Exiting"), strict=True):
        assert last_words in log.read_bytes()
        assert b"\0" not in log.read_bytes()


def is_short(log: Path) -> bool:
    return log.stat().st_size <= MOST_LOG_BYTES


def kept(log: Path) -> Path:
    return log.with_name(f"{log.name}.1")


def test_a_server_that_ends_under_us_ends_the_process_with_its_name(data: Path) -> None:
    with serving(data, "--no-demo") as served:
        bus = next(child for child in served.servers if child.name() == "nats-server")
        bus.kill()
        assert served.process.wait() == 1


def test_nothing_acknowledged_is_lost_by_a_kill(data: Path) -> None:
    with serving(data, "--no-demo") as served:
        key = first_key(served)
        acknowledged = [create_insight(served, key, f"{n}").json()["id"] for n in range(20)]
        served.end(signal.SIGKILL)
    with serving(data, "--no-demo") as served:
        after = create_insight(served, key, "After").json()
    assert acknowledged == list(range(1, 21))
    assert after["id"] == 21


def test_an_occupied_port_is_refused_before_anything_is_started(data: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = recount("serve", "--data-dir", str(data), "--port", str(port))
    assert refused.returncode == 1
    assert f"Can't listen on 127.0.0.1:{port}: Address already in use" in refused.stderr
    assert not data.exists()


def test_a_data_folder_in_use_is_refused_with_the_url_that_uses_it(data: Path) -> None:
    with serving(data, "--no-demo") as served:
        refused = recount("serve", "--data-dir", str(data), "--port", str(free_port()))
        assert refused.returncode == 1
        assert f"is in use by {served.url}" in refused.stderr
        assert create_insight(served, first_key(served), "Unharmed").status_code == 201


def last_line(run: "subprocess.CompletedProcess[str]") -> dict[str, object]:
    assert run.returncode == 0, run.stderr
    line: dict[str, object] = json.loads(run.stdout.splitlines()[-1])
    return line


def test_keys_and_projects_are_made_beside_a_running_server(data: Path) -> None:
    with serving(data, "--no-demo") as served:
        at = ("--data-dir", str(data), "--json")
        project = last_line(recount("projects", "create", "Shop", "--timezone", "Asia/Tokyo", *at))
        assert project == {
            "id": 2,
            "api_token": project["api_token"],
            "name": "Shop",
            "timezone": "Asia/Tokyo",
        }
        key = last_line(recount("keys", "create", "--project", "2", *at))
        answers = [
            httpx.post(
                f"{served.url}/api/projects/{number}/insights/",
                headers={"Authorization": f"Bearer {key['key']}"},
                json={"name": "Orders"},
            ).status_code
            for number in (1, 2)
        ]
    assert answers == [403, 201]


def test_a_key_made_without_a_server_works_in_the_next_one(data: Path) -> None:
    at = ("--data-dir", str(data), "--json")
    scopes = "insight:write,project:read"
    with datadir.claim(data):
        pass
    key = last_line(recount("keys", "create", "--scopes", scopes, "--user", "ann@x.example", *at))
    assert key["scopes"] == ["insight:write", "project:read"]
    with serving(data, "--no-demo") as served:
        created = create_insight(served, str(key["key"]), "Hers").json()
    assert created["created_by"]["email"] == "ann@x.example"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("keys", "create", "--scopes", "insight"), "neither * nor like"),
        (("keys", "create", "--project", "7"), "There is no project 7."),
        (("projects", "create", "Shop", "--timezone", "Mars/Olympus"), "no time zone"),
    ],
)
def test_what_cannot_be_made_is_refused_in_a_sentence(
    data: Path, arguments: tuple[str, ...], said: str
) -> None:
    with datadir.claim(data):
        pass
    refused = recount(*arguments, "--data-dir", str(data))
    assert refused.returncode != 0
    assert said in " ".join(refused.stderr.split())
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize("command", [("keys", "create"), ("serve", "--port", str(free_port()))])
def test_what_is_wrong_on_the_machine_is_said_in_a_sentence(
    data: Path, command: tuple[str, ...]
) -> None:
    (data / "lock").mkdir(parents=True)
    refused = recount(*command, "--data-dir", str(data))
    assert refused.returncode == 1
    assert refused.stderr == f"recount: {data / 'lock'}: Is a directory\n"


def test_a_read_model_is_rebuilt_beside_a_running_server(data: Path) -> None:
    # The auditor would right the rows first.
    off = {"RECOUNT_EMBEDDED_AUDIT_FACTS_PER_SECOND": "0"}
    with serving(data, "--no-demo", settings=off) as served:
        key = first_key(served)
        assert create_insight(served, key, "Lost").status_code == 201
        running = datadir.find(data)
        assert running is not None
        with psycopg.connect(running.postgres_url) as connection:
            wait_for_row(connection)
            connection.execute("DELETE FROM insights")
        rebuilt = recount("rebuild", "insights", "--data-dir", str(data), "--json")
        (told,) = json.loads(rebuilt.stdout)
        # Behind the facts of the first start: a member, a project, a key.
        assert told.pop("position") >= 4
        assert told == {"projection": "insights", "removed": 0, "written": 1, "parked": 0}


def test_the_history_is_proved_beside_a_running_server_and_a_gap_is_named(data: Path) -> None:
    with serving(data, "--no-demo") as served:
        key = first_key(served)
        for name in "abc":
            create_insight(served, key, name)
        proved = recount("verify", "--data-dir", str(data), "--json")
        assert json.loads(proved.stdout)["projects"]["1"]["entries"] == 3
        running = datadir.find(data)
        assert running is not None
        with psycopg.connect(running.postgres_url) as connection:
            connection.execute("DELETE FROM log WHERE notification_id = 5")
        broken = recount("verify", "--data-dir", str(data))
    assert broken.returncode == 1
    assert "the history does not hold: position 5" in broken.stderr


def wait_for_row(connection: psycopg.Connection) -> None:
    deadline = time.monotonic() + 30
    while connection.execute("SELECT FROM insights").fetchone() is None:
        connection.rollback()
        assert time.monotonic() < deadline, "the insight was never projected"
        time.sleep(0.02)
