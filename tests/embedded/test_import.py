"""`recount import` against a running server: once, twice, interrupted, refused."""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.embedded import datadir
from services.embedded.importing.event_records import EventRecord
from services.embedded.importing.files import EventFile
from services.embedded.importing.import_options import ImportOptions
from services.embedded.importing.resuming import ResumeFile, ResumePoint
from services.embedded.importing.sending import Sender, ServerUnreachable
from tests import servers
from tests.embedded.recount_process import Served, environment, free_port, recount, serving

COUNT = 5_000
PERSONS = 700


@pytest.fixture
def data() -> Iterator[Path]:
    with servers.server_folder() as made:
        yield made / "data"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """COUNT different events of PERSONS, none with a uuid."""
    path = tmp_path / "events.csv"
    rows = (f"opened,p{n % PERSONS},2026-01-{n % 28 + 1:02},{n}\n" for n in range(COUNT))
    path.write_text("event,distinct_id,timestamp,n\n" + "".join(rows))
    return path


def records(file: EventFile) -> Iterator[EventRecord]:
    for outcome in file.outcomes():
        assert isinstance(outcome, EventRecord)
        yield outcome


def stored(data: Path) -> dict[str, list[int]]:
    """project -> [events, distinct uuids, persons], of a server that has stopped."""
    program = Path(__file__).with_name("stored_events.py")
    shown = subprocess.run(
        [sys.executable, str(program), str(data)],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    counts: dict[str, list[int]] = json.loads(shown.stdout)
    return counts


def test_a_file_imported_twice_is_stored_once(data: Path, file: Path) -> None:
    with serving(data, "--no-demo") as served:
        for _ in range(2):
            imported = recount("import", str(file), "--project", "1", "--data-dir", str(data))
            assert imported.returncode == 0, imported.stderr
            assert "5,000 events imported; all of them can be queried.\n" in imported.stdout
            assert "700 persons, 2026-01-01 00:00:00 to 2026-01-28 00:00:00 UTC" in imported.stdout
        served.end(signal.SIGTERM)
    assert stored(data) == {"1": [COUNT, COUNT, PERSONS]}


def test_another_server_is_reached_by_url_and_token(data: Path, file: Path) -> None:
    with serving(data, "--no-demo") as served:
        made = recount("projects", "create", "Shop", "--data-dir", str(data), "--json")
        token = json.loads(made.stdout)["api_token"]
        to = ("--url", served.url, "--token", token)
        imported = recount("import", str(file), *to, "--json")
        assert json.loads(imported.stdout)["events"] == COUNT
        refused = recount("import", str(file), "--url", served.url, "--token", "phc_unknown")
        assert refused.returncode == 1
        assert "no project with this token" in refused.stderr
        served.end(signal.SIGTERM)
    assert stored(data) == {"2": [COUNT, COUNT, PERSONS]}


def test_what_stands_before_a_bad_line_is_stored_and_the_line_is_named(
    data: Path, file: Path
) -> None:
    lines = file.read_text().splitlines()
    lines[2_499] = "opened,p1,tomorrow,1"
    file.write_text("\n".join(lines))
    with serving(data, "--no-demo") as served:
        refused = recount("import", str(file), "--project", "1", "--data-dir", str(data))
        assert refused.returncode == 1
        assert "line 2500: timestamp 'tomorrow' is not a time" in refused.stderr
        lines[2_499] = "opened,p1,2026-01-01,1"
        file.write_text("\n".join(lines))
        again = recount("import", str(file), "--project", "1", "--data-dir", str(data))
        assert again.returncode == 0, again.stderr
        served.end(signal.SIGTERM)
    assert stored(data) == {"1": [COUNT, COUNT, PERSONS]}


def test_a_server_killed_in_the_middle_leaves_a_place_to_go_on_from(data: Path, file: Path) -> None:
    with serving(data, "--no-demo") as served:
        token = capture_token(served)
        killed = threading.Event()

        def acknowledged(events: int, line: int) -> None:
            if events >= COUNT // 2 and not killed.is_set():
                killed.set()
                served.end(signal.SIGKILL)

        with (
            file.open("rb") as opened,
            Sender(served.url, token, patience_seconds=0.5) as sender,
            pytest.raises(ServerUnreachable, match="goes on from there"),
        ):
            sender.send(records(EventFile(file, opened, ImportOptions(), token)), acknowledged)
    with serving(data, "--no-demo") as served:
        imported = recount("import", str(file), "--project", "1", "--data-dir", str(data))
        assert imported.returncode == 0, imported.stderr
        served.end(signal.SIGTERM)
    assert stored(data) == {"1": [COUNT, COUNT, PERSONS]}


def capture_token(served: Served) -> str:
    return served.printed.partition("capture token ")[2].split(")")[0]


def test_an_interrupted_import_goes_on_where_it_was_and_a_finished_one_does_not(
    data: Path, file: Path
) -> None:
    with serving(data, "--no-demo") as served:
        place = ResumeFile(data, file, capture_token(served), ImportOptions())
        place.reached(ResumePoint(number=2_001, events=2_000))
        at = ("--project", "1", "--data-dir", str(data), "--json")
        resumed, repeated = (json.loads(recount("import", str(file), *at).stdout) for _ in "12")
    assert resumed["events"] == COUNT - 2_000
    assert repeated["events"] == COUNT


def test_without_a_server_it_says_how_to_start_one(data: Path, file: Path) -> None:
    with datadir.claim(data):
        pass
    refused = recount("import", str(file), "--project", "1", "--data-dir", str(data))
    assert refused.returncode == 1
    assert (
        f"No server runs on {data}. Start one (recount serve --data-dir {data})" in refused.stderr
    )


def test_a_server_that_does_not_answer_is_named(file: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with (
        file.open("rb") as opened,
        Sender(url, "phc_x", patience_seconds=0.3) as sender,
        pytest.raises(ServerUnreachable, match=url),
    ):
        sender.send(records(EventFile(file, opened, ImportOptions())), lambda events, number: None)
