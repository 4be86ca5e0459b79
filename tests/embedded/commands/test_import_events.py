"""`recount import` beside a server: its last lines, Ctrl-C, and what is refused."""

import json
import os
import pty
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests import servers
from tests.embedded.importing.reading_files import HEAD, written
from tests.embedded.recount_process import RECOUNT, Served, environment, recount, serving
from tests.waiting import until

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def data() -> Iterator[Path]:
    with servers.server_folder() as made:
        yield made / "data"


@pytest.fixture(scope="module")
def served(data: Path) -> Iterator[Served]:
    with serving(data, "--no-demo") as running:
        yield running


def test_the_line_of_curl_at_its_end_shows_the_events(
    data: Path, served: Served, tmp_path: Path
) -> None:
    rows = "seen,a,2020-01-01\nseen,b,2020-01-01\npaid,a,2020-01-02 03:04:05.5\nseen,a,2020-01-03\n"
    path = written(tmp_path, "it's.csv", f"{HEAD}\n{rows}")
    made = recount("keys", "create", "--data-dir", str(data), "--json")
    for already in ("0", "4"):
        imported = recount("import", str(path), "--data-dir", str(data))
        assert imported.returncode == 0, imported.stderr
        *_, counted, stored, persons, _, curl = imported.stdout.splitlines()
        assert counted == "4 events imported; all of them can be queried."
        assert stored == f"  {already} of them already stored before."
        assert persons == "  2 persons, 2020-01-01 00:00:00 to 2020-01-03 00:00:00 UTC."
        asked = subprocess.run(
            ["bash", "-c", curl],
            env={"KEY": json.loads(made.stdout)["key"], "PATH": os.environ["PATH"]},
            capture_output=True,
            check=True,
        )
        steps = json.loads(asked.stdout)["result"]
        assert [(step["name"], step["count"]) for step in steps] == [("seen", 2), ("paid", 1)]


def test_ctrl_c_says_what_is_stored_and_how_to_go_on(
    data: Path, served: Served, tmp_path: Path
) -> None:
    rows = "".join(f"many,p{n % 50},2020-02-{n % 28 + 1:02},{n}\n" for n in range(60_000))
    path = written(tmp_path, "e.csv", f"{HEAD},n\n{rows}")
    command = [*RECOUNT, "import", str(path), "--data-dir", str(data)]
    with subprocess.Popen(
        command, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        until(lambda: any((data / "imports").glob("*")), "some events are acknowledged")
        process.send_signal(signal.SIGINT)
        _, told = process.communicate()
    assert process.returncode == 130
    assert told.startswith("recount: Interrupted. ")
    assert told.endswith("events are stored; the same command goes on from there.\n")
    stored = int(told.removeprefix("recount: Interrupted. ").partition(" ")[0].replace(",", ""))
    assert 0 < stored < 60_000
    again = recount("import", str(path), "--data-dir", str(data))
    assert again.returncode == 0, again.stderr
    # At most the batch that was under way is sent twice.
    assert f"{60_000 - stored:,} more events imported" in again.stdout
    assert f"{stored:,} were sent before the import was interrupted" in again.stdout


def test_what_the_server_refuses_is_named_and_what_stands_before_it_is_stored(
    data: Path, served: Served, tmp_path: Path
) -> None:
    good = '{"event":"some","distinct_id":"a","timestamp":"2020-03-01","n":%d}\n'
    bad = '{"event":"some","distinct_id":{},"timestamp":"2020-03-01","properties":{"x":"%s"}}\n'
    path = written(tmp_path, "e.ndjson", good % 1 + good % 2 + bad % ("x" * 9_000_000) + good % 3)
    refused = recount("import", str(path), "--data-dir", str(data))
    assert refused.returncode == 1
    assert "line 3" in refused.stderr
    assert "The 2 events before it are stored" in refused.stderr
    skipped = recount("import", str(path), "--data-dir", str(data), "--skip-bad", "--json")
    summary = json.loads(skipped.stdout)
    # It goes on behind what was stored; the row that was refused is met again.
    assert (summary["events"], summary["bad_rows"], summary["already_stored"]) == (1, 1, 0)


def test_an_empty_import_is_an_error_and_nothing_is_promised(
    data: Path, served: Served, tmp_path: Path
) -> None:
    refused = recount("import", str(written(tmp_path, "e.json", "[]")), "--data-dir", str(data))
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "has no events" in refused.stderr


def answered(answer: bytes, *arguments: str) -> tuple[int, str]:
    """Exit code and screen of the command on a terminal of its own, where this is typed."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*RECOUNT, *arguments], env=environment(), stdin=theirs, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        os.write(ours, answer)
        screen = b""
        # EIO: the other end is closed, because the command has ended.
        with suppress(OSError):
            while read := os.read(ours, 4096):
                screen += read
    os.close(ours)
    return process.returncode, screen.decode()


@pytest.mark.parametrize(
    ("answer", "options", "code", "says"),
    [
        (b"n\n", (), 1, "Nothing was imported"),
        (b"y\n", (), 0, "1 event imported"),
        (b"", ("--yes",), 0, "1 event imported"),
    ],
)
def test_on_a_terminal_it_asks_first(
    data: Path,
    served: Served,
    tmp_path: Path,
    answer: bytes,
    options: tuple[str, ...],
    code: int,
    says: str,
) -> None:
    path = written(tmp_path, "e.csv", f"{HEAD}\nasked,b,2020-01-01\n")
    arguments = ("import", str(path), "--project", "1", "--data-dir", str(data), *options)
    found, screen = answered(answer, *arguments)
    assert (found, says in screen) == (code, True), screen
    assert ("Import into project 1" in screen) is (options == ())


def test_of_several_projects_one_has_to_be_named(
    data: Path, served: Served, tmp_path: Path
) -> None:
    recount("projects", "create", "Shop", "--data-dir", str(data))
    path = written(tmp_path, "e.csv", f"{HEAD}\na,b,2020-01-01\n")
    refused = recount("import", str(path), "--data-dir", str(data))
    assert refused.returncode == 1
    assert "1 (Default project), 2 (Shop). Say which with --project." in refused.stderr
    imported = recount("import", str(path), "--project", "2", "--data-dir", str(data))
    assert "/api/projects/2/insights/funnel/" in imported.stdout
