"""One believable value of everything; a test names only what matters to it."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from msgspec import Raw

from contracts.events.insight import InsightCreated, InsightEvent
from contracts.events.recorded import Actor, DomainEvent, Recorded, UserActor
from contracts.events.streams import Stream, StreamKind

TEAM = 1
INSIGHT = 7
ALICE = UserActor(1)
BOB = UserActor(2)
FUNNEL = Raw(
    b'{"kind":"InsightVizNode","source":{"kind":"FunnelsQuery","series":'
    b'[{"kind":"EventsNode","event":"signed_up"},{"kind":"EventsNode","event":"paid"}]}}'
)
START = datetime(2026, 1, 5, 9, 0, 0, 1, tzinfo=UTC)

_OPERATIONS = UUID("00000000-0000-5000-8000-000000000000")


def created(**fields: Any) -> InsightCreated:
    """An insight as a client makes one."""
    return InsightCreated(**{"insight_id": INSIGHT, "short_id": "aB3dE6gH", **fields})


def stream(kind: StreamKind = StreamKind.INSIGHT, number: int = INSIGHT) -> Stream[DomainEvent]:
    return Stream(kind, TEAM, number)


def operation(number: int) -> UUID:
    return uuid5(_OPERATIONS, str(number))


def recorded(
    events: Iterable[DomainEvent],
    *,
    of: Stream[DomainEvent] | None = None,
    actor: Actor = ALICE,
    after: int = 0,
    operations: Sequence[int] | None = None,
) -> list[Recorded[Any]]:
    """The events as they would stand in the log: a second apart, an operation each.

    after: the position and version that precede the first.
    operations: the operation of each event, where several share one.
    """
    stream_id = (of or stream()).id
    facts = []
    for number, event in enumerate(events, start=after + 1):
        op = operation(operations[number - after - 1] if operations else number)
        facts.append(
            Recorded(
                position=number,
                stream_id=stream_id,
                version=number,
                team_id=TEAM,
                team_seq=number,
                at=START + timedelta(seconds=number),
                actor=actor,
                operation_id=op,
                correlation_id=op,
                event=event,
            )
        )
    return facts


def insight_history(*events: InsightEvent, **fields: Any) -> list[Recorded[Any]]:
    """A creation and what came after."""
    return recorded([created(**fields), *events])
