"""The people behind a number of a trend: the events it is counted from, and one filter more."""

import msgspec

from services.common.clickhouse.relation import Relation, statement
from services.common.clickhouse.statement import Bindings, Statement
from services.query.events.moments import microseconds
from services.query.events.periods import Span
from services.query.events.source import Source
from services.query.insights.trends.plan import NULL, ActiveActors, Actors, OneValue, Points
from services.query.insights.trends.pointing import (
    ALL_BINS,
    AnyChoice,
    OfCohort,
    OfOther,
    OfValue,
    Pointed,
)
from services.query.insights.trends.statement.counted import Asked, counted
from services.query.insights.trends.statement.numbers import point
from services.query.insights.trends.windows import Window, windows


class _Behind(msgspec.Struct, frozen=True):
    """events: of the row, and of the point if it is one: `actor`, `uuid`, `i`.

    newly: index of the period in which actors are new, who count once, at their first; else None.
    """

    events: Relation
    newly: str | None = None


def compile_people(asked: Asked, pointed: Pointed, *, limit: int, offset: int) -> Statement:
    """Rows of `id` (text) and `events`, by events descending, then id.

    asked: the series and side that are pointed at; its rows tell Other apart.
    """
    bindings = Bindings()
    behind = _behind(asked, pointed, bindings)
    actors = behind.events.group("actor", events="count()")
    if behind.newly is not None:
        actors = behind.events.group("actor", events=f"countIf(i = {behind.newly})")
        actors = actors.having(f"min(i) = {behind.newly}")
    people = actors.named("actors").only(id="toString(actor)", events="events")
    page = f"{bindings.bind(limit, 'UInt64')} OFFSET {bindings.bind(offset, 'UInt64')}"
    return statement(people.order("events DESC", "id", limit=page), bindings)


def events_behind(asked: Asked, pointed: Pointed, bindings: Bindings) -> Relation:
    """`uuid`, of the events that those people are counted by."""
    behind = _behind(asked, pointed, bindings, uuids=True)
    if behind.newly is None:
        return behind.events.only("uuid")
    firsts = behind.events.only("uuid", "i", first="min(i) OVER (PARTITION BY actor)")
    newly = firsts.named("firsts").where(f"i = {behind.newly}").where(f"first = {behind.newly}")
    return newly.only("uuid")


def _behind(asked: Asked, pointed: Pointed, bindings: Bindings, *, uuids: bool = False) -> _Behind:
    window = window_of(asked, pointed)

    def columns(source: Source) -> dict[str, str]:
        index = {} if window else {"i": point(asked, source)}
        uuid = {"uuid": "e.uuid"} if uuids else {}
        return {"actor": source.actor(asked.actor), "at": "e.timestamp", **index, **uuid}

    tests = [*in_row(pointed.row, bindings), *_in_window(window, bindings)]
    newly = None
    if pointed.point is not None and not window:
        index = bindings.bind(pointed.point, "Int64")
        if is_running(asked):
            newly = index
        else:
            tests.append(f"i = {index}")
    events = counted(asked, bindings, columns)
    for test in tests:
        events = events.where(test)
    return _Behind(events, newly)


def has_number(asked_span: Span, pointed: Pointed) -> bool:
    """Whether the side has such a point at all: a day that does not count has none."""
    shown = pointed.point is None or pointed.point in asked_span.shown
    return bool(asked_span.periods) and shown


def is_running(asked: Asked) -> bool:
    shape = asked.plan.shape
    return isinstance(shape, Points) and shape.cumulative and isinstance(asked.series.math, Actors)


def window_of(asked: Asked, pointed: Pointed) -> Window | None:
    """That of weekly and monthly active actors; without a point the range itself."""
    plan, span, math = asked.plan, asked.span, asked.series.math
    if not isinstance(math, ActiveActors):
        return None
    if isinstance(plan.shape, OneValue):
        return windows(plan, span, math.days)[0]
    if pointed.point is None:
        return Window(span.date_from, span.periods[-1].end)
    return windows(plan, span, math.days)[pointed.point]


def _in_window(window: Window | None, bindings: Bindings) -> list[str]:
    if window is None:
        return []
    since, until = (
        f"fromUnixTimestamp64Micro({bindings.bind(microseconds(at), 'Int64')}, 'UTC')"
        for at in (window.since, window.until)
    )
    return [f"at >= {since}", f"at < {until}"]


def in_row(row: AnyChoice | None, bindings: Bindings) -> list[str]:
    match row:
        case None | OfOther():
            return []
        case OfCohort(cohort_id=cohort):
            return [f"k0 = {bindings.bind(cohort, 'Int64')}"]
        case OfValue(parts=parts):
            return [_is_value(place, part, bindings) for place, part in enumerate(parts)]


def _is_value(place: int, part: str, bindings: Bindings) -> str:
    if part == ALL_BINS:
        return f"k{place} != ''"
    return f"k{place} = {bindings.bind('' if part == NULL else part, 'String')}"
