"""Reads as lines, held against the seals in an export of facts: every damage is named."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from contracts.chain import Entry
from contracts.merkle import root_of
from contracts.ocsf.base import Names
from contracts.reads import ErasedReader, Read, StoredRead, UserReader, VisitorReader, commitment
from services.common.verifying.offline import Broken, Outcome, Unusable, verify
from services.query.audit.read_forms import ndjson
from tests.services.common.verifying.archives import INSTALLATION, following, history, stream

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
NAMES = Names(installation=INSTALLATION, product_version="1", things={}, users={})
Lines = list[dict[str, Any]]


def _stored(number: int) -> StoredRead:
    actor = UserReader(user_id=1, key_id="k")
    read = Read(
        # The first has no fraction of a second.
        at=NOON + timedelta(milliseconds=1500 * (number - 1)),
        actor=actor if number % 2 else VisitorReader(token_id=3, unlocked=False),
        surface="api",
        what="insight",
        items=(number,),
        status=200,
        client='curl/8 "x"',
    )
    salt = number.to_bytes(16)
    return StoredRead(
        team_id=1,
        number=number,
        read=read,
        salt=salt,
        commitment=commitment(salt, read),
        sealed_by=1,
    )


READS = [_stored(number) for number in range(1, 8)]


def _sealed(entries: list[Entry], first: int, last: int) -> None:
    root = root_of([each.commitment for each in READS[first - 1 : last]])
    told = {"first": first, "last": last, "count": last - first + 1, "root": root.hex()}
    _told(entries, "audit.reads_sealed.v1", told)


def _told(entries: list[Entry], name: str, told: dict[str, Any]) -> None:
    entries.append(following(entries, name, msgspec.json.encode({"type": name, **told})))


def _facts() -> list[Entry]:
    """Seals over 1 to 3 and 4 to 6; the seventh has none yet."""
    entries = history(3)
    _sealed(entries, 1, 3)
    _sealed(entries, 4, 6)
    return entries


def _lines(reads: list[StoredRead] = READS) -> Lines:
    return [json.loads(line) for line in ndjson(reads, NAMES).splitlines()]


def _verified(entries: list[Entry], lines: Lines) -> Outcome:
    sent = [json.dumps(line, ensure_ascii=False).encode() + b"\n" for line in lines]
    return verify(stream(entries), [], [], sent)


def test_reads_that_nobody_touched_hold() -> None:
    found = _verified(_facts(), _lines())
    assert found.reads == 6
    assert "6 reads hold; 1 have no seal in this file yet." in found.notes


def _status(lines: Lines) -> None:
    lines[1]["status"] = 404


def _item(lines: Lines) -> None:
    lines[4]["items"] = [9]


def _dropped(lines: Lines) -> None:
    del lines[2]


def _cut(lines: Lines) -> None:
    del lines[5:]


def _swapped(lines: Lines) -> None:
    lines[0], lines[1] = lines[1] | {"number": 1}, lines[0] | {"number": 2}


def _anonymous(lines: Lines) -> None:
    lines[0] |= {"actor": {"type": "erased"}, "salt": None}


def _replaced(lines: Lines) -> None:
    """By one of its own, with salt and commitment that fit."""
    other = _lines([_stored(9)])[0]
    lines[3] = other | {"number": 4}


@pytest.mark.parametrize(
    "damage", [_status, _item, _dropped, _cut, _swapped, _anonymous, _replaced]
)
def test_each_damage_is_named(damage: Callable[[Lines], None]) -> None:
    lines = _lines()
    damage(lines)
    with pytest.raises(Broken) as broken:
        _verified(_facts(), lines)
    assert broken.value.code == "reads_altered"
    assert broken.value.type == "audit.reads_sealed.v1"


def test_a_span_without_a_seal_is_no_gap_that_can_be_explained() -> None:
    entries = history(3)
    _sealed(entries, 4, 6)
    with pytest.raises(Broken, match="1 was to come"):
        _verified(entries, _lines())


def test_expired_reads_may_be_gone_when_a_fact_says_so() -> None:
    entries = _facts()
    with pytest.raises(Broken, match="read 1 is missing"):
        _verified(entries, _lines(READS[3:]))
    _told(entries, "audit.reads_expired.v1", {"through": 3, "count": 3})
    assert _verified(entries, _lines(READS[3:])).reads == 3
    assert _verified(entries, _lines()).reads == 3


def test_erased_readers_are_gone_when_a_fact_says_so() -> None:
    entries = _facts()
    gone = msgspec.structs.replace(READS[0].read, actor=ErasedReader(), ip=None)
    erased = msgspec.structs.replace(READS[0], read=gone, salt=b"")
    told = {"erasure_id": 1, "sequence": None, "commitment": None, "reads": [[1, 1]]}
    _told(entries, "audit.payload_erased.v1", told)
    assert _verified(entries, _lines([erased, *READS[1:]])).reads == 6
    with pytest.raises(Broken, match="erased by a fact, and is here"):
        _verified(entries, _lines())


def test_what_is_no_read_is_unusable() -> None:
    with pytest.raises(Unusable, match="is no read"):
        _verified(_facts(), [{"number": 1}])
