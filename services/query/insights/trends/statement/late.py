"""How many of the events behind each point arrived long after its period was over.

Events are those that count, as numbers count them: of windows all of the window, of running sums of
actors those of the actors who are new in the period.
"""

from collections.abc import Sequence

from contracts.times import microseconds
from services.common.clickhouse.relation import Relation
from services.common.clickhouse.statement import Bindings
from services.query.events.lateness import AFTER, is_late
from services.query.insights.trends.plan import ActiveActors, Actors, Points
from services.query.insights.trends.result import RowValue
from services.query.insights.trends.statement import keys
from services.query.insights.trends.statement.counted import Asked, counted
from services.query.insights.trends.statement.numbers import point
from services.query.insights.trends.windows import Window, windows


def late_events(asked: Asked, kept: Sequence[RowValue], bindings: Bindings) -> Relation:
    """`place`: of the row's value in `kept`, from 1, and 0 for all others; `i`, `number`.

    Only points that have late events.
    """
    math, shape = asked.series.math, asked.plan.shape
    ends = bindings.bind(
        [microseconds(period.end) for period in asked.span.periods], "Array(Int64)"
    )
    place = keys.place(asked.plan.breakdown, kept, bindings)
    if isinstance(math, ActiveActors):
        return _of_windows(asked, windows(asked.plan, asked.span, math.days), place, ends, bindings)
    is_running = isinstance(shape, Points) and shape.cumulative and isinstance(math, Actors)
    events = counted(
        asked,
        bindings,
        lambda source: {
            "i": point(asked, source),
            "at": "e.timestamp",
            "arrived": "e.inserted_at",
            **({"actor": source.actor(asked.actor)} if is_running else {}),
        },
    )
    test = is_late("arrived", f"arrayElement({ends}, i + 1)")
    if not is_running:
        of_place = events.where(f"arrived > at + {AFTER}").where(test).only("i", place=place)
        return of_place.named("late").group("place", "i", number="count()")
    periods = events.only("actor", "i", late=test, place=place).named("placed")
    periods = periods.group("place", "actor", "i", number="countIf(late)").named("periods")
    firsts = periods.group("place", "actor", first="min(i)", late="argMin(number, i)")
    with_late = firsts.named("firsts").where("late > 0").only("place", "late", i="first")
    return with_late.named("newly").group("place", "i", number="sum(late)")


def _of_windows(
    asked: Asked, found: Sequence[Window], place: str, ends: str, bindings: Bindings
) -> Relation:
    """An event is in many windows, and late for the first of them alone."""
    events = counted(asked, bindings, lambda _: {"at": "e.timestamp", "arrived": "e.inserted_at"})
    since = bindings.bind([microseconds(window.since) for window in found], "Array(Int64)")
    until = bindings.bind([microseconds(window.until) for window in found], "Array(Int64)")
    test = f"at_us >= since AND at_us < until AND {is_late('arrived', 'end')}"
    within = (
        f"arrayFilter((i, since, until, end) -> {test},"
        f" range({len(found):d}), {since}, {until}, {ends})"
    )
    late = events.where(f"arrived > at + {AFTER}")
    moments = late.only("arrived", at_us="toUnixTimestamp64Micro(at)", place=place).named("late")
    of_windows = moments.only("place", i=f"arrayJoin({within})").named("of_windows")
    return of_windows.group("place", "i", number="count()")
