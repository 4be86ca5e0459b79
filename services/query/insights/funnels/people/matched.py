"""The actors behind a number of a funnel, and the events that took their steps."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import msgspec

from services.common.clickhouse import ClickHouse
from services.query.events.moments import moment
from services.query.insights.funnels.people.selection import (
    InBin,
    InPeriod,
    SelectedActor,
    Selection,
    StepEvent,
    Value,
)
from services.query.insights.funnels.people.simultaneous import different
from services.query.insights.funnels.people.statement import base_us, compile_history
from services.query.insights.funnels.plan import ByCohort, ByProperty, EachValue, FunnelPlan


class SeenEvent(msgspec.Struct, frozen=True, array_like=True):
    """A row of people.statement.compile_history. at_us: since 1970."""

    actor: str
    at_us: int
    uuid: str
    event: str
    steps: list[int]
    exclusions: list[int]
    value: str | list[str] | int | None = None

    @property
    def id(self) -> UUID:
        return UUID(self.uuid)

    def is_of(self, value: Value) -> bool:
        if isinstance(value, int):
            return self.value == value
        return self.value == (list(value) if isinstance(self.value, list) else value[0])


async def with_events(
    clickhouse: ClickHouse,
    plan: FunnelPlan,
    selection: Selection,
    rows: Iterable[Sequence[Any]],
    *,
    has_overrides: bool,
) -> list[SelectedActor]:
    """rows: some of compile_actors, in any order, which is kept."""
    # Not by id: in the row of merged values an actor may come once for each value.
    of_value = None if isinstance(selection, InBin) else selection.value
    found = [
        (id_, [base_us(plan) + t if t else None for t in times], _value(merged, of_value))
        for id_, times, *merged in rows
    ]
    if isinstance(selection, InPeriod) or not found:
        return [SelectedActor(id_, ()) for id_, *_ in found]
    ids = sorted({id_ for id_, *_ in found})
    instants = sorted({t for _, times, _ in found for t in times if t is not None})
    history = compile_history(plan, ids, has_overrides=has_overrides, at_us=instants)
    seen: dict[str, list[SeenEvent]] = defaultdict(list)
    for row in await clickhouse.query(history):
        event = msgspec.convert(row, SeenEvent)
        seen[event.actor].append(event)
    return [
        SelectedActor(id_, tuple(matched(plan, times, _own(plan, value, seen[id_]), value)))
        for id_, times, value in found
    ]


def _value(merged: Sequence[str | list[str]], of_row: Value | None) -> Value | None:
    """The value that the actor is counted under: a row of merged values says it for each."""
    if not merged:
        return of_row
    return (merged[0],) if isinstance(merged[0], str) else tuple(merged[0])


def _own(plan: FunnelPlan, value: Value | None, events: list[SeenEvent]) -> list[SeenEvent]:
    """The events that the row of one value sees."""
    match plan.breakdown:
        case ByCohort() | ByProperty(attribution=EachValue()) if value is not None:
            return [event for event in events if event.is_of(value)]
        case _:
            return events


def matched(
    plan: FunnelPlan,
    times: Sequence[int | None],
    events: Iterable[SeenEvent],
    value: Value | None = None,
) -> list[StepEvent]:
    """The events that took the steps at these times (None: passed over).

    events: of one actor, by time, then uuid. Of one instant each step is taken by the first event
    that matches it and has not taken a step before; and if they all match the same, by one after
    that of the step before. Unordered funnels have no step numbers: there the events are the first
    that can be of different steps.
    """
    of_time: dict[int, list[SeenEvent]] = defaultdict(list)
    for event in events:
        of_time[event.at_us].append(event)
    if plan.order == "unordered":
        instants = [at_us for at_us in times if at_us is not None]
        if value is not None and plan.wanted_step is not None:
            # Only one of the value begins; the sort keeps the order among the others.
            of_time[instants[0]].sort(key=lambda event: not event.is_of(value))
        of_time = different(instants, of_time)
    alike = {at_us for at_us, tie in of_time.items() if _alike(tie)}
    taken: list[StepEvent] = []
    for step, at_us in enumerate(times, start=1):
        if at_us is None:
            continue
        tie = of_time[at_us]
        index = next((i for i, e in enumerate(tie) if _takes(plan, e, step, value)), None)
        if index is not None:
            first = tie[index]
            of_time[at_us] = tie[index + 1 :] if at_us in alike else [e for e in tie if e != first]
            taken.append(StepEvent(step, first.uuid, first.event, moment(at_us)))
    return taken


def _alike(tie: list[SeenEvent]) -> bool:
    return all((e.steps, e.exclusions) == (tie[0].steps, tie[0].exclusions) for e in tie)


def _takes(plan: FunnelPlan, event: SeenEvent, step: int, value: Value | None) -> bool:
    """Whether the event may take the step, in the row of this value."""
    if plan.order == "unordered":
        return True
    if step not in event.steps:
        return False
    return value is None or step != plan.wanted_step or event.is_of(value)
