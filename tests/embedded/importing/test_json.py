"""JSON in the shapes that exports and APIs have, read in pieces."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.embedded.importing import json_rows
from services.embedded.importing.faults import BadRecord
from services.embedded.importing.import_options import FileRow, ImportOptions
from tests.embedded.importing.reading_files import outcomes, read, written

EVENTS: list[dict[str, Any]] = [
    {"event": "a", "distinct_id": "b", "timestamp": "2026-01-02", "n": number}
    for number in range(3)
]

ONE = json.dumps(EVENTS[0])


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(EVENTS),
        json.dumps(EVENTS, indent=2),
        "\n".join(json.dumps(event) for event in EVENTS),
        "\n".join(json.dumps(event, indent=2) for event in EVENTS),
        "".join(json.dumps(event) for event in EVENTS),
        "\x1e" + "\n\x1e".join(json.dumps(event) for event in EVENTS),
        json.dumps({"results": EVENTS, "next": None}),
        json.dumps({"next": "x", "previous": None, "results": EVENTS}, indent=4),
        json.dumps({"events": EVENTS}),
        json.dumps({"api_key": "phc_x", "batch": EVENTS}),
        json.dumps({"data": EVENTS[:1]}) + "\n" + json.dumps({"data": EVENTS[1:]}),
        "\ufeff" + json.dumps(EVENTS),
    ],
)
def test_every_shape_gives_the_same_events(tmp_path: Path, text: str) -> None:
    for name in ("e.json", "e.ndjson", "e"):
        found = read(written(tmp_path, name, text))
        assert [event["properties"] for event in found] == [{"n": 0}, {"n": 1}, {"n": 2}]


def test_an_answer_of_posthogs_api_keeps_the_ids_of_its_events(tmp_path: Path) -> None:
    event = {
        "id": "01890a5d-ac96-774b-bcce-b302099a8057",
        "distinct_id": "ann",
        "properties": {"$browser": "Firefox"},
        "event": "$pageview",
        "timestamp": "2026-01-02T03:04:05.678000+00:00",
        "person": {"is_identified": False},
        "elements": [],
    }
    text = json.dumps({"next": "https://posthog.example/", "results": [event]})
    assert read(written(tmp_path, "e.json", text)) == [
        {
            "event": "$pageview",
            "distinct_id": "ann",
            "timestamp": "2026-01-02T03:04:05.678000+00:00",
            "properties": {"$browser": "Firefox"},
            "uuid": "01890a5d-ac96-774b-bcce-b302099a8057",
        }
    ]
    numbered = json.dumps([{**EVENTS[0], "id": 7, "properties": {}}])
    assert len(read(written(tmp_path, "numbered.json", numbered))) == 1


def test_half_characters_and_numbers_too_great_are_taken_as_the_doors_take_them(
    tmp_path: Path,
) -> None:
    line = ONE.replace('"b"', r'"b\ud800"').replace("}", r', "x": "\ud83d\ude00", "y": 1e999}')
    for text in (f"{line}\n", f"[{line}]"):
        (event,) = read(written(tmp_path, "e.json", text))
        assert event["distinct_id"] == "b\ufffd"
        assert event["properties"] == {"n": 0, "x": "😀", "y": "1e999"}


def test_a_list_among_the_properties_is_no_list_of_events(tmp_path: Path) -> None:
    event = {**EVENTS[0], "items": [{"sku": 1}], "data": [1, 2]}
    for text in (json.dumps(event), json.dumps(event, indent=1)):
        (found,) = read(written(tmp_path, "e.json", text))
        assert found["properties"] == {"n": 0, "items": [{"sku": 1}], "data": [1, 2]}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            json.dumps(EVENTS, indent=0)[:-2],
            r"item 4 \(line 19\): the list of events is not closed",
        ),
        (f'[\n{ONE},\n{{"x": NaN}}]', r"item 2 \(line 3\): not JSON: the number NaN is none"),
        (f'[\n{ONE},\n{{"x" 1}}]', r"item 2 \(line 3\): not JSON"),
        (f"[\n{ONE},\n7]", r"item 2 \(line 3\): not a JSON object"),
    ],
)
def test_what_is_wrong_is_named_after_what_is_good(tmp_path: Path, text: str, says: str) -> None:
    *good, bad = outcomes(written(tmp_path, "e.json", text))
    assert good
    assert isinstance(bad, BadRecord)
    with pytest.raises(BadRecord, match=says):
        raise bad


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"{ONE}\n" * 2 + ONE.replace('"b"', '"Zoë"') + "\n", "line 3: the text is not UTF-8"),
        (f"[{ONE},\n{ONE},\n" + ONE.replace('"b"', '"Zoë"') + "]", "line 3: the text is not UTF-8"),
    ],
)
def test_text_in_another_encoding_is_named_after_what_is_good(
    tmp_path: Path, text: str, says: str
) -> None:
    path = written(tmp_path, "e.json", text.encode("cp1252"))
    *good, bad = outcomes(path)
    assert len(good) == 2
    assert isinstance(bad, BadRecord)
    assert str(bad).startswith(says)
    assert read(path, ImportOptions(encoding="cp1252"))[2]["distinct_id"] == "Zoë"


def test_a_packed_file_that_is_cut_off_says_so_after_what_is_good(tmp_path: Path) -> None:
    lines = "".join(json.dumps({**EVENTS[0], "n": n * 7919 % 10007}) + "\n" for n in range(30_000))
    packed = gzip.compress(lines.encode())
    *good, bad = outcomes(written(tmp_path, "e.ndjson.gz", packed[: len(packed) * 9 // 10]))
    assert len(good) > 20_000
    assert isinstance(bad, BadRecord)
    assert "damaged or cut off" in str(bad)


def pieces(text: str, size: int) -> Iterator[str]:
    return (text[first : first + size] for first in range(0, len(text), size))


_STORABLE = st.characters(exclude_categories=["Cs"], exclude_characters="\x00")
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(_STORABLE, max_size=8),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text(_STORABLE, max_size=4), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@given(
    st.lists(st.dictionaries(st.sampled_from(["a", "b", "é"]), values), max_size=5),
    st.integers(1, 40),
    st.sampled_from([None, 2]),
)
def test_wherever_the_pieces_end_the_objects_are_the_same(
    objects: list[dict[str, Any]], size: int, indent: int | None
) -> None:
    for text in (json.dumps(objects, indent=indent), json.dumps({"x": 1, "results": objects})):
        rows = list(json_rows.of_values(pieces(text, size)))
        assert [row.values for row in rows if isinstance(row, FileRow)] == objects
        assert len(rows) == len(objects)


def test_no_more_than_the_longest_object_is_kept() -> None:
    """A list of many megabytes, asked for in pieces: what was read ahead stays small."""
    read_ahead = 0

    def endless() -> Iterator[str]:
        nonlocal read_ahead
        yield "["
        for number in range(20_000):
            read_ahead += 1
            yield json.dumps({"n": number}) + ","

    rows = 0
    for count, row in enumerate(json_rows.of_values(endless()), start=1):
        if isinstance(row, FileRow):
            assert read_ahead - count < 100
            rows += 1
    assert rows == 20_000
