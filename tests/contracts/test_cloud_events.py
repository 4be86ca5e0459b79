"""The envelope: its very bytes, its proof by the standard library alone, another reader of it."""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent as TheirEvent
from msgspec import Raw
from msgspec.structs import replace

from contracts.chain import Entry, chained, commit, envelope_of
from contracts.cloud_events import (
    decode_cloud_event,
    encode_cloud_event,
    encode_with_dataref,
    entry_of,
    event_source,
)
from contracts.json import NULL

CORPUS = sorted((Path(__file__).parent / "corpus").glob("*.json"))
OPERATION = UUID("0b7c2a6e-1111-4222-8333-444455556666")
STREAM = UUID("62a57536-6a53-5b7f-9a0e-2d9d1f6f5a11")
SOURCE = event_source(UUID("6b1c0000-0000-4000-8000-000000000001"), 1)
RENAMED = b'{"type":"insight.renamed.v1","name":"Visit to \\"data\\":1}","previous":null}'


def entry(name: str = "insight.renamed.v1", payload: bytes = RENAMED) -> Entry:
    salt, previous = bytes(range(16)), bytes(range(32))
    unproved = Entry(
        position=812,
        stream_id=STREAM,
        subject="insight/1",
        version=4,
        name=name,
        team_id=1,
        team_seq=510,
        at=datetime(2026, 11, 30, 20, 41, 52, 404099, tzinfo=UTC),
        actor=Raw(b'{"type":"user","user_id":1,"key_id":"cxiSkaznYyUIDflR"}'),
        operation_id=OPERATION,
        correlation_id=OPERATION,
        causation_id=None,
        event=Raw(payload),
        salt=salt,
        commitment=commit(salt, payload),
        previous=previous,
        hash=b"",
    )
    hash_ = chained(previous, envelope_of(unproved), unproved.commitment)
    return replace(unproved, hash=hash_)


def test_an_event_is_these_bytes() -> None:
    told = entry()
    assert encode_cloud_event(told, SOURCE).decode() == (
        '{"specversion":"1.0","id":"510",'
        '"source":"urn:uuid:6b1c0000-0000-4000-8000-000000000001#project/1",'
        '"type":"insight.renamed.v1","subject":"insight/1","time":"2026-11-30T20:41:52.404099Z",'
        '"datacontenttype":"application/json","sequence":"00000000000000000510","position":"812",'
        '"project":"1","streamid":"62a57536-6a53-5b7f-9a0e-2d9d1f6f5a11","streamversion":4,'
        '"actor":"{\\"type\\":\\"user\\",\\"user_id\\":1,\\"key_id\\":\\"cxiSkaznYyUIDflR\\"}",'
        '"operationid":"0b7c2a6e-1111-4222-8333-444455556666",'
        '"correlationid":"0b7c2a6e-1111-4222-8333-444455556666",'
        f'"previoushash":"{bytes(range(32)).hex()}","hash":"{told.hash.hex()}",'
        f'"commitment":"{told.commitment.hex()}","salt":"{bytes(range(16)).hex()}",'
        f'"data":{RENAMED.decode()}}}'
    )


def proved(line: bytes) -> bytes:
    """The hash of an event, from its bytes and the standard library alone. It has its payload."""
    event = json.loads(line)
    data = line[line.index(b'"data":') + len(b'"data":') : line.rindex(b"}")]
    commitment = hashlib.sha256(bytes.fromhex(event["salt"]) + data).digest()
    assert commitment.hex() == event["commitment"]
    since_1970 = datetime.fromisoformat(event["time"]) - datetime(1970, 1, 1, tzinfo=UTC)
    envelope = json.dumps(
        [
            *(int(event["position"]), event["streamid"], event["streamversion"], event["type"]),
            (since_1970.days * 86_400 + since_1970.seconds) * 1_000_000 + since_1970.microseconds,
            *(int(event["project"]), int(event["sequence"]), "ACTOR"),
            *(event["operationid"], event["correlationid"], event.get("causationid")),
        ],
        separators=(",", ":"),
    ).replace('"ACTOR"', event["actor"])
    previous = bytes.fromhex(event["previoushash"])
    return hashlib.sha256(previous + envelope.encode() + commitment).digest()


@pytest.mark.parametrize("cause", [None, OPERATION])
@pytest.mark.parametrize("file", CORPUS, ids=[file.stem for file in CORPUS])
def test_every_fact_is_proved_by_the_standard_library_and_read_by_another_library(
    file: Path, cause: UUID | None
) -> None:
    payload = file.read_bytes().strip()
    told = replace(entry(file.stem, payload), causation_id=cause)
    told = replace(told, hash=chained(told.previous, envelope_of(told), told.commitment))
    line = encode_cloud_event(told, SOURCE)

    assert b"\n" not in line
    assert proved(line) == told.hash
    assert entry_of(decode_cloud_event(line)) == told
    read = JSONFormat().read(TheirEvent, line)
    assert (read.get_id(), read.get_source(), read.get_type()) == ("510", SOURCE, file.stem)
    assert (read.get_subject(), read.get_time()) == ("insight/1", told.at)
    assert read.get_extension("sequence") == "00000000000000000510"
    assert read.get_extension("hash") == told.hash.hex()
    assert read.get_data() == json.loads(payload)


def test_what_is_too_large_names_the_place_where_it_is_whole() -> None:
    told = entry()
    line = encode_with_dataref(told, SOURCE)
    event = json.loads(line)
    assert "data" not in event
    assert event["dataref"] == "/api/projects/1/facts/510/"
    assert event["hash"] == told.hash.hex()
    assert JSONFormat().read(TheirEvent, line).get_data() is None
    assert entry_of(decode_cloud_event(line)) == replace(told, event=NULL)


def test_what_was_erased_says_so_and_keeps_its_proof() -> None:
    redacted = replace(entry(), event=Raw(b'{"type":"insight.renamed.v1"}'), salt=b"")
    line = encode_cloud_event(redacted, SOURCE)
    event = json.loads(line)
    assert event["erased"] is True
    assert "salt" not in event
    assert list(event)[-1] == "data"
    assert (event["hash"], event["commitment"]) == (
        redacted.hash.hex(),
        redacted.commitment.hex(),
    )
    assert JSONFormat().read(TheirEvent, line).get_extension("erased") is True
    assert entry_of(decode_cloud_event(line)) == redacted


def test_attributes_of_a_newer_version_are_passed_over() -> None:
    line = encode_cloud_event(entry(), SOURCE)
    newer = line.replace(b'"data":', b'"unheardof":[1],"data":', 1)
    assert decode_cloud_event(newer) == decode_cloud_event(line)
