"""Reported attempts (sql_paths) into the histogram of how long they took between two steps.

Columns: `bin` (from 0), `actors`, `low`, `width` (whole seconds), `bins`, `average`, `median`. No
rows when nobody got to the second of the steps.
"""

from services.common.statement import Bindings
from services.query.funnels.plan import FunnelPlan
from services.query.funnels.sql_totals import MEDIAN


def time_to_convert(plan: FunnelPlan, bindings: Bindings, paths: str) -> str:
    """paths: the relation of sql_paths."""
    sample = _sample(plan, paths)
    bins = f"least(greatest({bindings.bind(plan.bin_count or 0, 'Int64')}, 1), 90)"
    if not plan.bin_count:
        # The rounded root is exact or one too small: ceil of the float would be wrong for cubes.
        root = "toInt64(round(cbrt(n)))"
        bins = f"least({root} + ({root} * {root} * {root} < n), 60)"
    measured = (
        "SELECT count() AS n, intDiv(min(d), 1000000) AS low, "
        "intDiv(max(d) + 999999, 1000000) AS high, avg(d) / 1000000 AS average, "
        f"{MEDIAN}(0.5)(d) / 1000000 AS median, groupArray(d) AS sample "
        f"FROM ({sample}) HAVING n > 0"
    )
    width = "intDiv(high - low + bins - 1, bins)"
    return (
        "SELECT intDiv(d - low * 1000000, width * 1000000) AS bin, count() AS actors, "
        "low, width, bins, average, median "
        f"FROM (SELECT low, bins, if(widths = 0, 60, widths) AS width, average, median, "
        f"arrayJoin(sample) AS d FROM (SELECT *, {width} AS widths "
        f"FROM (SELECT *, {bins} AS bins FROM ({measured})))) "
        "GROUP BY bin, low, width, bins, average, median ORDER BY bin"
    )


def _sample(plan: FunnelPlan, paths: str) -> str:
    """`d`: microseconds between the two steps, of every attempt that has both."""
    since, until = f"times[{plan.from_step}]", f"times[{plan.to_step}]"
    return (
        f"SELECT toInt64({until} - {since}) AS d FROM ({paths}) WHERE {since} > 0 AND {until} > 0"
    )
