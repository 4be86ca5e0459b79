"""How many of the events behind each point arrived long after its period was over.

Events are those that count, as numbers count them: of windows all of the window, of running sums of
actors those of the actors who are new in the period.
"""

from collections.abc import Sequence

from contracts.times import microseconds
from services.common.clickhouse.statement import Bindings
from services.query.events.lateness import AFTER, is_late
from services.query.insights.trends.plan import ActiveActors, Actors, Points
from services.query.insights.trends.result import RowValue
from services.query.insights.trends.statement import keys
from services.query.insights.trends.statement.counted import Asked, counted
from services.query.insights.trends.statement.numbers import point
from services.query.insights.trends.windows import Window, windows


def late_events(asked: Asked, kept: Sequence[RowValue], bindings: Bindings) -> str:
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
        return (
            f"SELECT {place} AS place, i, count() AS number FROM ({events})"
            f" WHERE arrived > at + {AFTER} AND {test} GROUP BY place, i"
        )
    periods = (
        f"SELECT {place} AS place, actor, i, countIf({test}) AS number FROM ({events})"
        " GROUP BY place, actor, i"
    )
    firsts = (
        "SELECT place, min(i) AS first, argMin(number, i) AS number"
        f" FROM ({periods}) GROUP BY place, actor"
    )
    return (
        f"SELECT place, first AS i, sum(number) AS number FROM ({firsts})"
        " GROUP BY place, i HAVING number > 0"
    )


def _of_windows(
    asked: Asked, found: Sequence[Window], place: str, ends: str, bindings: Bindings
) -> str:
    """An event is in many windows, and late for the first of them alone."""
    events = counted(asked, bindings, lambda _: {"at": "e.timestamp", "arrived": "e.inserted_at"})
    since = bindings.bind([microseconds(window.since) for window in found], "Array(Int64)")
    until = bindings.bind([microseconds(window.until) for window in found], "Array(Int64)")
    test = f"at_us >= since AND at_us < until AND {is_late('arrived', 'end')}"
    within = (
        f"arrayFilter((i, since, until, end) -> {test},"
        f" range({len(found):d}), {since}, {until}, {ends})"
    )
    moments = f"SELECT *, toUnixTimestamp64Micro(at) AS at_us FROM ({events})"
    return (
        f"SELECT {place} AS place, arrayJoin({within}) AS i, count() AS number FROM ({moments})"
        f" WHERE arrived > at + {AFTER} GROUP BY place, i"
    )
