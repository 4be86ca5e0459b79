"""What a file's lines become, and how a bad one is named. No server."""

import gzip
from pathlib import Path
from typing import Any

import pytest

from services.embedded.importing.records import BadRecord, Mapped, Source


def read(path: Path, mapped: Mapped | None = None, token: str = "phc_a") -> list[dict[str, Any]]:
    with path.open("rb") as file:
        return [each.body for each in Source(path, file).records(token, mapped or Mapped())]


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_ndjson_is_taken_as_it_is(tmp_path: Path) -> None:
    line = (
        '{"event":"paid","distinct_id":"ann","timestamp":"2026-01-02T03:04:05Z",'
        '"properties":{"value":1.5},"uuid":"01890a5d-ac96-774b-bcce-b302099a8057"}\n'
    )
    assert read(written(tmp_path, "events.ndjson", line + "\n" + line)) == 2 * [
        {
            "event": "paid",
            "distinct_id": "ann",
            "timestamp": "2026-01-02T03:04:05.000000+00:00",
            "properties": {"value": 1.5},
            "uuid": "01890a5d-ac96-774b-bcce-b302099a8057",
        }
    ]


def test_columns_that_no_field_takes_are_properties_with_their_types(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "orders.csv",
        "customer,date,cds,value,gift,note,code\n00001,2026-01-02,2,11.50,true,,007\n",
    )
    (event,) = read(path, Mapped({"distinct_id": "customer", "timestamp": "date"}, "purchase"))
    assert event["event"] == "purchase"
    assert event["distinct_id"] == "00001"
    assert event["properties"] == {"cds": 2, "value": 11.5, "gift": True, "code": "007"}


def test_a_properties_column_holds_them_all(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "e.csv",
        'event,distinct_id,timestamp,properties,other\na,b,2026-01-02,"{""x"": [1]}",ignored\n',
    )
    assert read(path)[0]["properties"] == {"x": [1]}


@pytest.mark.parametrize("name", ["e.csv.gz", "e.tsv"])
def test_packed_files_and_tabs_are_read(tmp_path: Path, name: str) -> None:
    text = "event,distinct_id,timestamp\na,b,2026-01-02\n"
    path = tmp_path / name
    if name.endswith(".gz"):
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text.replace(",", "\t"))
    assert [event["event"] for event in read(path)] == ["a"]


def test_equal_content_has_one_id_in_a_project_however_its_time_is_written(tmp_path: Path) -> None:
    line = '{"event":"a","distinct_id":"b","timestamp":"%s","properties":{"x":1,"y":2}}\n'
    turned = '{"properties":{"y":2,"x":1},"timestamp":"%s","distinct_id":"b","event":"a"}\n'
    one = written(tmp_path, "one.ndjson", line % "2026-01-02T00:00:00Z")
    (first,) = read(one)
    (second,) = read(written(tmp_path, "two.ndjson", turned % "2026-01-02T01:00:00+01:00"))
    assert first["uuid"] == second["uuid"]
    (elsewhere,) = read(one, token="phc_b")
    assert elsewhere["uuid"] != first["uuid"]


def test_equal_rows_are_events_of_their_own_and_the_same_ones_again(tmp_path: Path) -> None:
    line = '{"event":"a","distinct_id":"b","timestamp":"2026-01-02"}\n'
    path = written(tmp_path, "twice.ndjson", line * 3)
    ids = [event["uuid"] for event in read(path)]
    assert len(set(ids)) == 3
    assert [event["uuid"] for event in read(path)] == ids


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"event":"a","distinct_id":"b"}', "line 2: has no 'timestamp'"),
        ('{"event":"a","timestamp":"2026-01-02"}', "line 2: has no 'distinct_id'"),
        ('{"distinct_id":"b","timestamp":"2026-01-02"}', "line 2: has no 'event'"),
        ('{"event":"a","distinct_id":"b","timestamp":"soon"}', "timestamp 'soon' is not a time"),
        ('{"event":"a","distinct_id":"b","timestamp":"2026-01-02","uuid":"7"}', "not a UUID"),
        ('{"event":"a","distinct_id":"b","timestamp":"2026-01-02","properties":7}', "JSON object"),
        ("[1]", "line 2: not a JSON object"),
        ('{"event":', "line 2: not JSON"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str, reason: str) -> None:
    good = '{"event":"a","distinct_id":"b","timestamp":"2026-01-02"}\n'
    with pytest.raises(BadRecord, match=reason):
        read(written(tmp_path, "e.ndjson", f"{good}{line}\n{good}"))


def test_a_row_of_another_width_is_named(tmp_path: Path) -> None:
    text = "event,distinct_id,timestamp\na,b,2026-01-02\na,b\n"
    with pytest.raises(BadRecord, match="line 3: has 2 cells, and the first line has 3"):
        read(written(tmp_path, "e.csv", text))


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "e.csv"
    path.write_bytes(b"event,distinct_id,timestamp\n\xff,b,2026-01-02\n")
    with pytest.raises(BadRecord, match="not UTF-8"):
        read(path)
