"""Where the engine's answer to a plan differs from the reference's: rows, and who is behind them.

In words; None where they agree. Of the numbers, a few are looked behind, chosen at random.
"""

from collections.abc import Sequence
from functools import partial
from math import isclose
from random import Random
from typing import Any

import msgspec

from contracts.queries.insight_actors import Side, Status
from services.common.clickhouse import ClickHouse, EngineError, QueryTimeout
from services.common.clickhouse.statement import Statement
from services.query.events.conditions import ALWAYS
from services.query.events.oracle.points import in_range, period_of
from services.query.events.oracle.reading import Reading
from services.query.events.oracle.world import Event
from services.query.insights.lifecycle import compute as lifecycle_compute
from services.query.insights.lifecycle import explain as lifecycle_explain
from services.query.insights.lifecycle import oracle as lifecycles
from services.query.insights.lifecycle import pointing as lifecycle_pointing
from services.query.insights.lifecycle import statement as lifecycle_statement
from services.query.insights.lifecycle.plan import STATUSES, LifecyclePlan
from services.query.insights.stickiness import compute as stickiness_compute
from services.query.insights.stickiness import explain as stickiness_explain
from services.query.insights.stickiness import oracle as stickinesses
from services.query.insights.stickiness import pointing as stickiness_pointing
from services.query.insights.stickiness import statement as stickiness_statement
from services.query.insights.stickiness.plan import StickinessPlan
from services.query.insights.trends import compute as trends_compute
from services.query.insights.trends import explain as trends_explain
from services.query.insights.trends import pointing as trends_pointing
from services.query.insights.trends.oracle import people as trends_people
from services.query.insights.trends.oracle import rows as trends
from services.query.insights.trends.oracle.counted import windows
from services.query.insights.trends.plan import ActiveActors, OneValue, TrendsPlan
from services.query.insights.trends.statement import people as trends_statement
from services.query.insights.trends.statement.counted import Asked
from tests.trends.cases import Case, make_actors, reading_of
from tests.trends.explanations import explanation

People = list[tuple[str, int]]
POINTS = 1
WITH_MORE = 0.3
"""Share of the cases in which late events are counted, and of the people that are explained."""
EVERYBODY = 1_000


def told(rows: Sequence[msgspec.Struct]) -> Any:
    """As clients read them."""
    return msgspec.json.decode(msgspec.json.encode(rows))


async def listed(clickhouse: ClickHouse, statement: Statement | None) -> People:
    rows = [] if statement is None else await clickhouse.query(statement)
    return [(str(id_), int(events)) for id_, events in rows]


async def trend(clickhouse: ClickHouse, case: Case, plan: TrendsPlan, random: Random) -> str | None:
    has_overrides, reading = bool(case.world.merged), reading_of(case, plan)
    late = random.random() < WITH_MORE
    expected = trends.answer(plan, reading, late=late)
    try:
        found = await trends_compute.compute(
            clickhouse, plan, has_overrides=has_overrides, late=late
        )
    except QueryTimeout:
        raise
    except EngineError as error:
        return f"{type(error).__name__}: {error}"
    rows = [
        {name: of for name, of in row.items() if name != "filter"} for row in told(found.results)
    ]
    if not same(rows, expected.results) or found.has_more != expected.has_more:
        return f"rows: the engine says\n{rows}\nthe reference\n{expected}"
    for _ in range(POINTS):
        pointed = trends_pointing.pointed(plan, make_actors(random, plan, expected.results))
        people = await trend_people(clickhouse, plan, pointed, has_overrides=has_overrides)
        known = trends_people.people(plan, pointed, reading)
        if people != known:
            return f"people of {pointed}: the engine says\n{people}\nthe reference\n{known}"
        if random.random() > WITH_MORE:
            continue
        look = trends_explain.TrendLook(clickhouse, plan, pointed, ALWAYS)
        looked = await look(has_overrides=has_overrides)
        found_why = await explanation(
            clickhouse, looked, reading, known, partial(_in_trend, plan, pointed, reading)
        )
        if found_why:
            return f"{pointed} explained: {found_why}"
    return None


def _in_trend(
    plan: TrendsPlan, pointed: trends_pointing.Pointed, reading: Reading, event: Event
) -> bool:
    """Of the series, its filters aside, and in the point's time."""
    series, span = pointed.series, trends_pointing.span_of_side(plan, pointed.side)
    if series is None or not reading.passes(series.entity.entity, event):
        return False
    if isinstance(series.math, ActiveActors):
        found = windows(plan, span, series.math.days)
        if not isinstance(plan.shape, OneValue) and pointed.point is not None:
            found = [found[span.shown.index(pointed.point)]]
        elif not isinstance(plan.shape, OneValue):
            return in_range(span, event)
        return any(since <= event.at < until for since, until in found)
    if pointed.point is None or isinstance(plan.shape, OneValue):
        return in_range(span, event)
    return in_range(span, event) and period_of(span, event.at) == pointed.point


def _in_stickiness(
    plan: StickinessPlan, pointed: stickiness_pointing.Pointed, reading: Reading, event: Event
) -> bool:
    series = pointed.series
    of = stickiness_pointing.intervals_of_side(plan, pointed.side)
    named = series is not None and reading.passes(series.entity.entity, event)
    return named and in_range(of.span, event)


def _in_lifecycle(
    plan: LifecyclePlan, pointed: lifecycle_pointing.Pointed, reading: Reading, event: Event
) -> bool:
    """In the point's period, and for who is dormant in the one before."""
    if plan.entity is None or plan.before is None:
        return False
    periods = dict(enumerate((plan.before, *plan.span.periods), start=-1))
    at = next((i for i, of in periods.items() if of.start <= event.at < of.end), None)
    wanted = set(periods)
    if pointed.point is not None:
        wanted = {pointed.point - 1, pointed.point}
    if pointed.status == "dormant":
        wanted -= {pointed.point} if pointed.point is not None else {max(periods)}
    elif pointed.status is not None:
        wanted -= {pointed.point - 1} if pointed.point is not None else {-1}
    return at in wanted and reading.passes(plan.entity.entity, event)


async def trend_people(
    clickhouse: ClickHouse,
    plan: TrendsPlan,
    pointed: trends_pointing.Pointed,
    *,
    has_overrides: bool,
) -> People:
    span = trends_pointing.span_of_side(plan, pointed.side)
    if pointed.series is None or not trends_statement.has_number(span, pointed):
        return []
    asked = Asked(plan=plan, series=pointed.series, span=span, has_overrides=has_overrides)
    asked = await trends_compute.row_of(clickhouse, asked, pointed.row)
    compiled = trends_statement.compile_people(asked, pointed, limit=EVERYBODY, offset=0)
    return await listed(clickhouse, compiled)


def same(a: Any, b: Any) -> bool:
    """Equal, with floats equal but for the last digits."""
    match a, b:
        case float(), int() | float():
            return isclose(a, b, rel_tol=1e-9, abs_tol=1e-9)
        case int(), float():
            return same(b, a)
        case dict(), dict():
            return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
        case list() | tuple(), list() | tuple():
            return len(a) == len(b) and all(map(same, a, b))
        case _:
            return bool(a == b)


async def stickiness(
    clickhouse: ClickHouse, case: Case, plan: StickinessPlan, random: Random
) -> str | None:
    has_overrides, reading = bool(case.world.merged), reading_of(case, plan)
    found = await stickiness_compute.compute(clickhouse, plan, has_overrides=has_overrides)
    expected = stickinesses.answer(plan, reading)
    if told(found) != told_of(expected):
        return f"rows: the engine says\n{told(found)}\nthe reference\n{expected}"
    sides: tuple[Side, ...] = ("current",) if plan.previous is None else ("current", "previous")
    for _ in range(POINTS):
        pointed = stickiness_pointing.Pointed(
            series=random.choice((*plan.series, None)),
            side=random.choice(sides),
            intervals=random.choice((None, 1, 1, 2, 3)),
            operator=random.choice(("exact", "gte", "lte")),
        )
        statement = stickiness_statement.compile_people(
            plan, pointed, has_overrides=has_overrides, limit=EVERYBODY, offset=0
        )
        people = await listed(clickhouse, statement)
        known = stickinesses.people(plan, pointed, reading)
        if people != known:
            return f"people of {pointed}: the engine says\n{people}\nthe reference\n{known}"
        if random.random() > WITH_MORE:
            continue
        looked = await stickiness_explain.look(plan, pointed, ALWAYS, has_overrides=has_overrides)
        found_why = await explanation(
            clickhouse, looked, reading, known, partial(_in_stickiness, plan, pointed, reading)
        )
        if found_why:
            return f"{pointed} explained: {found_why}"
    return None


async def lifecycle(
    clickhouse: ClickHouse, case: Case, plan: LifecyclePlan, random: Random
) -> str | None:
    has_overrides, reading = bool(case.world.merged), reading_of(case, plan)
    late = random.random() < WITH_MORE
    found = await lifecycle_compute.compute(
        clickhouse, plan, has_overrides=has_overrides, late=late
    )
    expected = lifecycles.answer(plan, reading, late=late)
    if told(found) != told_of(expected):
        return f"rows: the engine says\n{told(found)}\nthe reference\n{expected}"
    for pointed in pointed_lifecycle(plan, reading, random):
        statement = lifecycle_statement.compile_people(
            plan, pointed, has_overrides=has_overrides, limit=EVERYBODY, offset=0
        )
        people = await listed(clickhouse, statement)
        known = lifecycles.people(plan, pointed, reading)
        if people != known:
            return f"people of {pointed}: the engine says\n{people}\nthe reference\n{known}"
        if random.random() > WITH_MORE:
            continue
        looked = await lifecycle_explain.look(plan, pointed, ALWAYS, has_overrides=has_overrides)
        found_why = await explanation(
            clickhouse,
            looked,
            reading,
            known,
            partial(_in_lifecycle, plan, pointed, reading),
            # In any status: of the period, and of who is dormant in the next one.
            once=pointed.status is not None,
        )
        if found_why:
            return f"{pointed} explained: {found_why}"
    return None


def pointed_lifecycle(
    plan: LifecyclePlan, reading: Reading, random: Random
) -> list[lifecycle_pointing.Pointed]:
    """Mostly numbers that somebody is behind."""
    found = lifecycles.statuses(plan, reading)
    cells: list[tuple[int, Status]] = [(period, status) for (period, _), status in found.items()]
    chosen = []
    for _ in range(POINTS):
        point, status = random.choice(sorted(cells) or [(0, STATUSES[0])])
        statuses: list[Status | None] = [status, status, status, None, random.choice(STATUSES)]
        chosen.append(
            lifecycle_pointing.Pointed(
                random.choice((point, point, point, None)), random.choice(statuses)
            )
        )
    return chosen


def told_of(rows: Any) -> Any:
    """Of the reference, the same way."""
    return msgspec.json.decode(msgspec.json.encode(rows))
