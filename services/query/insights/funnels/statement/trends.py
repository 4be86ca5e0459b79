"""Trends: in which periods an actor entered, and whether it converted from there.

Every form gives the same relation, the *cells*: `actor`, [`value`,] `period`, `entered`,
`converted`, `newest`. period: the greatest period start that is not after the entry (counted as the
`times` of sql_paths; 0 for the first period). newest: from when the entry's window runs last.

Without exclusions the funnel is walked backwards, for every possible start at once: who is at step
k sees when the steps after it will be done.
"""

from collections.abc import Sequence
from datetime import datetime

from services.common.clickhouse.statement import Bindings
from services.query.events.moments import microseconds
from services.query.insights.funnels.periods import Period, periods
from services.query.insights.funnels.plan import FunnelPlan, TrendView
from services.query.insights.funnels.statement.actors import Actors, unless_busy
from services.query.insights.funnels.statement.arrays import arrays, carried
from services.query.insights.funnels.statement.layout import Layout, layout_of
from services.query.insights.funnels.statement.paths import told, window_us
from services.query.insights.funnels.statement.totals import still_open
from services.query.insights.funnels.statement.trends_excluding import barred_entries, may_be_reborn
from services.query.insights.funnels.statement.unordered import (
    accepted,
    chosen,
    departures,
    has_several,
)

_WRITTEN_OUT = 8
"""So many steps are written one inside the other; a fold over more, which copies its state."""


def cells(actors: Actors, trend: TrendView, made: Sequence[Period] | None = None) -> str:
    """The periods that actors (of all values) entered in; nothing else has a row.

    made: the plan's periods; None: they are made here.
    """
    plan, carry = actors.plan, carried(actors.plan)
    layout = layout_of(plan)
    window = actors.bindings.bind(layout.span(window_us(plan)), layout.type)
    gathered = arrays(actors, layout)
    if (folding := folds(plan)) is not None:
        gathered = unless_busy(actors, gathered, folding)
    period = period_of(plan, actors.bindings, periods(plan, trend) if made is None else made)
    if plan.order != "unordered" and plan.exclusions:
        found = barred_entries(plan, trend, layout, carry, gathered, window, period)
    else:
        from_ = _left if plan.order == "unordered" else _walked_back
        starts = from_(plan, trend, layout, carry, gathered, window)
        found = (
            f"SELECT {carry}, {period('s.1')} AS period, max(s.2) AS entered, "
            "max(s.3) AS converted, max(s.1) AS newest "
            f"FROM (SELECT {carry}, arrayJoin(starts) AS s FROM ({starts})) "
            f"GROUP BY {carry}, period HAVING entered"
        )
    if actors.told is None:
        return found
    columns = "period UInt64, entered UInt8, converted UInt8, newest UInt64"
    return f"{found} UNION ALL {told(actors, columns)}"


def folds(plan: FunnelPlan) -> str | None:
    """Which arrays `a` go event by event; None: none of this plan's."""
    layout = layout_of(plan)
    if plan.order == "unordered":
        return has_several(layout) if layout.overlapping else None
    return may_be_reborn(layout) if plan.exclusions else None


def trend_totals(plan: FunnelPlan, bindings: Bindings, cells: str) -> str:
    """[`value`,] `period`, `entered`, `converted`, `open`: how many actors; periods by start.

    Of a breakdown only the values with most entrants; among equals the greater value.
    """
    counts = (
        "count() AS entered, countIf(converted) AS converted, "
        f"countIf(NOT c.converted AND newest > {still_open(plan, bindings)}) AS open"
    )
    if plan.breakdown is None:
        return f"SELECT period, {counts} FROM ({cells}) AS c GROUP BY period ORDER BY period"
    limit = bindings.bind(plan.breakdown.limit, "UInt64")
    entrants = "sum(entered) OVER (PARTITION BY value)"
    return (
        "SELECT value, period, entered, converted, open FROM ("
        "SELECT *, dense_rank() OVER (ORDER BY entrants DESC, value DESC) AS place FROM ("
        f"SELECT *, {entrants} AS entrants FROM ("
        f"SELECT value, period, {counts} FROM ({cells}) AS c GROUP BY value, period))) "
        f"WHERE place <= {limit} ORDER BY value, period"
    )


class PeriodOf:
    """The text of a time's period: a binary search among the starts."""

    def __init__(self, starts: str) -> None:
        self._starts = starts

    def __call__(self, time: str) -> str:
        return f"roundDown(toUInt64({time}), {self._starts})"


def period_of(plan: FunnelPlan, bindings: Bindings, made: Sequence[Period]) -> PeriodOf:
    keys = [period_key(plan, period.start) for period in made]
    # A range that ends before it begins has no period, and nobody to be in one.
    return PeriodOf(bindings.bind(keys or [0], "Array(UInt64)"))


def period_key(plan: FunnelPlan, start: datetime) -> int:
    """What `period` is for the one that starts then, UTC."""
    return max(0, microseconds(start) - microseconds(plan.date_from) + 1)


def _walked_back(
    plan: FunnelPlan, trend: TrendView, layout: Layout, carry: str, gathered: str, window: str
) -> str:
    """`starts`: (time, reached from_step, reached to_step) of each first-step event."""
    first = layout.matches("x", layout.number(layout.step(1)))
    if layout.wanted == 1:
        first += f" AND {layout.has('x', layout.number(layout.own))}"
    in_time = f"done > 0 AND done - {layout.start('x')} <= {window}"
    entered = in_time.replace("done", "d_from") if trend.from_step > 1 else "1"
    starts = (
        f"arrayFilter(s -> s.1 > 0, arrayMap((x, d_from, d_to) -> "
        f"(if({first}, {layout.time('x')}, 0), {entered}, {in_time.replace('done', 'd_to')}), "
        f"a, {_done(plan, layout, trend.from_step)}, {_done(plan, layout, trend.to_step)}))"
    )
    return f"SELECT {carry}, {starts} AS starts FROM ({gathered})"


def _done(plan: FunnelPlan, layout: Layout, last: int) -> str:
    """For each event of `a`: when the steps after 1 up to `last` are done by later events, or 0."""
    if last <= _WRITTEN_OUT:
        done = "a"
        for k in range(last, 1, -1):
            waits = layout.matches("x", layout.mask(layout.step(k - 1)))
            done = _done_from(plan, layout.takes_step("x", k), waits, done)
        return done
    names = [layout.each, "waits"]
    columns = [f"arrayReverse(arraySlice({c}, 2, {last - 1}))" for c in layout.steps_in_order]
    columns.append(f"arrayReverse(arraySlice({layout.every_step}, 1, {last - 1}))")
    done = _done_from(plan, layout.takes("x"), layout.matches("x", "waits"), "done")
    return f"arrayFold((done, {', '.join(names)}) -> {done}, {', '.join(columns)}, a)"


def _done_from(plan: FunnelPlan, takes: str, waits: str, done: str) -> str:
    """From one step on, from when the steps after it are done. waits: is the step before again."""
    taken = f"arrayMap((x, d) -> if({takes} AND d > 0, d, 0), a, {done})"
    filled = f"arrayReverseFill(d -> d > 0, {taken})"
    if plan.order == "strict":
        # One may wait at a step only while the events are that step again.
        filled = f"arrayReverseFill((d, x) -> d > 0 OR NOT ({waits}), {taken}, a)"
    return f"arrayShiftLeft({filled}, 1)"


def _left(
    plan: FunnelPlan, trend: TrendView, layout: Layout, carry: str, gathered: str, window: str
) -> str:
    """`starts`: of each event that leaves its queue."""
    if plan.wanted_step is not None:
        gathered = accepted(layout, carry, gathered, window)
    if layout.overlapping:
        gathered = chosen(layout, carry, gathered, window)
    leaving = departures(layout, carry, gathered, window)
    starts = (
        f"arrayMap((x, c) -> ({layout.time('x')}, c >= {trend.from_step}, c >= {trend.to_step}), "
        "arrayFilter((x, c) -> c > 0, a, completed), arrayFilter(c -> c > 0, completed))"
    )
    return f"SELECT {carry}, {starts} AS starts FROM ({leaving})"
