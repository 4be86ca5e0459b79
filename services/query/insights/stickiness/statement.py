"""Stickiness as ClickHouse text: in how many intervals each actor was active, folded per actor.

Up to 256 intervals are bits of one number. More of them, and what is asked of how many events an
interval has, take a sorted array of the intervals of all events.
"""

from collections.abc import Iterator, Mapping

import msgspec

from contracts.queries.stickiness import Criterion
from services.common.clickhouse.relation import Relation, statement, union
from services.common.clickhouse.statement import Bindings, Statement
from services.query.events.folds import BITS, SORTED, counts_of, mask, per_actor
from services.query.events.period_index import period_index
from services.query.events.periods import Span
from services.query.events.source import Source
from services.query.insights.stickiness.plan import Criteria, Intervals, Series, StickinessPlan
from services.query.insights.stickiness.pointing import Pointed, intervals_of_side

_SIGNS: Mapping[Criterion, str] = {"exact": "=", "gte": ">=", "lte": "<="}


class _Range(msgspec.Struct, frozen=True):
    """The events of one series on one side of a comparison."""

    plan: StickinessPlan
    series: Series
    intervals: Intervals
    has_overrides: bool


def compile_stickiness(plan: StickinessPlan, *, has_overrides: bool) -> Statement | None:
    """Rows of `number`, `side` (0: current, 1: previous), `place` (of the series), `actors`.

    None where there is no interval that anybody could be active in.
    """
    bindings = Bindings()
    parts = [
        _numbers(one, bindings)
        .where("number > 0")
        .group("number", side=str(side), place=str(one.series.place), actors="count()")
        for side, one in _ranges(plan, has_overrides)
    ]
    return statement(union(*parts), bindings) if parts else None


def compile_people(
    plan: StickinessPlan, pointed: Pointed, *, has_overrides: bool, limit: int, offset: int
) -> Statement | None:
    """Rows of `id` (text) and `events` in its intervals, by events descending, then id.

    None where nobody can be behind the number.
    """
    intervals = intervals_of_side(plan, pointed.side)
    if pointed.series is None or not intervals.intervals:
        return None
    bindings = Bindings()
    of = _Range(plan, pointed.series, intervals, has_overrides)
    meant = _numbers(of, bindings).where("number > 0")
    if pointed.intervals is not None:
        number = bindings.bind(pointed.intervals, "UInt64")
        meant = meant.where(f"number {sign(pointed.operator)} {number}")
    people = meant.only(id="toString(actor)", events="events")
    page = f"{bindings.bind(limit, 'UInt64')} OFFSET {bindings.bind(offset, 'UInt64')}"
    return statement(people.order("events DESC", "id", limit=page), bindings)


def _ranges(plan: StickinessPlan, has_overrides: bool) -> Iterator[tuple[int, _Range]]:
    for side, intervals in enumerate((plan.current, plan.previous)):
        if intervals is not None and intervals.intervals:
            for series in plan.series:
                yield side, _Range(plan, series, intervals, has_overrides)


def _numbers(of: _Range, bindings: Bindings) -> Relation:
    """`actor`, `number` of intervals it is active in, `events` in these."""
    intervals = len(of.intervals.intervals)
    if of.plan.criteria == Criteria() and intervals <= BITS:
        folded = _by_actor(of, bindings, mask=mask(intervals), events="count()")
        return folded.only("actor", "events", number="bitCount(mask)").named("numbers")
    counted = _by_actor(of, bindings, a=SORTED).only("actor", counts=counts_of("a"))
    is_enough = enough(of.plan.criteria, bindings)
    return (
        counted.named("counted")
        .only(
            "actor",
            events=f"arraySum(c -> if({is_enough}, c, 0), counts)",
            number=f"arrayCount(c -> {is_enough}, counts)",
        )
        .named("numbers")
    )


def enough(criteria: Criteria, bindings: Bindings) -> str:
    """Of `c` events in an interval, of which there is one at least."""
    return f"c {sign(criteria.operator)} {bindings.bind(criteria.value, 'UInt64')}"


def sign(operator: Criterion) -> str:
    return _SIGNS[operator]


def _by_actor(of: _Range, bindings: Bindings, **aggregates: str) -> Relation:
    plan = of.plan
    source = source_of(plan, of.intervals.span, bindings, has_overrides=of.has_overrides)
    return per_actor(
        source,
        of.series.actor,
        (plan.filters, of.series.entity.matches),
        interval_index(source, of.intervals),
        plan.sample,
        **aggregates,
    )


def source_of(
    plan: StickinessPlan, span: Span, bindings: Bindings, *, has_overrides: bool
) -> Source:
    return Source(
        plan.team_id,
        bindings,
        period=(span.date_from, span.date_to),
        has_overrides=has_overrides,
        timezone=span.timezone,
        cohorts=dict(plan.cohorts),
    )


def interval_index(source: Source, intervals: Intervals) -> str:
    index, found = period_index(source, intervals.span), _interval_of(intervals)
    if all(period == interval for period, interval in found.items()):
        return index
    periods = source.bindings.bind(list(found), "Array(Int64)")
    indexes = source.bindings.bind(list(found.values()), "Array(Int64)")
    return f"transform(toInt64({index}), {periods}, {indexes}, toInt64(0))"


def _interval_of(intervals: Intervals) -> Mapping[int, int]:
    """The index of the interval, by that of each period that counts."""
    found, last = {}, 0
    for index in intervals.span.shown:
        while intervals.span.periods[index].start >= intervals.intervals[last].end:
            last += 1
        found[index] = last
    return found
