"""Archives of a small history, made from its definition alone, and what may be done to them."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import Raw
from msgspec.structs import replace

from contracts.chain import PAYLOAD_ERASED, Entry, chained, commit, envelope_of
from contracts.cloud_events import encode_cloud_event, event_source
from contracts.merkle import Frontier, Node, consistency_proof, grown, joined, root_of
from contracts.notes import Checkpoint, Note, signed, verifier_key

INSTALLATION = UUID("6b1c0000-0000-4000-8000-000000000001")
SOURCE = event_source(INSTALLATION, 1)
ORIGIN = f"recount/{INSTALLATION}/1"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
VKEY = verifier_key(ORIGIN, KEY).text
OTHER_VKEY = verifier_key(ORIGIN, OTHER_KEY).text
STREAMS = [uuid5(INSTALLATION, str(number)) for number in range(3)]
OPERATION = UUID("0b7c2a6e-1111-4222-8333-444455556666")


def history(length: int = 12, erased: int | None = None) -> list[Entry]:
    """Entries of three streams, taken in turn. erased: a sequence whose payload is gone; the last
    entry tells of it.
    """
    entries: list[Entry] = []
    for sequence in range(1, length + 1):
        name = "insight.renamed.v1"
        payload = json.dumps({"type": name, "name": f"№ {sequence}"}, ensure_ascii=False).encode()
        if erased is not None and sequence == length:
            name = PAYLOAD_ERASED
            gone = entries[erased - 1]
            told = {"type": name, "sequence": erased, "commitment": gone.commitment.hex()}
            payload = msgspec.json.encode(told)
        entries.append(following(entries, name, payload))
    if erased is not None:
        entries[erased - 1] = redacted(entries[erased - 1])
    return entries


def following(before: list[Entry], name: str, payload: bytes) -> Entry:
    sequence = len(before) + 1
    salt = sequence.to_bytes(16)
    stream = sequence % 3
    entry = Entry(
        # Other projects' entries stand between these.
        position=2 * sequence,
        stream_id=STREAMS[stream],
        subject=f"insight/{stream}",
        version=(sequence + 2) // 3,
        name=name,
        team_id=1,
        team_seq=sequence,
        at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(microseconds=sequence * 500_000),
        actor=Raw(b'{"type":"user","user_id":7,"key_id":"k\\"1"}'),
        operation_id=OPERATION,
        correlation_id=OPERATION,
        causation_id=OPERATION if sequence % 2 else None,
        event=Raw(payload),
        salt=salt,
        commitment=commit(salt, payload),
        previous=before[-1].hash if before else bytes(32),
        hash=b"",
    )
    return rehashed(entry)


def rehashed(entry: Entry) -> Entry:
    made = chained(entry.previous, envelope_of(entry), entry.commitment)
    return replace(entry, hash=made)


def redacted(entry: Entry) -> Entry:
    return replace(entry, salt=b"", event=Raw(b'{"type":"insight.renamed.v1","name":"[erased]"}'))


def rewritten(entries: list[Entry], place: int, **fields: Any) -> list[Entry]:
    """The entry changed, and everything behind it hashed again, so that the chain holds."""
    made = list(entries)
    made[place] = replace(made[place], **fields)
    for number in range(place, len(made)):
        if number:
            made[number] = replace(made[number], previous=made[number - 1].hash)
        made[number] = rehashed(made[number])
    return made


def stream(entries: list[Entry]) -> list[bytes]:
    return [encode_cloud_event(entry, SOURCE) for entry in entries]


def note(entries: list[Entry], key: Ed25519PrivateKey | None = KEY) -> str:
    checkpoint = Checkpoint(ORIGIN, len(entries), root_of([entry.hash for entry in entries]))
    signatures = () if key is None else (signed(checkpoint.text, ORIGIN, key),)
    return Note(checkpoint.text, signatures).whole


def archive(
    entries: list[Entry],
    after: int = 0,
    through: int | None = None,
    checkpoint: str | None = None,
    keys: tuple[str, ...] = (VKEY,),
) -> list[bytes]:
    """Of these entries, whose tree is signed as it is at its end, unless another note is given."""
    end = len(entries) if through is None else through
    leaves = [entry.hash for entry in entries]

    def hash_of(node: Node) -> bytes:
        width = 1 << node.level
        return joined(
            grown(Frontier(), leaves[node.index * width : (node.index + 1) * width]).frontier.nodes
        )

    head = {
        "recount_export": 1,
        "origin": ORIGIN,
        "project": 1,
        "after": after,
        "through": end,
        "keys": keys,
        "tree": [node.hex() for node in grown(Frontier(), leaves[:after]).frontier.nodes],
    }
    proof = consistency_proof(hash_of, end, len(entries)) if end else []
    tail = {
        "checkpoint": checkpoint or note(entries),
        "consistency": [hash_.hex() for hash_ in proof],
    }
    lines = stream(entries[after:end])
    return [msgspec.json.encode(head), *lines, msgspec.json.encode(tail)]
