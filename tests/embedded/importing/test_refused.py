"""Files that are not what they seem: nothing of them is taken, and the message says what to do."""

import gzip
import io
import sqlite3
import tarfile
import zipfile
from pathlib import Path

import pytest

from services.embedded.importing.faults import NotEvents
from tests.embedded.importing.reading_files import HEAD, read, written


def archive(*names: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as made:
        for name in names:
            made.writestr(name, "x" * 50)
    return packed.getvalue()


def tar() -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as made:
        made.addfile(tarfile.TarInfo("e.csv"), io.BytesIO())
    return packed.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("e.csv", b"", "is empty"),
        ("e.csv", b"\n \n\n", "is empty"),
        ("e.csv.gz", gzip.compress(b"", mtime=0), "is empty"),
        ("e.csv", f"{HEAD}\n".encode(), "no events below it"),
        ("e.csv", b"some text that has no event at all\n", "is no table"),
        ("e.csv", b"a letter\nof two lines\n", "is no table"),
        ("e.csv", b"one\n2\n3\n", "is no table"),
        ("e.xlsx", archive("[Content_Types].xml", "xl/workbook.xml"), "Excel.*Save it as CSV"),
        ("e.csv", archive("[Content_Types].xml"), "Excel.*Save it as CSV"),
        ("e.zip", archive("e.csv"), "ZIP archive. Unpack it"),
        ("e.tar.gz", gzip.compress(tar(), mtime=0), "tar archive. Unpack it"),
        ("e.parquet", b"PAR1" + b"\0" * 60, "can't be read as Parquet"),
        ("e.parquet.gz", gzip.compress(b"PAR1" + b"\0" * 60, mtime=0), "Unpack it"),
        ("e.csv", b"<!DOCTYPE html>\n<html><body>Sign in</body></html>", "web page"),
        ("e.json", b"  <?xml version='1.0'?><rss/>", "XML"),
        ("e.csv", bytes(range(256)) * 4, "no text"),
        ("e.json", b"event,distinct_id\n", "named like JSON"),
        ("e.json", b"[]", "has no events"),
        ("e.json", b'{"results": []}', "has no events"),
        ("e.ndjson", b"[1, 2, 3]", "not a JSON object"),
        ("e.json", b'{"event": "a", "distinct_id": "b"', "cut off"),
        ("e.csv.gz", b"\x1f\x8b\x08\x00 no gzip", "can't be unpacked"),
        ("e.pdf", b"%PDF-1.7\n", "a PDF"),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_what_holds_no_events_is_refused(
    tmp_path: Path, name: str, content: bytes, says: str
) -> None:
    with pytest.raises(NotEvents, match=says):
        read(written(tmp_path, name, content))


def test_a_database_is_refused(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "e.csv") as database:
        database.execute("CREATE TABLE events (event)")
    database.close()
    with pytest.raises(NotEvents, match="SQLite"):
        read(tmp_path / "e.csv")
