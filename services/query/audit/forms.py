"""Entries as they are written: JSON, a line each, OCSF events, rows of a table."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import msgspec

from contracts.api.audit import AuditEntry, AuditItem, AuditSystem, AuditUser
from contracts.api.times import written
from contracts.chain import Entry
from contracts.events.recorded import Actor, UserActor
from contracts.ocsf.base import Names, Thing
from contracts.ocsf.facts import of
from services.common.http.csv_tables import table
from services.query.audit.names import subject_of

Format = Literal["json", "ndjson", "ocsf", "csv"]

COLUMNS = (
    *("sequence", "position", "at", "type", "version"),
    *("item.kind", "item.id", "item.short_id", "item.name"),
    *("actor.type", "actor.user_id", "actor.key_id", "actor.first_name", "actor.email"),
    *("operation_id", "correlation_id", "causation_id", "data", "erased", "hash", "previous_hash"),
)
"""Of every page alike, so that pages can be put together; `data` is JSON."""

_encoder = msgspec.json.Encoder()
_actor = msgspec.json.Decoder(Actor)


def audit_entry(entry: Entry, names: Names) -> AuditEntry:
    kind, number = subject_of(entry)
    thing = names.things.get(entry.subject, Thing())
    return AuditEntry(
        sequence=entry.team_seq,
        position=entry.position,
        at=written(entry.at),
        type=entry.name,
        version=entry.version,
        item=AuditItem(kind=kind, id=number, short_id=thing.short_id, name=thing.name),
        actor=_who(_actor.decode(entry.actor), names),
        operation_id=str(entry.operation_id),
        correlation_id=str(entry.correlation_id),
        causation_id=None if entry.causation_id is None else str(entry.causation_id),
        data=entry.event,
        erased=not entry.salt,
        hash=entry.hash.hex(),
        previous_hash=entry.previous.hex(),
    )


def _who(actor: Actor, names: Names) -> AuditUser | AuditSystem:
    if not isinstance(actor, UserActor):
        return AuditSystem()
    person = names.users.get(actor.user_id)
    return AuditUser(
        user_id=actor.user_id,
        key_id=actor.key_id,
        first_name=None if person is None else person.name,
        email=None if person is None else person.email,
    )


def encoded_entry(entry: Entry, names: Names) -> bytes:
    """As JSON. It has no line break."""
    return _encoder.encode(audit_entry(entry, names))


def ndjson(entries: Sequence[Entry], names: Names) -> bytes:
    return b"".join(encoded_entry(entry, names) + b"\n" for entry in entries)


def ocsf(entries: Sequence[Entry], names: Names) -> bytes:
    return b"".join(_encoder.encode(of(entry, names)) + b"\n" for entry in entries)


def csv(entries: Sequence[Entry], names: Names) -> bytes:
    """With its header."""
    return table(COLUMNS, (_cells(audit_entry(entry, names)) for entry in entries))


def _cells(entry: AuditEntry) -> Sequence[object]:
    item = entry.item
    return (
        *(entry.sequence, entry.position, entry.at, entry.type, entry.version),
        *(item.kind, item.id, item.short_id, item.name),
        *_person(entry.actor),
        *(entry.operation_id, entry.correlation_id, entry.causation_id),
        *(bytes(entry.data).decode(), entry.erased, entry.hash, entry.previous_hash),
    )


def _person(who: AuditUser | AuditSystem) -> Sequence[object]:
    if isinstance(who, AuditUser):
        return ("user", who.user_id, who.key_id, who.first_name, who.email)
    return ("system", None, None, None, None)


LINES: Mapping[str, Callable[[Sequence[Entry], Names], bytes]] = {"ndjson": ndjson, "ocsf": ocsf}
"""The formats that have a line for each entry."""
