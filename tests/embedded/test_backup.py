"""`recount backup` beside a server under load, and `recount restore`."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import pytest

from contracts.backups import BackupManifest
from services.embedded import datadir
from services.embedded.backups.making import until_stored
from tests import servers
from tests.embedded.recount_process import RECOUNT, Served, environment, recount, serving

# A server, its load, a backup and its restoration take their time on a busy machine.
pytestmark = pytest.mark.timeout(600)

STORED = Path(__file__).with_name("stored_events.py")


class Load:
    """Renames an insight and captures events, one after the other, and remembers what was
    acknowledged.
    """

    def __init__(self, served: Served) -> None:
        line = next(line for line in served.printed.splitlines() if line.startswith("export KEY"))
        values = dict(word.split("=", 1) for word in line.split()[1:])
        self.project = values["URL"]
        self._url = served.url
        self._client = httpx.Client(
            headers={"Authorization": f"Bearer {values['KEY']}"}, timeout=60
        )
        self._token = served.printed.partition("capture token ")[2].partition(")")[0]
        made = self._client.post(f"{self.project}/insights/", json={"name": "first"})
        self.insight = made.raise_for_status().json()["id"]
        self.names: list[str] = []
        self.events: list[str] = []
        self._ended = threading.Event()

    def step(self) -> None:
        name, uuid = uuid4().hex, str(uuid4())
        self._client.patch(
            f"{self.project}/insights/{self.insight}/", json={"name": name}
        ).raise_for_status()
        self.names.append(name)
        event = {"event": "e", "uuid": uuid, "distinct_id": f"d{len(self.events) % 7}"}
        self._client.post(
            f"{self._url}/batch/", json={"api_key": self._token, "batch": [event]}
        ).raise_for_status()
        self.events.append(uuid)

    @contextmanager
    def going_on(self) -> Iterator[None]:
        def work() -> None:
            while not self._ended.is_set():
                self.step()

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join()
            self._client.close()


class BackedUp(msgspec.Struct, frozen=True):
    """names, events: acknowledged before the backup began. later: all that ever was."""

    data: Path
    backup: Path
    told: BackupManifest
    names: list[str]
    events: list[str]
    later: list[str]


@pytest.fixture(scope="module")
def backed_up() -> Iterator[BackedUp]:
    with servers.server_folder() as folder:
        with serving(folder / "data", "--no-demo") as served:
            load = Load(served)
            for _ in range(20):
                load.step()
            with load.going_on():
                names, events = list(load.names), list(load.events)
                done = recount(
                    "backup", str(folder / "backup"), "--data-dir", str(folder / "data"), "--json"
                )
                assert done.returncode == 0, done.stderr
                until(lambda: len(load.names) > len(names) + 3)
            running = datadir.find(folder / "data")
            assert running is not None
            until_stored(running.nats_url, running.postgres_url)
            assert served.end(signal.SIGINT) == 0
        told = msgspec.json.decode(done.stdout, type=BackupManifest)
        yield BackedUp(folder / "data", folder / "backup", told, names, events, load.events)


def until(condition: Any, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture(scope="module")
def restored(backed_up: BackedUp) -> Path:
    folder = backed_up.backup.with_name("restored")
    done = recount("restore", str(backed_up.backup), "--data-dir", str(folder), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["rows_righted"] == 0
    return folder


def export(data: Path) -> list[dict[str, Any]]:
    done = recount("audit", "export", "--project", "1", "--data-dir", str(data))
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_what_was_acknowledged_before_is_there(backed_up: BackedUp, restored: Path) -> None:
    there = export(restored)
    names = [each["data"].get("name") for each in there if each["type"] == "insight.renamed.v1"]
    assert names[: len(backed_up.names)] == backed_up.names
    original = export(backed_up.data)
    assert [each["hash"] for each in there] == [each["hash"] for each in original[: len(there)]]
    assert backed_up.told.chains[1].hash == there[backed_up.told.chains[1].entries - 1]["hash"]
    events, uuids, people = stored(restored)
    assert events == uuids
    assert len(backed_up.events) <= events <= len(backed_up.later)
    assert people == 7


def stored(data: Path) -> tuple[int, int, int]:
    done = subprocess.run(
        [sys.executable, str(STORED), str(data)],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    events, uuids, people = json.loads(done.stdout)["1"]
    return events, uuids, people


def test_it_serves_and_goes_on(backed_up: BackedUp, restored: Path) -> None:
    before, _, _ = stored(restored)
    with serving(restored) as served:
        made = recount("keys", "create", "--data-dir", str(restored), "--json")
        key = json.loads(made.stdout)["key"]
        with httpx.Client(headers={"Authorization": f"Bearer {key}"}, timeout=60) as client:
            project = client.get(f"{served.url}/api/projects/1/").raise_for_status().json()
            listed = client.get(f"{served.url}/api/projects/1/insights/").json()["results"]
            assert listed[0]["name"] in {each["data"].get("name") for each in export(restored)}
            batch = [{"event": "e", "uuid": str(uuid4()), "distinct_id": "d0"}]
            client.post(
                f"{served.url}/batch/", json={"api_key": project["api_token"], "batch": batch}
            ).raise_for_status()
            trend = {"kind": "TrendsQuery", "series": [{"kind": "EventsNode", "event": "e"}]}

            def counted() -> bool:
                answer = client.post(
                    f"{served.url}/api/projects/1/query/",
                    json={"query": trend, "refresh": "force_blocking"},
                ).raise_for_status()
                return bool(answer.json()["results"][0]["count"] == before + 1)

            until(counted)


def test_only_a_new_folder_is_restored_into(backed_up: BackedUp) -> None:
    done = recount("restore", str(backed_up.backup), "--data-dir", str(backed_up.data))
    assert done.returncode == 1
    assert "is a data folder already" in done.stderr
    done = recount("backup", str(backed_up.backup), "--data-dir", str(backed_up.data))
    assert done.returncode == 1
    assert "not empty" in done.stderr


@pytest.mark.parametrize("what", ["postgres/global/pg_control", "clickhouse/events"])
def test_what_is_damaged_is_not_restored(what: str, backed_up: BackedUp, tmp_path: Path) -> None:
    with servers.server_folder() as folder:
        copied = folder / "copied"
        subprocess.run(["cp", "-a", str(backed_up.backup), str(copied)], check=True)
        path = copied / what
        if path.is_dir():
            path = max(path.glob("*/data.bin"), key=lambda each: each.stat().st_size)
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 0xFF
        path.write_bytes(data)
        done = recount("restore", str(copied), "--data-dir", str(folder / "data"))
        assert done.returncode == 1, done.stdout
        assert "recount: " in done.stderr
        assert sorted(path.name for path in folder.iterdir()) == ["copied"]


def test_killed_in_the_middle_it_leaves_nothing_that_looks_whole(backed_up: BackedUp) -> None:
    with servers.server_folder() as folder:
        command = [*RECOUNT, "backup", str(folder / "b"), "--data-dir", str(backed_up.data)]
        with subprocess.Popen(command, env=environment(), stderr=subprocess.DEVNULL) as process:
            until((folder / "b.unfinished" / "postgres").exists)
            process.kill()
            # PostgreSQL ends by itself, a moment later.
        assert not (folder / "b").exists()
        done = recount("backup", str(folder / "b"), "--data-dir", str(backed_up.data))
        assert done.returncode == 0, done.stderr
        assert sorted(path.name for path in folder.iterdir()) == ["b"]
        assert not (backed_up.data / "chdb" / "shadow" / "recount_backup").exists()


def test_a_full_disk_is_told_and_nothing_is_left(backed_up: BackedUp) -> None:
    with servers.server_folder() as folder:
        limited = ["bash", "-c", 'ulimit -f 4000; exec "$@"', "bash", *RECOUNT]
        command = [*limited, "backup", str(folder / "b"), "--data-dir", str(backed_up.data)]
        done = subprocess.run(
            command, env=environment(), capture_output=True, text=True, check=False
        )
        assert done.returncode == 1, done.stdout
        assert "recount: PostgreSQL" in done.stderr
        assert list(folder.iterdir()) == []
