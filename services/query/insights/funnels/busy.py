"""Actors with very many events in funnels that take some event by event: by the reference.

The engine folds over an array in turns, each for all actors at once: a turn costs 0.1 to 0.5 ms,
however few still have an event left. The reference takes 10 µs for one event of one actor. So those
who have the most are read, walked in Python, and given back to the statement as rows: it leaves
them out, and whatever is made of its relation is made of theirs too.
"""

from asyncio import to_thread
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, assert_never

import msgspec

from services.common.clickhouse import ClickHouse
from services.common.clickhouse.relation import statement
from services.common.clickhouse.statement import Bindings, Statement
from services.query.events.moments import microseconds
from services.query.insights.funnels.oracle import attempts, unordered
from services.query.insights.funnels.oracle.attribution import Lane
from services.query.insights.funnels.oracle.trends import cells
from services.query.insights.funnels.people.matched import SeenEvent
from services.query.insights.funnels.people.statement import base_us, compile_history
from services.query.insights.funnels.periods import periods
from services.query.insights.funnels.plan import FunnelPlan, StepsView, TimesView, TrendView
from services.query.insights.funnels.statement import paths
from services.query.insights.funnels.statement import trends as sql_trends
from services.query.insights.funnels.statement.actors import Actors, ReferenceRows, is_busy
from services.query.insights.funnels.statement.arrays import arrays
from services.query.insights.funnels.statement.form import form_of
from services.query.insights.funnels.statement.lanes import lanes_of, rows_of

MOST_ACTORS = 50
"""Of more that are as busy, a turn of the fold is well used."""
MOST_EVENTS = 400_000
"""Of all of them together: some 200 MB while they are walked."""


def folding(plan: FunnelPlan) -> bool:
    """Whether the plan takes any actors event by event."""
    return _folds(plan) is not None


async def by_reference(
    clickhouse: ClickHouse, plan: FunnelPlan, *, has_overrides: bool, query_id: str | None
) -> ReferenceRows:
    """The reference's rows of the busiest actors. Raises EngineError's kinds."""
    busiest = _busiest(plan, has_overrides=has_overrides)
    ids, sum_ = [], 0
    for id_, events in await clickhouse.query(busiest, query_id=query_id):
        sum_ += events
        if sum_ > MOST_EVENTS:
            break
        ids.append(id_)
    if not ids:
        return ReferenceRows((), "[]")
    history = compile_history(plan, ids, has_overrides=has_overrides)
    seen = await clickhouse.query(history, query_id=query_id)
    return ReferenceRows(tuple(ids), await to_thread(_rows, plan, seen))


def _folds(plan: FunnelPlan) -> str | None:
    return sql_trends.folds(plan) if isinstance(plan.view, TrendView) else paths.folds(plan)


def _busiest(plan: FunnelPlan, *, has_overrides: bool) -> Statement:
    """`id`, `events`: the busiest first."""
    bindings = Bindings()
    actors = Actors(plan=plan, bindings=bindings, has_overrides=has_overrides)
    gathered = arrays(actors, form_of(actors)).where(is_busy(_folds(plan) or "0"))
    busiest = gathered.only(id="toString(actor)", events="length(a)").named("busy")
    counted = busiest.group("id", events="sum(events)")
    return statement(counted.order("events DESC", "id", limit=f"{MOST_ACTORS}"), bindings)


def _rows(plan: FunnelPlan, seen: Sequence[Sequence[Any]]) -> str:
    """JSON: a row as of the plan's relation for each actor (and value) that counts."""
    histories: dict[str, list[SeenEvent]] = defaultdict(list)
    for row in seen:
        event = msgspec.convert(row, SeenEvent)
        histories[event.actor].append(event)
    rows = [
        [actor, *_value(cohort, lane), *columns]
        for actor, events in histories.items()
        for cohort, of_row in rows_of(plan, events)
        for lane in lanes_of(plan, of_row)
        for columns in _columns(plan, lane)
    ]
    return msgspec.json.encode(rows).decode()


def _value(cohort: int | None, lane: Lane) -> list[object]:
    if lane.value is None:
        return [] if cohort is None else [cohort]
    return [lane.value[0] if len(lane.value) == 1 else list(lane.value)]


def _columns(plan: FunnelPlan, lane: Lane) -> Iterator[list[object]]:
    match plan.view:
        case TrendView() as trend:
            return _cells(plan, trend, lane)
        case StepsView() | TimesView():
            return _times(plan, lane)
        case _:
            assert_never(plan.view)


def _times(plan: FunnelPlan, lane: Lane) -> Iterator[list[object]]:
    """`times` of paths.py."""
    walk = unordered.reported if plan.order == "unordered" else attempts.reported
    attempt = walk(plan, lane.events, lane.wanted)
    if attempt is not None:
        taken = {one.step: one.at_us - base_us(plan) for one in attempt.path}
        yield [[taken.get(k, 0) for k in range(1, attempt.depth + 1)]]


def _cells(plan: FunnelPlan, trend: TrendView, lane: Lane) -> Iterator[list[object]]:
    """`period`, `entered`, `converted`, `newest` of trends.py."""
    starts = [period.start for period in periods(plan, trend)]
    begins = [microseconds(start) for start in starts]
    found = cells(plan, trend, lane.events, lambda us: bisect_right(begins, us) - 1, lane.wanted)
    for period, cell in found.items():
        key = sql_trends.period_key(plan, starts[period])
        yield [key, 1, int(cell.converted), cell.newest_us - base_us(plan)]
