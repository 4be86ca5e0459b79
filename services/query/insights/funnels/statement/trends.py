"""Trends: the periods that an actor entered in, and whether it converted from there.

Every form gives the same relation, the *cells*: `actor`, [`value`,] `period`, `entered`,
`converted`, `newest`. period: the greatest period start that is not after the entry (counted as the
`times` of paths.py; 0 for the first period). newest: the start of the entry's last window.

Without exclusions the funnel is walked backwards, for every possible start at once: each event at
step k has the time when the steps after it are done.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from services.common.clickhouse.relation import Relation, union
from services.common.clickhouse.statement import Bindings
from services.query.events.moments import microseconds
from services.query.insights.funnels.periods import FunnelPeriod, periods
from services.query.insights.funnels.plan import FunnelPlan, TrendView
from services.query.insights.funnels.statement.actors import Actors, unless_busy
from services.query.insights.funnels.statement.arrays import arrays
from services.query.insights.funnels.statement.form import Form, form_of
from services.query.insights.funnels.statement.layout import layout_of
from services.query.insights.funnels.statement.paths import reference_rows
from services.query.insights.funnels.statement.totals import still_open
from services.query.insights.funnels.statement.trends_excluding import (
    entries_with_exclusions,
    may_be_reborn,
)
from services.query.insights.funnels.statement.unordered import (
    accepted,
    chosen,
    departures,
    has_several,
)

_WRITTEN_OUT = 8
"""Up to so many steps are written one inside the other; more are a fold, which copies its state."""


class PeriodOf:
    """The text of a time's period: a binary search among the starts."""

    def __init__(self, starts: str) -> None:
        self._starts = starts

    def __call__(self, time: str) -> str:
        return f"roundDown(toUInt64({time}), {self._starts})"


def cells(actors: Actors, trend: TrendView, made: Sequence[FunnelPeriod] | None = None) -> Relation:
    """The cells of all actors (of all values); a period that an actor did not enter in has no row.

    made: the plan's periods; None: made here.
    """
    plan, form = actors.plan, form_of(actors)
    gathered = arrays(actors, form)
    if (folding := folds(plan)) is not None:
        gathered = unless_busy(actors, gathered, folding)
    period = period_of(plan, actors.bindings, periods(plan, trend) if made is None else made)
    if plan.order != "unordered" and plan.exclusions:
        found = entries_with_exclusions(form, trend, gathered, period)
    else:
        found = _entries(form, trend, gathered, period)
    if actors.by_reference is not None:
        columns = {"period": "UInt64", "entered": "UInt8", "converted": "UInt8", "newest": "UInt64"}
        found = union(found, reference_rows(actors, **columns))
    return found.named("cells")


def _entries(form: Form, trend: TrendView, gathered: Relation, period: PeriodOf) -> Relation:
    from_ = _left if form.plan.order == "unordered" else _walked_back
    starts = from_(form, trend, gathered).named("starts")
    entries = starts.only(
        *form.keys,
        s="arrayJoin(starts)",
        period=period("s.1"),
        enters="s.2",
        converts="s.3",
        since="s.1",
    ).named("entries")
    found = entries.group(
        *form.keys,
        "period",
        entered="max(enters)",
        converted="max(converts)",
        newest="max(since)",
    )
    return found.having("entered")


def folds(plan: FunnelPlan) -> str | None:
    """The test of arrays `a` that go event by event; None: none of this plan's do."""
    layout = layout_of(plan)
    if plan.order == "unordered":
        return has_several(layout) if layout.overlapping else None
    return may_be_reborn(layout) if plan.exclusions else None


def trend_totals(plan: FunnelPlan, bindings: Bindings, cells: Relation) -> Relation:
    """[`value`,] `period`, `entries`, `conversions`, `open`: how many actors; periods by start.

    Of a breakdown only the values with most entrants; among equals the greater value.
    """
    value = () if plan.breakdown is None else ("value",)
    rows = cells.group(
        *value,
        "period",
        entries="count()",
        conversions="countIf(converted)",
        open=f"countIf(NOT converted AND newest > {still_open(plan, bindings)})",
    )
    if plan.breakdown is None:
        return rows.order("period")
    limit = bindings.bind(plan.breakdown.limit, "UInt64")
    ranked = (
        rows.named("rows")
        .add(entrants="sum(entries) OVER (PARTITION BY value)")
        .named("entrants")
        .add(place="dense_rank() OVER (ORDER BY entrants DESC, value DESC)")
    )
    shown = ranked.named("ranked").where(f"place <= {limit}").without("entrants", "place")
    return shown.order("value", "period")


def period_of(plan: FunnelPlan, bindings: Bindings, made: Sequence[FunnelPeriod]) -> PeriodOf:
    keys = [period_key(plan, period.start) for period in made]
    # A range that ends before it begins has no period and no events.
    return PeriodOf(bindings.bind(keys or [0], "Array(UInt64)"))


def period_key(plan: FunnelPlan, start: datetime) -> int:
    """The `period` of the one with this start, UTC."""
    return max(0, microseconds(start) - microseconds(plan.date_from) + 1)


def _walked_back(form: Form, trend: TrendView, gathered: Relation) -> Relation:
    """`starts`: (time, reached from_step, reached to_step) of each first-step event."""
    layout = form.layout
    first = layout.matches("x", layout.number(layout.step(1)))
    if layout.wanted == 1:
        first += f" AND {layout.has('x', layout.number(layout.own))}"

    def in_time(done: str) -> str:
        return f"{done} > 0 AND {form.within(done, layout.start('x'))}"

    entered = in_time("d_from") if trend.from_step > 1 else "1"
    starts = (
        f"arrayFilter(s -> s.1 > 0, arrayMap((x, d_from, d_to) -> "
        f"(if({first}, {layout.time('x')}, 0), {entered}, {in_time('d_to')}), "
        f"a, {_done(form, trend.from_step)}, {_done(form, trend.to_step)}))"
    )
    return gathered.only(*form.keys, starts=starts)


def _done(form: Form, last: int) -> str:
    """For each event of `a`: the time when later events have done steps 2 to `last`; or 0."""
    layout = form.layout
    if last <= _WRITTEN_OUT:
        done = "a"
        for k in range(last, 1, -1):
            waits = layout.matches("x", layout.mask(layout.step(k - 1)))
            done = _Turn(layout.takes_step("x", k), waits).before(form, done)
        return done
    names = [layout.each, "waits"]
    columns = [f"arrayReverse(arraySlice({c}, 2, {last - 1}))" for c in layout.steps_in_order]
    columns.append(f"arrayReverse(arraySlice({layout.every_step}, 1, {last - 1}))")
    done = _Turn(layout.takes("x"), layout.matches("x", "waits")).before(form, "done")
    return f"arrayFold((done, {', '.join(names)}) -> {done}, {', '.join(columns)}, a)"


class _Turn(msgspec.Struct, frozen=True):
    """A step, walking back: whether the event `x` takes it, and whether it is the step before."""

    takes: str
    waits: str

    def before(self, form: Form, done: str) -> str:
        """The time when the steps from this one on are done. done: the same of the step after."""
        taken = f"arrayMap((x, d) -> if({self.takes} AND d > 0, d, 0), a, {done})"
        filled = f"arrayReverseFill(d -> d > 0, {taken})"
        if form.strict:
            # An attempt may wait at a step only while the events are that step again.
            filled = f"arrayReverseFill((d, x) -> d > 0 OR NOT ({self.waits}), {taken}, a)"
        return f"arrayShiftLeft({filled}, 1)"


def _left(form: Form, trend: TrendView, gathered: Relation) -> Relation:
    """`starts`: as in `_walked_back`, of each event that leaves its queue."""
    if form.plan.wanted_step is not None:
        gathered = accepted(form, gathered)
    if form.layout.overlapping:
        gathered = chosen(form, gathered)
    time = form.layout.time("x")
    starts = (
        f"arrayMap((x, c) -> ({time}, c >= {trend.from_step}, c >= {trend.to_step}), "
        "arrayFilter((x, c) -> c > 0, a, completed), arrayFilter(c -> c > 0, completed))"
    )
    return departures(form, gathered).only(*form.keys, starts=starts)
