"""Who is behind a number of a funnel, and by which events they got there."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import msgspec

from services.common.clickhouse import ClickHouse
from services.query.funnels.plan import FunnelPlan
from services.query.funnels.selection import (
    OTHER,
    InBin,
    InPeriod,
    MatchedEvent,
    SelectedActor,
    Selection,
    Value,
)
from services.query.funnels.sql_arrays import split_of
from services.query.funnels.sql_people import base_us, compile_actors, compile_history
from services.query.moments import moment


class SeenEvent(msgspec.Struct, frozen=True, array_like=True):
    """A row of sql_people.compile_history. at_us: since 1970."""

    actor: str
    at_us: int
    uuid: str
    event: str
    steps: list[int]
    bars: list[int]
    value: str | list[str] | int | None = None

    @property
    def id(self) -> UUID:
        return UUID(self.uuid)

    def is_of(self, value: Value) -> bool:
        if isinstance(value, int):
            return self.value == value
        return self.value == (list(value) if isinstance(self.value, list) else value[0])

    def without(self, step: int | None) -> "SeenEvent":
        return msgspec.structs.replace(self, steps=[k for k in self.steps if k != step])


async def people(
    clickhouse: ClickHouse,
    plan: FunnelPlan,
    selection: Selection,
    *,
    has_overrides: bool,
    limit: int,
    offset: int = 0,
    query_id: str | None = None,
) -> list[SelectedActor]:
    """A page of the actors behind the number, by id, each with the events of its reported attempt.

    Trends count entries, not attempts: their actors come without events.
    """
    statement = compile_actors(
        plan, selection, has_overrides=has_overrides, limit=limit, offset=offset
    )
    rows = await clickhouse.query(statement, query_id=query_id)
    return await with_events(clickhouse, plan, selection, rows, has_overrides=has_overrides)


async def with_events(
    clickhouse: ClickHouse,
    plan: FunnelPlan,
    selection: Selection,
    rows: Iterable[Sequence[Any]],
    *,
    has_overrides: bool,
) -> list[SelectedActor]:
    """rows: some of compile_actors, in any order, which is kept."""
    # Not by id: in the row of merged values somebody may stand once for each value.
    found = [(id_, [base_us(plan) + t if t else None for t in times]) for id_, times in rows]
    if isinstance(selection, InPeriod) or not found:
        return [SelectedActor(id_, ()) for id_, _ in found]
    ids = sorted({id_ for id_, _ in found})
    instants = sorted({t for _, times in found for t in times if t is not None})
    history = compile_history(plan, ids, has_overrides=has_overrides, at_us=instants)
    seen: dict[str, list[SeenEvent]] = defaultdict(list)
    for row in await clickhouse.query(history):
        event = msgspec.convert(row, SeenEvent)
        seen[event.actor].append(event)
    of_value = None if isinstance(selection, InBin) else selection.value
    return [
        SelectedActor(id_, tuple(matched(plan, times, _own(plan, of_value, seen[id_]))))
        for id_, times in found
    ]


def _own(plan: FunnelPlan, value: Value | None, events: Iterable[SeenEvent]) -> list[SeenEvent]:
    """The events as the row of one value sees them."""
    breakdown = plan.breakdown
    if breakdown is None or value is None or value == (OTHER,):
        return list(events)
    match split_of(plan):
        case "value":
            return [event for event in events if event.is_of(value)]
        case "step" if plan.order != "unordered":
            # The step must be taken by an event of the value; it is no step of the others.
            step = breakdown.attribution_step
            return [event if event.is_of(value) else event.without(step) for event in events]
        case _:
            return list(events)


def matched(
    plan: FunnelPlan, times: Sequence[int | None], events: Iterable[SeenEvent]
) -> list[MatchedEvent]:
    """The events that took the steps at these times (None: passed over).

    events: of one actor, by time, then uuid. Of one instant each step is taken by the first event
    that matches it and has not taken a step before. Unordered funnels have no step numbers: there
    any step will do.
    """
    of_time: dict[int, list[SeenEvent]] = defaultdict(list)
    for event in events:
        if event.steps:
            of_time[event.at_us].append(event)
    taken: list[MatchedEvent] = []
    for step, at_us in enumerate(times, start=1):
        if at_us is None:
            continue
        fits = (e for e in of_time[at_us] if plan.order == "unordered" or step in e.steps)
        first = next(fits, None)
        if first is not None:
            of_time[at_us].remove(first)
            taken.append(MatchedEvent(step, first.uuid, first.event, moment(at_us)))
    return taken
