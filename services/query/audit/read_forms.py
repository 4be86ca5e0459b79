"""Reads as they are written: JSON, a line each with its proof, OCSF events, rows of a table."""

from collections.abc import Sequence

import msgspec

from contracts.api.reads import ReadBody, ReadByErased, ReadByUser, ReadByVisitor
from contracts.api.times import written
from contracts.ocsf.base import Names
from contracts.ocsf.reads import of_read
from contracts.reads import ErasedReader, Reader, StoredRead, UserReader, VisitorReader
from services.common.http.csv_tables import table

COLUMNS = (
    *("number", "at", "actor.type", "actor.user_id", "actor.key_id", "actor.first_name"),
    *("actor.email", "actor.token_id", "actor.unlocked", "surface", "what", "items", "insights"),
    *("as_of", "refresh", "status", "from_cache", "bytes", "ip", "client", "correlation_id"),
    *("sealed_by", "salt", "commitment"),
)

_encoder = msgspec.json.Encoder()


def read_body(stored: StoredRead, names: Names, *, proof: bool) -> ReadBody:
    """proof: with salt and commitment."""
    read = stored.read
    told = ReadBody(
        number=stored.number,
        at=written(read.at),
        actor=_who(read.actor, names),
        surface=read.surface,
        what=read.what,
        items=read.items,
        insights=read.insights,
        as_of=read.as_of,
        refresh=read.refresh,
        status=read.status,
        from_cache=read.from_cache,
        bytes=read.bytes,
        ip=read.ip,
        client=read.client,
        correlation_id=None if read.correlation_id is None else str(read.correlation_id),
        sealed_by=stored.sealed_by,
    )
    if not proof:
        return told
    salt = stored.salt.hex() or None
    return msgspec.structs.replace(told, salt=salt, commitment=stored.commitment.hex())


def encoded_read(stored: StoredRead, names: Names, *, proof: bool = False) -> bytes:
    """As JSON. It has no line break."""
    return _encoder.encode(read_body(stored, names, proof=proof))


def ndjson(reads: Sequence[StoredRead], names: Names) -> bytes:
    return b"".join(encoded_read(each, names, proof=True) + b"\n" for each in reads)


def ocsf(reads: Sequence[StoredRead], names: Names) -> bytes:
    return b"".join(_encoder.encode(of_read(each, names)) + b"\n" for each in reads)


def csv(reads: Sequence[StoredRead], names: Names) -> bytes:
    """With its header."""
    return table(COLUMNS, (_cells(read_body(each, names, proof=True)) for each in reads))


def _who(reader: Reader, names: Names) -> ReadByUser | ReadByVisitor | ReadByErased:
    match reader:
        case UserReader(user_id=user_id, key_id=key_id):
            person = names.users.get(user_id)
            return ReadByUser(
                user_id=user_id,
                key_id=key_id,
                first_name=None if person is None else person.name,
                email=None if person is None else person.email,
            )
        case VisitorReader(token_id=token_id, unlocked=unlocked):
            return ReadByVisitor(token_id=token_id, unlocked=unlocked)
        case ErasedReader():
            return ReadByErased()


def _cells(body: ReadBody) -> Sequence[object]:
    return (
        *(body.number, body.at, *_person(body.actor), body.surface, body.what),
        *(" ".join(map(str, body.items)), " ".join(map(str, body.insights)), body.as_of),
        *(body.refresh, body.status, body.from_cache, body.bytes, body.ip, body.client),
        *(body.correlation_id, body.sealed_by, body.salt, body.commitment),
    )


def _person(who: ReadByUser | ReadByVisitor | ReadByErased) -> Sequence[object]:
    match who:
        case ReadByUser():
            return ("user", who.user_id, who.key_id, who.first_name, who.email, None, None)
        case ReadByVisitor():
            return ("visitor", None, None, None, None, who.token_id, who.unlocked)
        case ReadByErased():
            return ("erased", None, None, None, None, None, None)
