"""The chain, from its definition alone: what an outsider in another language would compute."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw
from msgspec.structs import replace

from contracts.chain import (
    BEGINNING,
    PAYLOAD_ERASED,
    BrokenChain,
    Entry,
    Erasures,
    Link,
    chained,
    commit,
    decode_entry,
    encode_entry,
    envelope_of,
    follow,
    verify,
)
from contracts.codec import decode_recorded
from contracts.events.insight import InsightRenamed
from contracts.json import NULL

OPERATION = UUID("0b7c2a6e-1111-4222-8333-444455556666")
STREAM = UUID("6f0f4f0e-6a53-5b7f-9a0e-2d9d1f6f5a11")
PAYLOAD = b'{"type":"insight.renamed.v1","name":"Signups","previous":null}'


def entry(
    after: Link = BEGINNING,
    position: int = 1,
    payload: bytes = PAYLOAD,
    name: str = "insight.renamed.v1",
) -> Entry:
    """The entry that follows `after`."""
    salt = bytes(range(16))
    unproved = Entry(
        position=position,
        stream_id=STREAM,
        subject="insight/1",
        version=position,
        name=name,
        team_id=1,
        team_seq=after.team_seq + 1,
        at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(microseconds=position),
        actor=Raw(b'{"type":"user","user_id":7,"key_id":"k1"}'),
        operation_id=OPERATION,
        correlation_id=OPERATION,
        causation_id=None,
        event=Raw(payload),
        salt=salt,
        commitment=commit(salt, payload),
        previous=after.hash,
        hash=b"",
    )
    proof = chained(after.hash, envelope_of(unproved), unproved.commitment)
    return replace(unproved, hash=proof)


def history(length: int) -> list[Entry]:
    entries: list[Entry] = []
    link = BEGINNING
    for position in range(1, length + 1):
        entries.append(entry(link, position))
        link = Link(position, entries[-1].hash)
    return entries


def test_the_first_entry_is_hashed_as_the_definition_says() -> None:
    first = entry()
    commitment = hashlib.sha256(bytes(range(16)) + PAYLOAD).digest()
    envelope = (
        b'[1,"6f0f4f0e-6a53-5b7f-9a0e-2d9d1f6f5a11",1,"insight.renamed.v1",1767225600000001,1,1,'
        b'{"type":"user","user_id":7,"key_id":"k1"},"0b7c2a6e-1111-4222-8333-444455556666",'
        b'"0b7c2a6e-1111-4222-8333-444455556666",null]'
    )
    assert first.commitment == commitment
    assert envelope_of(first) == envelope
    assert first.hash == hashlib.sha256(bytes(32) + envelope + commitment).digest()


def test_the_hash_of_the_first_entry_never_changes() -> None:
    assert entry().hash.hex() == (
        "9b83408001ea5ebd71e179a2f0ab1964f8682ac4108fa9765a9645d69c0bba15"
    )


def test_a_whole_history_verifies_and_says_where_it_stands() -> None:
    entries = history(4)
    assert verify(entries) == Link(4, entries[-1].hash)


def test_a_history_can_be_verified_from_any_link_on() -> None:
    entries = history(4)
    middle = verify(entries[:2])
    assert verify(entries[2:], after=middle) == verify(entries)


def test_no_entries_leave_the_link_where_it_is() -> None:
    assert verify([]) == BEGINNING


@given(length=st.integers(2, 6), data=st.data())
def test_an_entry_left_out_repeated_or_moved_is_named(length: int, data: st.DataObject) -> None:
    entries = history(length)
    changed = data.draw(st.permutations(entries).filter(lambda order: order != entries))
    first_wrong = next(
        there for here, there in zip(entries, changed, strict=True) if here is not there
    )
    with pytest.raises(BrokenChain) as broken:
        verify(changed)
    assert (broken.value.position, broken.value.reason) == (first_wrong.position, "team_seq")


@given(
    field=st.sampled_from(
        ["position", "version", "name", "team_id", "at", "actor", "operation_id", "causation_id"]
    )
)
def test_every_field_of_the_envelope_is_bound(field: str) -> None:
    other = {
        "position": 9,
        "version": 9,
        "name": "insight.described.v1",
        "team_id": 9,
        "at": datetime(2027, 1, 1, tzinfo=UTC),
        "actor": Raw(b'{"type":"system"}'),
        "operation_id": STREAM,
        "causation_id": STREAM,
    }
    with pytest.raises(BrokenChain) as broken:
        follow(BEGINNING, replace(entry(), **{field: other[field]}))
    assert broken.value.reason == "hash"


def test_another_payload_breaks_its_commitment() -> None:
    with pytest.raises(BrokenChain) as broken:
        follow(BEGINNING, replace(entry(), event=Raw(PAYLOAD + b" ")))
    assert broken.value.reason == "commitment"


def test_a_payload_that_the_bus_could_not_carry_leaves_the_chain_whole() -> None:
    first = entry()
    assert follow(BEGINNING, replace(first, event=NULL)) == Link(1, first.hash)


def erased(whole: Entry) -> Entry:
    return replace(whole, salt=b"", event=Raw(b'{"type":"insight.renamed.v1","name":"[erased]"}'))


def erasure(of: Entry, after: Entry) -> Entry:
    """The fact that tells of it, as the next entry after `after`."""
    payload = json.dumps(
        {
            "type": PAYLOAD_ERASED,
            "erasure_id": 1,
            "sequence": of.team_seq,
            "commitment": of.commitment.hex(),
            "fields": ["name"],
            "reads": [],
        }
    ).encode()
    link = Link(after.team_seq, after.hash)
    return entry(link, after.position + 1, payload, PAYLOAD_ERASED)


def unexplained(entries: list[Entry], after: int = 0) -> int | None:
    erasures = Erasures(after)
    for each in entries:
        erasures.take(each)
    return erasures.unexplained()


def test_an_erased_payload_leaves_the_chain_whole_and_is_to_be_told() -> None:
    entries = history(3)
    told = erasure(entries[1], entries[2])
    entries[1] = erased(entries[1])
    assert verify([*entries, told]) == Link(4, told.hash)
    assert unexplained([*entries, told]) is None
    assert unexplained(entries) == 2
    assert unexplained([*entries, erasure(entries[0], entries[2])]) == 1


def test_a_payload_that_was_told_to_be_erased_and_is_there_is_unexplained() -> None:
    entries = history(3)
    told = erasure(entries[1], entries[2])
    assert unexplained([*entries, told]) == 2
    assert unexplained([entries[2], told], after=2) is None


def test_an_erasure_that_was_told_of_another_payload_explains_nothing() -> None:
    entries = history(3)
    told = erasure(replace(entries[1], commitment=bytes(32)), entries[2])
    assert unexplained([entries[0], erased(entries[1]), entries[2], told]) == 2


def test_an_erased_entry_is_bound_by_its_commitment() -> None:
    gone = erased(entry())
    assert follow(BEGINNING, gone) == Link(1, gone.hash)
    with pytest.raises(BrokenChain):
        follow(BEGINNING, replace(gone, commitment=bytes(32)))


def test_a_published_entry_reads_as_an_entry_and_as_a_recorded_fact() -> None:
    first = entry()
    message = encode_entry(first)
    assert decode_entry(message) == first
    recorded = decode_recorded(message)
    assert recorded.event == InsightRenamed(name="Signups", previous=None)
    assert (recorded.position, recorded.team_seq, recorded.at) == (1, 1, first.at)
    assert json.loads(message)["event"] == json.loads(PAYLOAD)
