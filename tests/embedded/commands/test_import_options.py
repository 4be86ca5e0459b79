"""What `recount import` takes and says, read in this process; nothing is sent."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from services.embedded.commands.import_events import import_events
from services.embedded.refusal import CannotStart
from tests.embedded.importing.reading_files import HEAD, written


def dry(path: Path, *options: str) -> Result:
    return CliRunner().invoke(import_events, [str(path), "--dry-run", *options])


def said(path: Path, *options: str) -> str:
    done = dry(path, *options)
    assert done.exit_code == 0, (done.output, done.exception)
    return done.output


def refused(path: Path, *options: str) -> str:
    done = dry(path, *options)
    assert isinstance(done.exception, CannotStart)
    return str(done.exception)


def test_it_says_first_what_it_took_for_what(tmp_path: Path) -> None:
    path = written(tmp_path, "e.csv", "event;user_id;time;plan;seats\na;b;2026-01-02 03:04;x;5\n")
    assert said(path, "--timezone", "Europe/Berlin").splitlines()[:6] == [
        "e.csv: a table separated by semicolons, UTF-8, 5 columns with names in its first line",
        "  event        column 'event'",
        "  distinct_id  column 'user_id'",
        "  timestamp    column 'time', Europe/Berlin where it names no zone",
        "  properties   plan, seats",
        "  times        2026-01-02 02:04:00 to 2026-01-02 02:04:00 UTC",
    ]
    assert '"distinct_id":"b"' in said(path)
    assert said(path).splitlines()[-2:] == [
        "1 event could be imported; nothing was sent (--dry-run).",
        "  1 person, 2026-01-02 03:04:00 to 2026-01-02 03:04:00 UTC.",
    ]


def test_times_that_are_hardly_meant_are_warned_of(tmp_path: Path) -> None:
    path = written(tmp_path, "e.csv", f"{HEAD}\na,b,44927\na,b,2026-01-02\na,b,2199-01-01\n")
    printed = said(path)
    assert "Warning: 1 time is before 1990 (first line 2: 1970-01-01 12:28:47)" in printed
    assert "Warning: 1 time is in the future (first line 4: 2199-01-01 00:00:00)" in printed


def test_rows_without_a_person_are_counted(tmp_path: Path) -> None:
    path = written(tmp_path, "e.csv", f"{HEAD}\na,b,2026-01-02\na,NA,2026-01-02\na,,2026-01-02\n")
    printed = said(path, "--missing", "NA")
    assert "1 event could be imported" in printed
    assert "2 rows are left out, because nothing says whose they are (first line 3)" in printed


def test_a_file_whose_rows_are_all_left_out_is_an_error(tmp_path: Path) -> None:
    path = written(tmp_path, "e.csv", f"{HEAD}\na,NA,2026-01-02\n")
    assert "gave no events. 1 row is left out" in refused(path, "--missing", "NA")


def test_a_bad_row_stops_it_with_what_to_do_or_is_left_out(tmp_path: Path) -> None:
    path = written(tmp_path, "e.csv", f"{HEAD}\na,b,2026-01-02\na,c,soon\na,d,2026-01-02\n")
    assert "line 3: timestamp 'soon' is not a time" in refused(path)
    assert "--skip-bad" in refused(path)
    printed = said(path, "--skip-bad")
    assert "2 events could be imported" in printed
    assert "1 row is left out, because they are no events (first line 3: timestamp" in printed


@pytest.mark.parametrize(
    "maps",
    [
        ['timestamp="bought, at",distinct_id=who, then'],
        ["timestamp=bought, at", "distinct_id=who, then"],
        ['timestamp = "bought, at" , distinct_id="who, then"'],
    ],
)
def test_names_of_columns_may_have_commas(tmp_path: Path, maps: list[str]) -> None:
    path = written(tmp_path, "e.csv", '"bought, at","who, then"\n2026-01-02,ann\n')
    options = [word for text in maps for word in ("--map", text)]
    printed = said(path, "--event", "a", *options)
    assert "column 'bought, at'" in printed
    assert "column 'who, then'" in printed


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("--map", "distinct_id", "is not like distinct_id=customer"),
        ("--map", "who=x", "is not like distinct_id=customer"),
        ("--time-format", "DD/MM", "nor a pattern such as"),
        ("--timezone", "Mars/Base", "is no time zone"),
        ("--separator", "::", "is not one character"),
    ],
)
def test_an_option_that_can_not_be_is_named(
    tmp_path: Path, option: str, value: str, says: str
) -> None:
    done = dry(written(tmp_path, "e.csv", f"{HEAD}\na,b,2026-01-02\n"), option, value)
    assert done.exit_code == 2
    assert says in " ".join(done.output.replace("│", " ").split())


def test_an_encoding_that_is_none_is_named(tmp_path: Path) -> None:
    path = written(tmp_path, "e.csv", f"{HEAD}\na,b,2026-01-02\n")
    assert "'klingon' is no encoding" in refused(path, "--encoding", "klingon")
    assert "'hex' is no encoding" in refused(path, "--encoding", "hex")


def test_an_order_of_days_and_months_has_to_be_named(tmp_path: Path) -> None:
    path = written(tmp_path, "e.csv", f"{HEAD}\na,b,12/1/2010 8:26\n")
    assert "line 2: timestamp '12/1/2010 8:26' can be two days" in refused(path)
    assert "2010-12-01 08:26:00 to" in said(path, "--time-format", "month-first")
    assert "2010-01-12 08:26:00 to" in said(path, "--time-format", "%d/%m/%Y %H:%M")


def test_json_is_one_line_and_all_else_goes_elsewhere(tmp_path: Path) -> None:
    path = written(tmp_path, "e.csv", f"{HEAD}\na,b,2026-01-02\n")
    done = dry(path, "--json")
    assert json.loads(done.stdout) == {
        "events": 1,
        "already_stored": None,
        "persons": 1,
        "first": "2026-01-02T00:00:00.000000+00:00",
        "last": "2026-01-02T00:00:00.000000+00:00",
        "rows_without_person": 0,
        "bad_rows": 0,
        "position": 0,
    }
    assert "a table separated by commas" in done.stderr
