"""The events that a statement read of an actor, in the form of the reference."""

from collections.abc import Iterable, Sequence

from services.query.insights.funnels.oracle.attribution import Lane, lanes
from services.query.insights.funnels.oracle.seen import OracleEvent
from services.query.insights.funnels.people.matched import SeenEvent
from services.query.insights.funnels.plan import ByCohort, FunnelPlan


def rows_of(
    plan: FunnelPlan, events: Sequence[SeenEvent]
) -> list[tuple[int | None, list[SeenEvent]]]:
    """The actor's events in each of its cohorts; without a breakdown by cohort, all in one row."""
    if not isinstance(plan.breakdown, ByCohort):
        return [(None, list(events))]
    cohorts = sorted({event.value for event in events if isinstance(event.value, int)})
    return [(cohort, [e for e in events if e.value == cohort]) for cohort in cohorts]


def lanes_of(plan: FunnelPlan, events: Iterable[SeenEvent]) -> list[Lane]:
    return lanes(plan, tuple(_seen(event) for event in events))


def _seen(event: SeenEvent) -> OracleEvent:
    match event.value:
        case str(text):
            value: tuple[str, ...] = (text,)
        case list(parts):
            value = tuple(parts)
        case _:
            value = ()
    return OracleEvent(
        event.at_us,
        event.id,
        frozenset(event.steps),
        frozenset(event.exclusions),
        value,
    )
