"""The semantics of a lifecycle in plain Python: the SQL must give the same answers.

For tests and for arguments. Written from trends.md section 13, in its words; it shares nothing with
the SQL but the plan. Where the text leaves a choice, this is ours:

- Who has no record (any more) was first seen at no known time: active, it is never new.
- The event_count of a dormant actor is that of the period before, in which it was active.
- A share of the actors (sampling) is what the caller leaves in the world; here numbers are scaled.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from contracts.queries.insight_actors import Status
from services.query.events.actors import PersonActor
from services.query.events.oracle.points import days, labels
from services.query.events.oracle.reading import Reading
from services.query.events.oracle.world import Event
from services.query.events.periods import Period
from services.query.insights.lifecycle.plan import STATUSES, LifecyclePlan
from services.query.insights.lifecycle.pointing import Pointed

Row = dict[str, Any]
People = list[tuple[str, int]]
"""(actor, event_count), by events descending, then actor."""

Cell = tuple[int, str]
"""The index of a period, and an actor."""


def answer(plan: LifecyclePlan, reading: Reading, *, late: bool = False) -> list[Row]:
    """ "always these four in this order"; late: whether points tell their late events."""
    if plan.entity is None:
        return []
    counts = Counter((period, status) for (period, _), status in statuses(plan, reading).items())
    rows = [_row(plan, status, counts) for status in STATUSES]
    if late:
        numbers = _late_events(plan, reading)
        for row in rows:
            row["late"] = [numbers[row["status"], index] for index in plan.span.shown]
    return rows


def _late_events(plan: LifecyclePlan, reading: Reading) -> Counter[tuple[Status, int]]:
    """ "how many of its events arrived more than 1 h after the period's end" """
    events = active(plan, reading)
    found: Counter[tuple[Status, int]] = Counter()
    for (index, actor), status in statuses(plan, reading).items():
        end = plan.span.periods[index].end + timedelta(hours=1)
        found[status, index] += sum(event.arrived > end for event in events.get((index, actor), ()))
    return found


def _row(plan: LifecyclePlan, status: Status, counts: Mapping[tuple[int, Status], int]) -> Row:
    entity = plan.entity
    assert entity is not None
    # "dormant … counts **negative**"
    sign = -1 if status == "dormant" else 1
    data = [sign * _scaled(plan, counts[index, status]) for index in plan.span.shown]
    return {
        "action": {
            "id": entity.id if entity.action_id is None else str(entity.action_id),
            "name": entity.name,
            "type": "events" if entity.action_id is None else "actions",
            "order": 0,
            "math": "total",
        },
        "label": f"{entity.name} - {status}",
        "status": status,
        "data": data,
        "count": sum(data),
        "days": days(plan.span),
        "labels": labels(plan.span),
    }


def _scaled(plan: LifecyclePlan, actors: int) -> int:
    return actors if plan.sample is None else round(actors / plan.sample)


def statuses(plan: LifecyclePlan, reading: Reading) -> dict[Cell, Status]:
    """What each actor is in each period in which it is anything."""
    events, seen = active(plan, reading), first_seen(plan, reading)
    actors = {actor for _, actor in events}
    found: dict[Cell, Status] = {}
    for actor in actors:
        for index, period in enumerate(plan.span.periods):
            status = _status(
                is_active=(index, actor) in events,
                was_active=(index - 1, actor) in events,
                is_new=_is_in(period, seen.get(actor)),
            )
            if status is not None:
                found[index, actor] = status
    return found


def _status(*, is_active: bool, was_active: bool, is_new: bool) -> Status | None:
    if is_active and is_new:
        return "new"
    if is_active:
        return "returning" if was_active else "resurrecting"
    return "dormant" if was_active else None


def _is_in(period: Period, at: datetime | None) -> bool:
    return at is not None and period.start <= at < period.end


def active(plan: LifecyclePlan, reading: Reading) -> Mapping[Cell, list[Event]]:
    """ "An event of the series that passes all filters"; the period before the first is −1."""
    entity = plan.entity
    found: dict[Cell, list[Event]] = defaultdict(list)
    if entity is None or plan.before is None:
        return found
    for event in reading.world.events:
        actor = reading.actor(plan.actor, event)
        if actor is None or not reading.passes(plan.filters, event):
            continue
        if not reading.passes(entity.matches, event):
            continue
        for index, period in enumerate((plan.before, *plan.span.periods), start=-1):
            if period.start <= event.at < period.end:
                found[index, actor].append(event)
    return found


def first_seen(plan: LifecyclePlan, reading: Reading) -> Mapping[str, datetime]:
    """ "created_at as the person's record has it"; "a group: its record's created_at, else the
    first event that names it" """
    world = reading.world
    if isinstance(plan.actor, PersonActor):
        return {str(id_): record.created_at for id_, record in world.persons.items()}
    index = plan.actor.index
    found: dict[str, datetime] = {}
    for event in world.events:
        key = event.groups[index]
        if key:
            found[key] = min(event.at, found.get(key, event.at))
    known = {key: of.created_at for (type_, key), of in world.groups.items() if type_ == index}
    return found | known


def people(plan: LifecyclePlan, pointed: Pointed, reading: Reading) -> People:
    """Who has the status in the period; without one of them, in any."""
    events = active(plan, reading)
    counts: Counter[str] = Counter()
    for (index, actor), status in statuses(plan, reading).items():
        shown = index in plan.span.shown and pointed.point in (None, index)
        if shown and pointed.status in (None, status):
            of = index - 1 if status == "dormant" else index
            counts[actor] += len(events[of, actor])
    return sorted(counts.items(), key=lambda one: (-one[1], one[0]))
