"""Whether the people that the SQL lists behind a number are those the reference counts there."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from random import Random
from typing import assert_never
from uuid import UUID

from services.common.clickhouse import ClickHouse
from services.query.events.conditions import EventNamed
from services.query.insights.funnels.oracle.conversion_times import bin_starts
from services.query.insights.funnels.oracle.people import ActorOutcome, Histories, dropped, outcomes
from services.query.insights.funnels.oracle.periods import period_starts, trend_cells
from services.query.insights.funnels.oracle.seen import MICROSECONDS, microseconds
from services.query.insights.funnels.oracle.steps import counted_groups
from services.query.insights.funnels.people.selection import (
    AtStep,
    EndedAt,
    InBin,
    InPeriod,
    Selection,
)
from services.query.insights.funnels.plan import FunnelPlan, StepsView, TimesView, TrendView
from tests.funnels.difference import Difference
from tests.funnels.people_page import people
from tests.funnels.worlds import Happened, entered

Listed = list[tuple[str, tuple[tuple[int, UUID | None], ...]]]
"""Actors by id, each with the time and the event of every step of its reported attempt (trends:
without). The event is left open where times do not tell it: in an unordered funnel, events of
several steps may stand in one queue or another, and attribution by step passes some over."""


async def people_difference(
    clickhouse: ClickHouse, plan: FunnelPlan, histories: Mapping[UUID, Happened]
) -> Difference | None:
    """Looks behind one number; None: the same people, and the same events.

    Which number is left to chance, but the same histories give the same one.
    """
    given = {str(actor): entered(plan, events) for actor, events in histories.items()}
    chosen = _chosen(plan, given, Random(sum(len(events) for events in histories.values())))
    if chosen is None:
        return None
    selection, expected = chosen
    found = await people(
        clickhouse, plan, selection, has_overrides=False, limit=len(histories) * 10
    )
    told = _tells_events(plan)
    got = sorted(
        (
            actor.id,
            _by_time(
                (microseconds(e.at), UUID(e.uuid) if told else None) for e in actor.matched_events
            ),
        )
        for actor in found
    )
    return None if expected == got else Difference((selection, expected), (selection, got))


def _chosen(plan: FunnelPlan, given: Histories, random: Random) -> tuple[Selection, Listed] | None:
    match plan.view:
        case StepsView():
            return _step(plan, given, random)
        case TrendView() as trend:
            return _period(plan, trend, given, random)
        case TimesView() as times:
            return _bin(plan, times, given, random)
        case _:
            assert_never(plan.view)


def _step(plan: FunnelPlan, given: Histories, random: Random) -> tuple[Selection, Listed] | None:
    found = counted_groups(plan, given)
    if not found:
        return None
    chosen = random.choice(found)
    n = len(plan.steps)
    if random.random() < 0.2:
        last = tuple(sorted(random.sample(range(1, n + 1), k=random.randint(1, n))))
        ended = [o for o in chosen.counted if o.attempt.depth in last]
        return EndedAt(steps=last, value=chosen.group.value), _listed(plan, ended)
    step = random.choice([*range(1, n + 1), *range(-n, -1)])
    behind = [o for o in chosen.counted if (o.has(step) if step > 0 else dropped(plan, o, -step))]
    selection = AtStep(step=step, value=chosen.group.value)
    return selection, _listed(plan, behind)


def _period(
    plan: FunnelPlan, trend: TrendView, given: Histories, random: Random
) -> tuple[Selection, Listed] | None:
    found = trend_cells(plan, trend, given)
    if not found:
        return None
    value = random.choice(sorted(found, key=str))
    period, cells = random.choice(sorted(found[value].items(), key=lambda item: item[0]))
    dropped_off = random.random() < 0.5
    start: datetime = period_starts(plan, trend)[period].astimezone(UTC)
    selection = InPeriod(start=start, dropped_off=dropped_off, value=value)
    return selection, sorted((a, ()) for a, c in cells.items() if c.converted is not dropped_off)


def _bin(
    plan: FunnelPlan, times: TimesView, given: Histories, random: Random
) -> tuple[Selection, Listed]:
    took = [(o, t) for o in outcomes(plan, given) if (t := _took_us(times, o)) is not None]
    starts = bin_starts([t for _, t in took], times.bins)
    since = random.choice(starts)
    until = since + starts[1] - starts[0]
    behind = [o for o, t in took if since * MICROSECONDS <= t < until * MICROSECONDS]
    selection = InBin(from_seconds=since, to_seconds=until)
    return selection, _listed(plan, behind)


def _took_us(times: TimesView, outcome: ActorOutcome) -> int | None:
    since, until = (outcome.attempt.at_us(k) for k in (times.from_step, times.to_step))
    return None if since is None or until is None else until - since


def _listed(plan: FunnelPlan, behind: list[ActorOutcome]) -> Listed:
    told = _tells_events(plan)
    return sorted(
        (o.actor, _by_time((t.at_us, t.uuid if told else None) for t in o.attempt.path))
        for o in behind
    )


def _by_time(path: Iterable[tuple[int, UUID | None]]) -> tuple[tuple[int, UUID | None], ...]:
    """Of one instant by uuid: an unordered funnel has no first there."""
    return tuple(sorted(path, key=str))


def _tells_events(plan: FunnelPlan) -> bool:
    names = {name for step in plan.steps for name in _names(step.matches)}
    several = any(sum(n in _names(step.matches) for step in plan.steps) > 1 for n in names)
    passes_over = plan.wanted_step is not None
    return plan.order != "unordered" or not (several or passes_over)


def _names(condition: object) -> tuple[str, ...]:
    assert isinstance(condition, EventNamed)
    return condition.names
