"""Which events stand behind each point of a row: trends.md sections 3, 4 and 5."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from services.query.events.actors import AnyActor, PersonActor
from services.query.events.oracle.points import in_range, period_of
from services.query.events.oracle.reading import Reading
from services.query.events.oracle.world import Event
from services.query.events.periods import Span
from services.query.insights.trends.plan import (
    ActiveActors,
    Actors,
    FirstTime,
    OfCounts,
    OneValue,
    Points,
    Series,
    TrendsPlan,
)

MICROSECOND = timedelta(microseconds=1)


def actor_of(series: Series) -> AnyActor:
    """Whom the series is about: "person, or with `math_group_type_index` the group key"."""
    match series.math:
        case Actors(actor) | ActiveActors(actor) | FirstTime(actor) | OfCounts(actor=actor):
            return actor
        case _:
            return PersonActor()


def counting(plan: TrendsPlan, series: Series, span: Span, reading: Reading) -> list[Event]:
    """The events that count: "timestamp in the range, the series' own test …, the query's
    `properties`, the project's test-account filters". Of windows also those before the range.
    """
    if not span.periods:
        return []
    math = series.math
    if isinstance(math, FirstTime):
        return _first_events(plan, series, math, span, reading)
    since = span.date_from
    if isinstance(math, ActiveActors):
        since = min((start for start, _ in windows(plan, span, math.days)), default=span.date_to)
    actor = actor_of(series)
    return [
        event
        for event in reading.world.events
        if since <= event.at <= span.date_to
        and _passes(plan, series, reading, event)
        and reading.actor(actor, event) is not None
    ]


def _passes(plan: TrendsPlan, series: Series, reading: Reading, event: Event) -> bool:
    return reading.passes(series.entity.matches, event) and reading.passes(plan.filters, event)


def _first_events(
    plan: TrendsPlan, series: Series, math: FirstTime, span: Span, reading: Reading
) -> list[Event]:
    """Each actor's "**first event of the entity ever**, its filters ignored, up to date_to: counted
    in its period if at that very instant an event of the entity passes all filters, and it lies in
    the range"; matching: its "first event ever that passes entity and filters, if in the range".
    """
    entity = series.entity.entity
    by_actor: dict[str, list[Event]] = defaultdict(list)
    for event in reading.world.events:
        actor = reading.actor(math.actor, event)
        if actor is not None and event.at <= span.date_to and reading.passes(entity, event):
            by_actor[actor].append(event)
    found = []
    for events in by_actor.values():
        passing = [event for event in events if _passes(plan, series, reading, event)]
        if not math.matching:
            first = min(event.at for event in events)
            passing = [event for event in passing if event.at == first]
        if passing:
            event = min(passing, key=lambda event: (event.at, event.uuid))
            if in_range(span, event):
                found.append(event)
    return found


def behind_points(
    plan: TrendsPlan, series: Series, span: Span, events: Sequence[Event], reading: Reading
) -> list[list[Event]]:
    """events: those of one row that count. Per point (of one value: per answer) those behind it."""
    if isinstance(series.math, ActiveActors):
        return [
            [event for event in events if start <= event.at < end]
            for start, end in windows(plan, span, series.math.days)
        ]
    if isinstance(plan.shape, OneValue):
        return [list(events)]
    points: list[list[Event]] = [[] for _ in span.periods]
    for event in events:
        period = period_of(span, event.at)
        assert period is not None
        points[period].append(event)
    if isinstance(plan.shape, Points) and plan.shape.cumulative:
        points = _first_periods(series, points, reading)
    return [points[index] for index in span.shown]


def _first_periods(
    series: Series, points: list[list[Event]], reading: Reading
) -> list[list[Event]]:
    """Cumulative "dau and unique_group: every actor counts once, at its first period"."""
    if not isinstance(series.math, Actors):
        return points
    seen: set[str | None] = set()
    found = []
    for events in points:
        new = {reading.actor(series.math.actor, event) for event in events} - seen
        found.append([event for event in events if reading.actor(series.math.actor, event) in new])
        seen |= new
    return found


def late_events(
    plan: TrendsPlan, series: Series, span: Span, events: Sequence[Event], reading: Reading
) -> list[int]:
    """ "per point how many of its events arrived more than 1 h after the period's end" """
    ends = [span.periods[index].end for index in span.shown]
    points = behind_points(plan, series, span, events, reading)
    return [
        sum(event.arrived > end + timedelta(hours=1) for event in of_point)
        for end, of_point in zip(ends, points, strict=True)
    ]


def windows(plan: TrendsPlan, span: Span, days: int) -> list[tuple[datetime, datetime]]:
    """From and up to, but not: the "calendar days ending with the end of the period (hour and less:
    the 168 / 720 hours before its end) … never past date_to"; one value: "from 6 / 29 days before
    date_to's day to date_to". Of the points that are shown.
    """
    end_of_range = span.date_to + MICROSECOND
    if isinstance(plan.shape, OneValue):
        return [(_days_back(span, end_of_range, days), end_of_range)] if span.periods else []
    found = []
    for index in span.shown:
        end = span.periods[index].end
        if span.interval in ("second", "minute", "hour"):
            since = end - timedelta(hours=24 * days)
        else:
            since = _days_back(span, end, days)
        found.append((since, min(end, end_of_range)))
    return found


def _days_back(span: Span, end: datetime, days: int) -> datetime:
    """The start of the first of so many days, of which the last holds the instant before `end`."""
    zone = ZoneInfo(span.timezone)
    last = (end - MICROSECOND).astimezone(zone).date()
    first = last - timedelta(days=days - 1)
    # Compared as instants, not by the wall clock, so not in the zone.
    return datetime(first.year, first.month, first.day, tzinfo=zone).astimezone(end.tzinfo)


def distinct(reading: Reading, actor: AnyActor, events: Iterable[Event]) -> int:
    return len({reading.actor(actor, event) for event in events})
