"""The facts of one operation, read from the log itself, and what was said of it since."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

import msgspec
from psycopg.rows import args_row

from contracts.codec import Undecodable, decode_event
from contracts.events.history import HistoryEvent
from contracts.events.recorded import Actor, DomainEvent, UserActor
from contracts.events.streams import StreamKind
from contracts.triggers import Trigger, trigger_of
from services.common.http.caller import Caller
from services.common.postgres.database import Pool
from services.query.reads.access import VISIBLE, access_values

_FACTS: LiteralString = """
    SELECT notification_id, coalesce(subject, subject_of_before(originator_id), ''),
        originator_version, topic, recorded_at, actor, correlation_id, causation_id, state
    FROM log WHERE team_id = %(team_id)s AND operation_id = %(operation_id)s
    ORDER BY notification_id"""
_UNDONE: LiteralString = """
    SELECT undone_by FROM operations_undone
    WHERE team_id = %(team_id)s AND operation_id = %(operation_id)s ORDER BY position"""
_VISIBLE: LiteralString = f"""
    SELECT i.insight_id FROM insights i
    WHERE i.team_id = %(team_id)s AND i.insight_id = ANY(%(insights)s)
        AND (%(administrator)s OR {VISIBLE})"""

_actor = msgspec.json.Decoder(Actor)
# Facts of these kinds are about insights. The others name theirs inside: the stream is a user's.
_OF_INSIGHTS = frozenset({"insight", "sharing", "access"})
_NAMING_INSIGHTS = frozenset({"viewing", "share_login"})
_OF_ADMINISTRATORS = frozenset({"audit", "erasure", "hold"})


class OperationFact(msgspec.Struct, frozen=True):
    """A row of the log. subject: the thing, as `insight/1`."""

    position: int
    subject: str
    version: int
    name: str
    at: datetime
    actor: str
    correlation_id: UUID
    causation_id: UUID | None
    payload: bytes

    @property
    def event(self) -> DomainEvent | None:
        """None: a newer version wrote it, and this one does not know it."""
        try:
            return decode_event(self.name, self.payload)
        except Undecodable:
            return None

    @property
    def kind(self) -> str:
        return self.subject.partition("/")[0]

    @property
    def number(self) -> int:
        number = self.subject.partition("/")[2]
        return int(number) if number.isdecimal() else 0

    @property
    def user(self) -> UserActor | None:
        """None: the system."""
        actor = _actor.decode(self.actor)
        return actor if isinstance(actor, UserActor) else None

    @property
    def insight_id(self) -> int | None:
        """The insight that it is about, if it is about one."""
        if self.kind in _OF_INSIGHTS:
            return self.number or None
        if self.kind in _NAMING_INSIGHTS:
            found = msgspec.json.decode(self.payload, type=dict[str, Any]).get("insight_id")
            return found if isinstance(found, int) else None
        return None


class FoundOperation(msgspec.Struct, frozen=True):
    """facts: those that the caller may see, but for what the history says of it.

    position: of its last fact.
    """

    facts: tuple[OperationFact, ...]
    position: int
    trigger: Trigger | None
    undone_by: tuple[UUID, ...]


class OperationReads:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def one(self, caller: Caller, operation_id: UUID) -> FoundOperation | None:
        """None: the project has none, or none that the caller may see anything of."""
        values: dict[str, object] = {"team_id": caller.team_id, "operation_id": operation_id}
        async with self._pool.connection() as conn:
            cursor = conn.cursor(row_factory=args_row(OperationFact))
            facts = await (await cursor.execute(_FACTS, values)).fetchall()
            undone = await (await conn.execute(_UNDONE, values)).fetchall()
            about = {each.insight_id for each in facts} - {None}
            visible = await conn.execute(
                _VISIBLE,
                access_values(caller) | {"team_id": caller.team_id, "insights": list(about)},
            )
            seen = {number for (number,) in await visible.fetchall()}
        shown = tuple(
            fact
            for fact in facts
            if fact.kind != StreamKind.HISTORY
            and (fact.insight_id is None or fact.insight_id in seen)
            and (caller.is_administrator or fact.kind not in _OF_ADMINISTRATORS)
        )
        if not shown:
            return None
        return FoundOperation(
            shown,
            facts[-1].position,
            _trigger(facts, operation_id),
            tuple(by for (by,) in undone),
        )


def _trigger(facts: Sequence[OperationFact], operation_id: UUID) -> Trigger | None:
    for fact in facts:
        if fact.kind == StreamKind.HISTORY:
            return trigger_in(fact.name, fact.payload, operation_id)
    return None


def trigger_in(name: str, payload: bytes, operation_id: UUID) -> Trigger | None:
    """Of a fact of the history; None for one that this version does not know."""
    try:
        event = decode_event(name, payload)
    except Undecodable:
        return None
    return trigger_of(event, operation_id) if isinstance(event, HistoryEvent) else None


def by_stream(facts: Sequence[OperationFact]) -> Mapping[str, list[OperationFact]]:
    """In the order of their first facts."""
    streams: dict[str, list[OperationFact]] = {}
    for fact in facts:
        streams.setdefault(fact.subject, []).append(fact)
    return streams
