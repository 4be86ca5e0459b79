"""Parquet, and that the same data in another form gives the same events."""

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from chdb import session

from services.embedded.importing.import_options import ImportOptions
from tests.embedded.importing.reading_files import outcomes, read, times, written

# What the columns of one row are, as SELECT writes them.
ROW = (
    "'paid' AS event, number % 3 AS user_id,"
    " toDateTime64('2023-01-01 10:00:00.123456', 6, 'UTC') + number AS at,"
    " number AS n, 1.25 AS price, '1.10' AS version, NULL::Nullable(Int64) AS nothing,"
    " nan AS none, [1, 2] AS list, map('k', 'v') AS members, 9007199254740993::Int64 AS long,"
    " toDecimal64(2.5, 2) AS money, true AS yes, toDate('2023-01-05') AS day, 'Zürich' AS place"
)
MAPPED = ImportOptions(names={"distinct_id": "user_id", "timestamp": "at"})


def parquet(folder: Path, columns: str, rows: int = 3, name: str = "e.parquet") -> Path:
    engine: Any = session.Session(str(folder / "engine"))  # type: ignore[no-untyped-call]
    path = written(folder, name, "")
    plain = folder / "plain"
    engine.query(
        f"SELECT {columns} FROM numbers({rows}) INTO OUTFILE '{plain}' TRUNCATE FORMAT Parquet"
    )
    engine.close()
    plain.replace(path)
    return path


def test_types_are_what_the_file_says(tmp_path: Path) -> None:
    first, second, _ = read(parquet(tmp_path, ROW), MAPPED)
    assert first["distinct_id"] == 0
    assert first["timestamp"] == "2023-01-01T10:00:00.123456+00:00"
    assert second["timestamp"] == "2023-01-01T10:00:01.123456+00:00"
    assert first["properties"] == {
        "n": 0,
        "price": 1.25,
        "version": "1.10",
        "list": [1, 2],
        "members": {"k": "v"},
        "long": 9007199254740993,
        "money": 2.5,
        "yes": True,
        "day": "2023-01-05",
        "place": "Zürich",
    }


def test_rows_come_in_the_files_order_however_many(tmp_path: Path) -> None:
    path = parquet(tmp_path, ROW, rows=20_000)
    assert [event["properties"]["n"] for event in read(path, MAPPED)] == list(range(20_000))


def test_instants_are_utc_whatever_the_named_zone(tmp_path: Path) -> None:
    reading = ImportOptions(names=MAPPED.names, timezone="America/New_York")
    assert times(parquet(tmp_path, ROW, rows=1), reading) == ["2023-01-01T10:00:00.123456+00:00"]
    days = ImportOptions(
        names={"distinct_id": "user_id", "timestamp": "day"}, timezone="Europe/Berlin"
    )
    assert times(parquet(tmp_path, ROW, rows=1), days) == ["2023-01-04T23:00:00.000000+00:00"]


def test_times_without_a_zone_are_the_named_zones(tmp_path: Path) -> None:
    path = tmp_path / "e.parquet"
    duckdb.sql(
        "COPY (SELECT 'a' AS event, 'b' AS distinct_id,"
        f" TIMESTAMP '2023-07-01 12:00:00' AS timestamp) TO '{path}' (FORMAT parquet)"
    )
    assert times(path) == ["2023-07-01T12:00:00.000000+00:00"]
    berlin = ImportOptions(timezone="Europe/Berlin")
    assert times(path, berlin) == ["2023-07-01T10:00:00.000000+00:00"]


@pytest.mark.parametrize("name", ["it's {1..3} *?.parquet", "données\\x.parquet", "e.csv"])
def test_the_name_of_a_file_may_be_any(tmp_path: Path, name: str) -> None:
    assert len(read(parquet(tmp_path, ROW, name=name), MAPPED)) == 3


def test_properties_as_text_are_an_object(tmp_path: Path) -> None:
    columns = (
        "'a' AS event, 'b' AS distinct_id, '2023-01-01' AS timestamp, '{\"x\": 1}' AS properties"
    )
    assert read(parquet(tmp_path, columns))[0]["properties"] == {"x": 1}


def test_rows_without_a_person_are_told(tmp_path: Path) -> None:
    columns = "'a' AS event, if(number = 1, NULL, 'b') AS distinct_id, '2023-01-01' AS timestamp"
    first, second, _ = outcomes(parquet(tmp_path, columns))
    assert type(first).__name__ == "EventRecord"
    assert second.where == "row 2"


def test_the_same_rows_in_every_form_are_the_same_events(tmp_path: Path) -> None:
    columns = (
        "'paid' AS event, toString(number % 3) AS distinct_id,"
        " '2023-01-01 10:00:0' || toString(number) AS timestamp, number AS n, 'x' AS v"
    )
    expected = read(parquet(tmp_path, columns, rows=9))
    rows = [
        {"event": "paid", "distinct_id": str(n % 3), "timestamp": f"2023-01-01 10:00:0{n}"}
        | {"n": n, "v": "x"}
        for n in range(9)
    ]
    heading = ",".join(rows[0])
    table = "\n".join([heading, *(",".join(map(str, row.values())) for row in rows)]) + "\n"
    for name, text in (
        ("e.csv", table),
        ("e.tsv", table.replace(",", "\t")),
        ("e.json", json.dumps(rows)),
        ("e.ndjson", "\n".join(json.dumps(row) for row in rows)),
    ):
        assert read(written(tmp_path, name, text)) == expected
