"""What an operation did, for the answer to whoever asked for it: read from the log, so that a
repeat is answered as the first time.
"""

from collections.abc import Iterable, Sequence
from typing import Any, assert_never
from uuid import UUID

import msgspec

from contracts.api.history import UndoneChange, UndoneWarning
from contracts.differences.difference import Names
from contracts.differences.facts import fact_sentences
from contracts.differences.rows import difference
from contracts.events.recorded import DomainEvent, Recorded
from contracts.events.sharing import SharingEnabled
from contracts.events.streams import Stream, StreamKind
from contracts.read_models.insight import InsightRow
from domain.action.view import view as action_view
from domain.cohort.view import view as cohort_view
from domain.dashboard.view import view as dashboard_view
from domain.insight.view import view as insight_view
from domain.project.view import view as project_view
from services.command.numbers import Numbers
from services.command.rights import dashboards
from services.common.log.store import EventStore, FactInStream


class Told(msgspec.Struct, frozen=True):
    """facts: of the operation, over all streams. None of them is about the history itself."""

    facts: Sequence[FactInStream]
    changes: tuple[UndoneChange, ...]


async def told(store: EventStore, team_id: int, operation_id: UUID) -> Told:
    """What the operation did, thing by thing. Three round trips."""
    facts = await store.operations(team_id, [operation_id])
    streams = dict.fromkeys(
        each.stream for each in facts if each.stream.kind is not StreamKind.HISTORY
    )
    pasts = await store.load_all(list(streams))
    changed = {stream: [each.fact for each in facts if each.stream == stream] for stream in streams}
    boards = {
        tile.dashboard_id
        for stream in streams
        if stream.kind is StreamKind.INSIGHT
        for row in [view(stream, pasts[stream])]
        if isinstance(row, InsightRow)
        for tile in row.tiles
    }
    found = await dashboards(store, team_id, boards)
    names = Names(dashboards={number: row.name for number, row in found.items()})
    return Told(
        facts,
        tuple(
            UndoneChange(
                kind=stream.kind.value,
                id=stream.number,
                version=own[-1].version,
                sentences=sentences(stream, pasts[stream], own, names),
            )
            for stream, own in changed.items()
        ),
    )


async def new_addresses(
    numbers: Numbers, facts: Iterable[FactInStream]
) -> tuple[UndoneWarning, ...]:
    """A warning for each insight that is shared under a new address now."""
    return tuple(
        [
            UndoneWarning(
                code="new_token",
                kind=each.stream.kind.value,
                id=each.stream.number,
                access_token=await numbers.share_token(each.fact.event.token_id),
            )
            for each in facts
            if isinstance(each.fact.event, SharingEnabled)
        ]
    )


def sentences(
    stream: Stream[DomainEvent],
    past: Sequence[Recorded[Any]],
    facts: Sequence[Recorded[Any]],
    names: Names,
) -> tuple[str, ...]:
    """What differs between before and after the facts. past: of the stream, or more of it."""
    first, last = facts[0].version, facts[-1].version
    before = view(stream, [each for each in past if each.version < first])
    after = view(stream, [each for each in past if each.version <= last])
    if after is None:
        return tuple(sentence for each in facts for sentence in fact_sentences(each.event))
    return difference(before, after, names).sentences


def view(stream: Stream[DomainEvent], past: Sequence[Recorded[Any]]) -> Any:
    """The row of a kind that has versions; None for the others, and before the first fact."""
    match stream.kind:
        case StreamKind.INSIGHT:
            return insight_view(past)
        case StreamKind.DASHBOARD:
            return dashboard_view(past)
        case StreamKind.ACTION:
            return action_view(past)
        case StreamKind.COHORT:
            return cohort_view(past)
        case StreamKind.PROJECT:
            return project_view(past)
        case (
            StreamKind.SHARING
            | StreamKind.ACCESS
            | StreamKind.VIEWING
            | StreamKind.SHARE_LOGIN
            | StreamKind.HISTORY
            | StreamKind.WEBHOOK
            | StreamKind.BUS_CONSUMER
            | StreamKind.AUDIT
            | StreamKind.ERASURE
            | StreamKind.HOLD
            | StreamKind.ACCOUNT
        ):
            return None
        case _:
            assert_never(stream.kind)
