"""Tables: what separates their columns, whether they have a heading, and how they are encoded."""

import bz2
import gzip
import lzma
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from services.embedded.importing.faults import BadRecord, NotEvents
from services.embedded.importing.import_options import ImportOptions
from tests.embedded.importing.reading_files import HEAD, outcomes, read, written

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

ROWS = f"{HEAD},v\na,b,2026-01-02 03:04:05,x y\na,c,2026-01-03 03:04:05,z\n"


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("name", ["e.csv", "e.tsv", "e.txt", "e"])
def test_the_separator_is_found_whatever_the_name(
    tmp_path: Path, name: str, separator: str
) -> None:
    events = read(written(tmp_path, name, ROWS.replace(",", separator)))
    assert [(event["distinct_id"], event["properties"]) for event in events] == [
        ("b", {"v": "x y"}),
        ("c", {"v": "z"}),
    ]


def test_columns_may_be_separated_by_white_space(tmp_path: Path) -> None:
    text = " customer_id  date number_of_cds\tvalue\r\n 00001 19970101  1   11.77\r\n\r\n"
    (event,) = read(written(tmp_path, "e.txt", text), ImportOptions(event="purchase"))
    assert event["distinct_id"] == "00001"
    assert event["properties"] == {"number_of_cds": 1, "value": 11.77}


def test_another_separator_is_named(tmp_path: Path) -> None:
    path = written(tmp_path, "e.csv", ROWS.replace(",", "^"))
    with pytest.raises(NotEvents, match="name it with --separator"):
        read(path)
    assert len(read(path, ImportOptions(separator="^"))) == 2


def test_commas_in_cells_do_not_hide_the_semicolons(tmp_path: Path) -> None:
    text = 'event;distinct_id;timestamp;v\na;b;2026-01-02;"1,5"\na;c;2026-01-02;2,25\n'
    assert [event["properties"]["v"] for event in read(written(tmp_path, "e.csv", text))] == [
        "1,5",
        "2,25",
    ]


@pytest.mark.parametrize(
    "pack",
    [gzip.compress, bz2.compress, lzma.compress, zstd.compress],
    ids=["gz", "bz2", "xz", "zst"],
)  # fmt: skip
def test_packed_files_are_read_whatever_their_name(
    tmp_path: Path, pack: Callable[[bytes], bytes]
) -> None:
    packed = pack(ROWS.encode())
    assert len(read(written(tmp_path, "e.csv.packed", packed))) == 2
    assert len(read(written(tmp_path, "e.csv", packed))) == 2


def test_a_packed_file_that_is_cut_off_says_so_after_what_is_good(tmp_path: Path) -> None:
    rows = "".join(f"a,p{number},2026-01-02,{number * 7919 % 10007}\n" for number in range(60_000))
    packed = gzip.compress(f"{HEAD},v\n{rows}".encode())
    path = written(tmp_path, "e.csv.gz", packed[: len(packed) * 9 // 10])
    *good, last = outcomes(path)
    assert len(good) > 40_000
    assert isinstance(last, BadRecord)
    assert "damaged or cut off" in str(last)


def test_a_file_without_a_heading_is_refused_and_read_with_columns(tmp_path: Path) -> None:
    path = written(tmp_path, "e.csv", "4,19970101,2\n5,19970102,1\n")
    with pytest.raises(NotEvents, match=r"looks like an event.*--columns"):
        read(path, ImportOptions(event="purchase"))
    events = read(
        path, ImportOptions(event="purchase", columns=("distinct_id", "timestamp", "cds"))
    )
    assert [event["distinct_id"] for event in events] == ["4", "5"]
    assert events[0]["properties"] == {"cds": 2}
    with pytest.raises(NotEvents, match=r"has 3 columns .* and --columns names 2"):
        read(path, ImportOptions(event="purchase", columns=("distinct_id", "timestamp")))


def test_the_heading_may_be_named_again(tmp_path: Path) -> None:
    columns = ("event", "distinct_id", "timestamp", "v")
    assert len(read(written(tmp_path, "e.csv", ROWS), ImportOptions(columns=columns))) == 2


def test_columns_of_one_name_and_of_none_are_told_apart(tmp_path: Path) -> None:
    text = f",{HEAD},v,v,\n0,a,b,2026-01-02,1,2,\n"
    assert read(written(tmp_path, "e.csv", text))[0]["properties"] == {"v": 1, "v_2": 2}


def test_a_cell_may_be_as_long_as_an_event(tmp_path: Path) -> None:
    text = f"{HEAD},v\na,b,2026-01-02,{'x' * 1_000_000}\n"
    assert len(read(written(tmp_path, "e.csv", text))[0]["properties"]["v"]) == 1_000_000


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("a,b", "line 3: has 2 cells, and the first line has 3"),
        ("a,b,2026-01-02,1", "line 3: has 4 cells, and the first line has 3"),
        ('a,"b,2026-01-02', "line 3: not CSV: a quote is opened here and never closed"),
        ('a,"b"c,2026-01-02', "line 3: not CSV"),
    ],
)
def test_a_row_that_is_none_is_named_by_the_line_it_begins_on(
    tmp_path: Path, row: str, says: str
) -> None:
    with pytest.raises(BadRecord, match=says):
        read(written(tmp_path, "e.csv", f"{HEAD}\na,b,2026-01-02\n{row}\na,c,2026-01-02\n"))


def test_a_separator_at_the_end_of_every_row_is_no_cell(tmp_path: Path) -> None:
    assert len(read(written(tmp_path, "e.csv", f"{HEAD}\na,b,2026-01-02,\n"))) == 1


@pytest.mark.parametrize(
    "encoded",
    [
        ROWS.replace("z", "Zürich").encode("utf-8-sig"),
        ROWS.replace("z", "Zürich").encode("utf-16"),
        ROWS.replace("z", "Zürich").encode("utf-16-le"),
        ROWS.replace("z", "Zürich").encode("utf-16-be"),
        ROWS.replace("z", "Zürich").encode("utf-32"),
        ROWS.replace("z", "Zürich").replace("\n", "\r").encode(),
        ROWS.replace("z", "Zürich").replace("\n", "\r\n").encode(),
    ],
)
def test_encodings_and_line_ends_are_found_where_they_are_sure(
    tmp_path: Path, encoded: bytes
) -> None:
    events = read(written(tmp_path, "e.csv", encoded))
    assert [event["properties"]["v"] for event in events] == ["x y", "Zürich"]


def test_text_in_no_sure_encoding_names_the_line_and_how_it_would_read(tmp_path: Path) -> None:
    path = written(tmp_path, "e.csv", ROWS.replace("z", "Zürich").encode("cp1252"))
    _good, bad = outcomes(path)
    assert isinstance(bad, BadRecord)
    assert str(bad).startswith("line 3: the text is not UTF-8 (byte 0xfc)")
    assert "--encoding cp1252" in str(bad)
    assert "Zürich" in str(bad)
    assert read(path, ImportOptions(encoding="cp1252"))[1]["properties"]["v"] == "Zürich"


def test_a_named_encoding_that_is_not_the_files_names_the_line(tmp_path: Path) -> None:
    path = written(tmp_path, "e.csv", ROWS.replace("z", "Zürich").encode("latin-1"))
    with pytest.raises(BadRecord, match="line 3: the text is not ASCII"):
        read(path, ImportOptions(encoding="ascii"))
