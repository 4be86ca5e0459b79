"""Reported attempts (sql_paths) into the histogram of how long they took between two steps.

Columns: `side`, `bin` (from 0), `actors`, `low`, `width` (whole seconds), `bins`, `average`,
`median`. Two sides that are compared share their bins, which are told by both samples. A side where
nobody got to the second of the steps has no rows.
"""

from services.common.clickhouse.statement import Bindings
from services.query.insights.funnels.plan import TimesView
from services.query.insights.funnels.statement.totals import MEDIAN, mean, total


def time_to_convert(view: TimesView, bindings: Bindings, *sides: str) -> str:
    """sides: relations of sql_paths."""
    sample = " UNION ALL ".join(_sample(view, paths, side) for side, paths in enumerate(sides))
    bins = f"least(greatest({bindings.bind(view.bins or 0, 'Int64')}, 1), 90)"
    if not view.bins:
        # The rounded root is exact or one too small: ceil of the float would be wrong for cubes.
        root = "toInt64(round(cbrt(n)))"
        bins = f"least({root} + ({root} * {root} * {root} < n), 60)"
    averages = ", ".join(
        mean(total("d", f"side = {side}"), f"countIf(side = {side})") for side in range(len(sides))
    )
    medians = ", ".join(
        f"{MEDIAN}If(0.5)(d, side = {side}) / 1000000" for side in range(len(sides))
    )
    measured = (
        "SELECT count() AS n, intDiv(min(d), 1000000) AS low, "
        "intDiv(max(d) + 999999, 1000000) AS high, "
        f"[{averages}] AS averages, [{medians}] AS medians, groupArray((side, d)) AS sample "
        f"FROM ({sample}) HAVING n > 0"
    )
    width = "intDiv(high - low + bins - 1, bins)"
    each = (
        "SELECT low, bins, if(widths = 0, 60, widths) AS width, averages, medians, "
        f"arrayJoin(sample) AS s FROM (SELECT *, {width} AS widths "
        f"FROM (SELECT *, {bins} AS bins FROM ({measured})))"
    )
    return (
        "SELECT s.1 AS side, intDiv(s.2 - low * 1000000, width * 1000000) AS bin, "
        "count() AS actors, low, width, bins, any(averages[side + 1]) AS average, "
        f"any(medians[side + 1]) AS median FROM ({each}) "
        "GROUP BY side, bin, low, width, bins ORDER BY side, bin"
    )


def _sample(view: TimesView, paths: str, side: int) -> str:
    """`d`: microseconds between the two steps, of every attempt that has both."""
    since, until = f"times[{view.from_step}]", f"times[{view.to_step}]"
    return (
        f"SELECT {side} AS side, toInt64({until} - {since}) AS d FROM ({paths}) "
        f"WHERE {since} > 0 AND {until} > 0"
    )
