"""Rows of the log and what they say: as facts, as entries with their proofs, or as unreadable."""

from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import Raw, Struct

from contracts.chain import Entry
from contracts.codec import Undecodable, decode_event
from contracts.events.recorded import Actor, DomainEvent, Recorded
from services.common.log.appends import Unreadable

_actor = msgspec.json.Decoder(Actor)

HEAD = "SELECT coalesce(max(notification_id), 0) FROM log"

FACT = """
    SELECT notification_id, originator_id, originator_version, team_id, team_seq, recorded_at,
        actor, operation_id, correlation_id, causation_id, topic, state
    FROM log"""

STREAM = f"""{FACT}
    WHERE originator_id = %s ORDER BY originator_version"""

STREAM_UP_TO = f"""{FACT}
    WHERE originator_id = %s AND originator_version <= %s ORDER BY originator_version"""

STREAMS = f"""{FACT}
    WHERE originator_id = ANY(%s) ORDER BY originator_id, originator_version"""

LENGTHS = """
    SELECT asked.id, coalesce((
        SELECT originator_version FROM log WHERE originator_id = asked.id
        ORDER BY originator_version DESC LIMIT 1
    ), 0)
    FROM unnest(%s::uuid[]) AS asked (id)"""

OPERATIONS = """
    SELECT coalesce(subject, subject_of_before(originator_id), ''),
        notification_id, originator_id, originator_version, team_id, team_seq, recorded_at,
        actor, operation_id, correlation_id, causation_id, topic, state
    FROM log
    WHERE team_id = %s AND operation_id = ANY(%s) ORDER BY notification_id"""

# The project's last fact before a time: times rise along its chain, so it is found by halving.
_BEFORE = """
    SELECT 0::bigint, coalesce((SELECT seq FROM log_heads WHERE team_id = %(team_id)s), 0)
    UNION ALL
    SELECT CASE WHEN earlier THEN middle ELSE low END,
        CASE WHEN earlier THEN high ELSE middle - 1 END
    FROM (
        SELECT low, high, middle, (
            SELECT recorded_at < {time} FROM log
            WHERE team_id = %(team_id)s AND team_seq = middle
        ) AS earlier
        FROM (SELECT low, high, (low + high + 1) / 2 AS middle FROM {search} WHERE low < high)
            AS halves
    ) AS looked"""

# Neither is ever taken back, so what only looked, or erased or held something, is no operation
# here.
USERS_OPERATIONS = f"""
    WITH RECURSIVE since (low, high) AS ({_BEFORE.format(time="%(since)s", search="since")}),
    until (low, high) AS ({_BEFORE.format(time="%(until)s", search="until")})
    SELECT operation_id, count(*)
    FROM log
    WHERE team_id = %(team_id)s AND notification_id <= %(up_to)s
        AND team_seq > (SELECT low FROM since WHERE low = high)
        AND team_seq <= (SELECT low FROM until WHERE low = high)
        AND actor::json->>'type' = 'user'
        AND (%(user_id)s::bigint IS NULL OR (actor::json->>'user_id')::bigint = %(user_id)s)
        AND (%(key_id)s::text IS NULL OR actor::json->>'key_id' = %(key_id)s)
    GROUP BY operation_id
    HAVING bool_or(topic NOT LIKE 'viewing.%%' AND topic NOT LIKE 'audit.%%')
        AND (%(streams)s::uuid[] IS NULL OR bool_or(originator_id = ANY(%(streams)s)))
    ORDER BY max(notification_id) DESC LIMIT %(limit)s"""

FACTS = f"""{FACT}
    WHERE notification_id > %s ORDER BY notification_id LIMIT %s"""

FACTS_OF = f"""{FACT}
    WHERE notification_id <= %s
        AND (originator_id = ANY(%s::uuid[]) OR notification_id = ANY(%s::bigint[]))
    ORDER BY notification_id"""

NEWEST = """
    SELECT DISTINCT ON (originator_id) originator_id, notification_id, topic
    FROM log
    WHERE originator_id = ANY(%s) AND topic = ANY(%s)
    ORDER BY originator_id, originator_version DESC"""

_ENTRY = """
    SELECT notification_id, originator_id,
        coalesce(subject, subject_of_before(originator_id), ''), originator_version, topic,
        team_id, team_seq, recorded_at, actor, operation_id, correlation_id, causation_id, state,
        salt, commitment,
        coalesce(
            (
                SELECT hash FROM log AS before
                WHERE before.team_id = log.team_id AND before.team_seq = log.team_seq - 1
            ),
            decode(repeat('00', 32), 'hex')
        ), hash, origin_position
    FROM log"""

ENTRIES = f"""{_ENTRY}
    WHERE notification_id > %s ORDER BY notification_id LIMIT %s"""

PROJECT_ENTRIES = f"""{_ENTRY}
    WHERE team_id = %s AND team_seq > %s ORDER BY team_seq LIMIT %s"""

POSITION = "SELECT notification_id FROM log WHERE team_id = %s AND team_seq = %s"

PLACE = "SELECT notification_id, topic FROM log WHERE team_id = %s AND team_seq = %s"

SEQUENCE_BEFORE = """
    SELECT coalesce(max(team_seq), 0) FROM log WHERE team_id = %s AND notification_id < %s"""

STREAMS_ENTRIES = f"""{_ENTRY}
    WHERE originator_id = ANY(%s) ORDER BY notification_id"""

LINKS = "SELECT team_id, seq, hash FROM log_heads"

RECEIPT = """
    SELECT key, request_hash, status, stream_id, version, position, operation_id FROM receipts
    WHERE team_id = %(team_id)s AND actor = %(actor)s AND key = %(key)s
        AND recorded_at > %(since)s"""

FORGET_RECEIPTS = "DELETE FROM receipts WHERE recorded_at <= %s"


class FactRow(Struct, frozen=True, gc=False):
    """A row of STREAM or FACTS, its columns in their order."""

    position: int
    stream_id: UUID
    version: int
    team_id: int
    team_seq: int
    at: datetime
    actor: str
    operation_id: UUID
    correlation_id: UUID
    causation_id: UUID | None
    name: str
    payload: bytes


class OperationRow(Struct, frozen=True):
    """A row of OPERATIONS. subject: of the stream, `insight/1`."""

    subject: str
    fact: FactRow


def of_operation(subject: str, *columns: object) -> OperationRow:
    """A row of OPERATIONS, its columns in their order."""
    return OperationRow(subject, FactRow(*columns))  # type: ignore[arg-type]  # as they are selected


def decoded(row: FactRow) -> Recorded[DomainEvent]:
    """Raises Undecodable."""
    try:
        actor = _actor.decode(row.actor)
    except msgspec.DecodeError as cause:
        raise Undecodable(f"actor: {cause}") from cause
    return Recorded(
        position=row.position,
        stream_id=row.stream_id,
        version=row.version,
        team_id=row.team_id,
        team_seq=row.team_seq,
        at=row.at,
        actor=actor,
        operation_id=row.operation_id,
        correlation_id=row.correlation_id,
        causation_id=row.causation_id,
        event=decode_event(row.name, row.payload),
    )


def decoded_or_unreadable(row: FactRow) -> Recorded[DomainEvent] | Unreadable:
    try:
        return decoded(row)
    except Undecodable as cause:
        return Unreadable(
            position=row.position,
            stream_id=row.stream_id,
            version=row.version,
            team_id=row.team_id,
            team_seq=row.team_seq,
            at=row.at,
            name=row.name,
            actor=Raw(row.actor.encode()),
            operation_id=row.operation_id,
            payload=row.payload,
            reason=str(cause),
        )


def entry(
    position: int,
    stream_id: UUID,
    subject: str,
    version: int,
    name: str,
    team_id: int,
    team_seq: int,
    at: datetime,
    actor: str,
    operation_id: UUID,
    correlation_id: UUID,
    causation_id: UUID | None,
    payload: bytes,
    salt: bytes,
    commitment: bytes,
    previous: bytes,
    hash_: bytes,
    origin_position: int | None = None,
) -> Entry:
    """A row of ENTRIES, its columns in their order. Decodes nothing."""
    return Entry(
        position=position,
        stream_id=stream_id,
        subject=subject,
        version=version,
        name=name,
        team_id=team_id,
        team_seq=team_seq,
        at=at,
        actor=Raw(actor.encode()),
        operation_id=operation_id,
        correlation_id=correlation_id,
        causation_id=causation_id,
        event=Raw(payload),
        salt=salt,
        commitment=commitment,
        previous=previous,
        hash=hash_,
        origin_position=origin_position,
    )
