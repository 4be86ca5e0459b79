"""What a row becomes: fields, properties, and an id that is the same next time."""

from pathlib import Path

import pytest

from services.embedded.importing.event_records import EventRecord, NoPerson, cell_value
from services.embedded.importing.faults import BadRecord, NotEvents
from services.embedded.importing.import_options import ImportOptions
from tests.embedded.importing.reading_files import HEAD, outcomes, read, written

GOOD = '{"event":"a","distinct_id":"b","timestamp":"2026-01-02"}\n'


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
        "buyer,day,cds,value,gift,note,code\n00001,2026-01-02,2,11.5,true,,007\n",
    )
    names = {"distinct_id": "buyer", "timestamp": "day"}
    (event,) = read(path, ImportOptions(names=names, event="purchase"))
    assert event["event"] == "purchase"
    assert event["distinct_id"] == "00001"
    assert event["properties"] == {"cds": 2, "value": 11.5, "gift": True, "code": "007"}


@pytest.mark.parametrize(
    ("cell", "value"),
    [("1", 1), ("0", 0), ("-7", -7), ("1.1", 1.1), ("-0.25", -0.25), ("true", True),
     ("false", False), ("123456789012345678", 123456789012345678)],
)  # fmt: skip
def test_a_cell_that_is_written_as_its_number_is_one(cell: str, value: object) -> None:
    read = cell_value(cell)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    "cell",
    ["1.10", "1.0", "1e5", "7E2", "007", "+5", "1_000", "-0", "1.", ".5", "1,5", "0x10", "NaN",
     "inf", "1234567890123456789012", "0.1000000000000000055",
     "True", "١٢", "1 ", "00", "[1]", "null"],
)  # fmt: skip
def test_a_cell_that_a_number_would_be_written_otherwise_than_stays_text(cell: str) -> None:
    assert cell_value(cell) == cell


def test_text_in_json_stays_text(tmp_path: Path) -> None:
    line = '{"event":"a","distinct_id":"b","timestamp":"2026-01-02","zip":"12","n":12}\n'
    (event,) = read(written(tmp_path, "e.ndjson", line))
    assert event["properties"] == {"zip": "12", "n": 12}


def test_a_properties_column_holds_them_all(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "e.csv",
        f'{HEAD},properties,other\na,b,2026-01-02,"{{""x"": [1]}}",ignored\n',
    )
    assert read(path)[0]["properties"] == {"x": [1]}


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
    path = written(tmp_path, "twice.ndjson", GOOD * 3)
    ids = [event["uuid"] for event in read(path)]
    assert len(set(ids)) == 3
    assert [event["uuid"] for event in read(path)] == ids


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"event":"a","distinct_id":"b"}', "line 2: has no 'timestamp'"),
        ('{"distinct_id":"b","timestamp":"2026-01-02"}', "line 2: has no 'event'"),
        ('{"event":"a","distinct_id":"b","timestamp":"soon"}', "timestamp 'soon' is not a time"),
        ('{"event":"a","distinct_id":"b","timestamp":"2026-01-02","properties":7}', "JSON object"),
        ("[1]", "line 2: not a JSON object"),
        ('{"event":', "line 2: not JSON"),
        ('{"event":"a","distinct_id":"b","timestamp":NaN}', "line 2: not JSON"),
    ],
)
def test_a_bad_line_is_named_and_those_around_it_are_read(
    tmp_path: Path, line: str, reason: str
) -> None:
    path = written(tmp_path, "e.ndjson", f"{GOOD}{line}\n{GOOD}")
    with pytest.raises(BadRecord, match=reason):
        read(path)
    assert [type(outcome) for outcome in outcomes(path)] == [EventRecord, BadRecord, EventRecord]


def test_an_id_that_is_none_is_named(tmp_path: Path) -> None:
    line = GOOD.replace("}", ',"uuid":"7"}')
    with pytest.raises(BadRecord, match="line 1: uuid '7' is not a UUID"):
        read(written(tmp_path, "e.ndjson", line + GOOD))


def test_rows_without_a_person_are_told_apart_from_bad_ones(tmp_path: Path) -> None:
    csv = f"{HEAD},v\na,b,2026-01-02,1\na,,2026-01-02,1\na,NA,2026-01-02,NA\na,c,2026-01-02,NA\n"
    path = written(tmp_path, "e.csv", csv)
    first, second, third, fourth = outcomes(path, ImportOptions(missing=frozenset({"NA", "null"})))
    assert second == NoPerson("line 3")
    assert third == NoPerson("line 4")
    assert isinstance(first, EventRecord)
    assert isinstance(fourth, EventRecord)
    assert fourth.body["properties"] == {}
    json = GOOD + GOOD.replace('"b"', "null") + GOOD.replace('"b"', '" "')
    assert [type(one) for one in outcomes(written(tmp_path, "e.ndjson", json))] == [
        EventRecord,
        NoPerson,
        NoPerson,
    ]


@pytest.mark.parametrize(
    ("heading", "person", "time"),
    [
        ("event,user_id,time", "user_id", "time"),
        ("Event Name,CustomerID,Date", "CustomerID", "Date"),
        ("event_type,visitorid,created_at", "visitorid", "created_at"),
        # The name itself goes before any other.
        ("event,distinct_id,user_id,timestamp,time", "distinct_id", "timestamp"),
    ],
)
def test_columns_are_known_by_common_names(
    tmp_path: Path, heading: str, person: str, time: str
) -> None:
    cells = {person: "ann", time: "2026-01-02"}
    row = ",".join(cells.get(name, "x") for name in heading.split(","))
    (event,) = read(written(tmp_path, "e.csv", f"{heading}\n{row}\n"))
    assert (event["event"], event["distinct_id"]) == ("x", "ann")
    assert event["timestamp"] == "2026-01-02T00:00:00.000000+00:00"


@pytest.mark.parametrize(
    ("heading", "names", "says"),
    [
        (
            "event,user_id,customer_id,time",
            {},
            "--map distinct_id=user_id or --map distinct_id=cust",
        ),
        ("event,who,time", {}, "Nothing says who did it. The columns are 'event', 'who', 'time'"),
        ("who,user,time", {}, "or --event NAME"),
        (
            "event,user,time",
            {"distinct_id": "usr"},
            "no column 'usr' for distinct_id. Did you mean",
        ),
    ],
)
def test_columns_that_are_not_sure_are_asked_for(
    tmp_path: Path, heading: str, names: dict[str, str], says: str
) -> None:
    row = ",".join("x" for _ in heading.split(","))
    with pytest.raises(NotEvents) as refused:
        read(written(tmp_path, "e.csv", f"{heading}\n{row}\n"), ImportOptions(names=names))
    assert says in str(refused.value)


def test_fields_are_found_within_properties_and_by_paths(tmp_path: Path) -> None:
    mixpanel = '{"event":"a","properties":{"time":1672567200,"distinct_id":"ann","x":1}}\n'
    (event,) = read(written(tmp_path, "mixpanel.ndjson", mixpanel))
    assert event["distinct_id"] == "ann"
    assert event["timestamp"] == "2023-01-01T10:00:00.000000+00:00"
    nested = '{"event":"a","user":{"id":7},"ts":"2023-01-01"}\n'
    reading = ImportOptions(names={"distinct_id": "user.id"})
    (event,) = read(written(tmp_path, "nested.ndjson", nested), reading)
    assert event["distinct_id"] == 7
    assert event["properties"] == {"user": {"id": 7}}
