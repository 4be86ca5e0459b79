"""Rows of the read trail: their canonical bytes, which never change, and what they prove."""

import json
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from contracts.reads import (
    SALT_BYTES,
    ErasedReader,
    Read,
    StoredRead,
    UserReader,
    VisitorReader,
    canonical,
    commitment,
    printable,
)

READ = Read(
    at=datetime(2026, 11, 30, 20, 41, 52, 404099, tzinfo=UTC),
    actor=UserReader(user_id=1, key_id="cxiSkaznYyUIDflR"),
    surface="api",
    what="insight",
    items=(1,),
    refresh="force_cache",
    status=200,
    from_cache=True,
    bytes=1196,
    ip="192.0.2.7",
    client='curl/8.1 "\\',
    correlation_id=UUID(int=7),
)
CANONICAL = (
    '{"at":"2026-11-30T20:41:52.404099Z","actor":{"type":"user","user_id":1,'
    '"key_id":"cxiSkaznYyUIDflR"},"surface":"api","what":"insight","items":[1],"insights":[],'
    '"as_of":null,"refresh":"force_cache","status":200,"from_cache":true,"bytes":1196,'
    '"ip":"192.0.2.7","client":"curl/8.1 \\"\\\\","correlation_id":'
    '"00000000-0000-0000-0000-000000000007"}'
)


def test_the_canonical_bytes_are_these_for_good() -> None:
    assert canonical(READ).decode() == CANONICAL


def test_the_standard_library_writes_the_same_bytes() -> None:
    again = json.dumps(json.loads(CANONICAL), separators=(",", ":"), ensure_ascii=False)
    assert again == CANONICAL


def test_what_is_stored_is_read_as_it_was() -> None:
    visitor = msgspec.structs.replace(READ, actor=VisitorReader(token_id=3, unlocked=True))
    for read in (READ, visitor):
        assert msgspec.json.decode(canonical(read), type=Read) == read


def test_a_row_holds_as_long_as_nothing_of_it_is_another() -> None:
    salt = bytes(range(SALT_BYTES))
    row = StoredRead(
        team_id=1, number=1, read=READ, salt=salt, commitment=commitment(salt, READ), sealed_by=9
    )
    assert row.holds
    later = msgspec.structs.replace(READ, status=404)
    assert not msgspec.structs.replace(row, read=later).holds
    assert not msgspec.structs.replace(row, salt=salt[::-1]).holds


def test_an_erased_row_has_no_salt_left() -> None:
    salt = bytes(range(SALT_BYTES))
    gone = msgspec.structs.replace(READ, actor=ErasedReader(), ip=None)
    row = StoredRead(
        team_id=1, number=1, read=gone, salt=b"", commitment=commitment(salt, READ), sealed_by=9
    )
    assert row.holds
    assert not msgspec.structs.replace(row, salt=salt).holds


def test_what_a_client_calls_itself_is_made_plain() -> None:
    assert printable("curl/8\x00é\x7f~ ", 7) == "curl/8?"
    assert printable("é\x7f~ ", 9) == "??~ "
