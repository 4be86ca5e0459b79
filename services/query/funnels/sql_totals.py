"""Reported attempts (sql_paths) into the numbers of steps: one row per step and breakdown row.

Columns: [`value`, `other`, `place`,] `step` (1…n; 0: from the first to the last step), `count`,
`average`, `median` (seconds, null when nobody took longer than no time), `open` (their windows had
not ended and they stand at this step). Steps nobody reached have no row.
"""

from services.common.statement import Bindings
from services.query.funnels.plan import FunnelPlan
from services.query.funnels.sql_arrays import split_of
from services.query.moments import microseconds

WHOLE = 0
"""The step number of the row that measures whole conversions."""

MEDIAN = "quantileExactInclusive"


def totals(plan: FunnelPlan, bindings: Bindings, paths: str) -> str:
    """paths: the relation of sql_paths."""
    value = "" if split_of(plan) == "none" else "value, "
    reached = (
        f"SELECT {value}arrayJoin({_taken(plan)}) AS z, "
        f"length(times) = z.1 AND times[1] > {_still_open(plan, bindings)} AS open FROM ({paths})"
    )
    if value:
        raise NotImplementedError
    return (
        "SELECT z.1 AS step, count() AS count, "
        "avgOrNullIf(z.2, z.2 > 0) / 1000000 AS average, "
        f"{MEDIAN}OrNullIf(0.5)(z.2, z.2 > 0 OR z.1 = {WHOLE}) / 1000000 AS median, "
        f"countIf(open) AS open FROM ({reached}) GROUP BY step"
    )


def _taken(plan: FunnelPlan) -> str:
    """(step, microseconds since the required step before it) of each step taken, and WHOLE."""
    n = len(plan.steps)
    whole = f"if(length(times) = {n}, [(toUInt32({WHOLE}), toInt64(times[{n}] - times[1]))], [])"
    optional = [k for k, step in enumerate(plan.steps, start=1) if step.optional]
    if not optional:
        return f"arrayConcat(arrayZip(arrayEnumerate(times), arrayDifference(times)), {whole})"
    required = [k for k in range(1, n + 1) if k not in optional]
    kept = f"arrayFilter(k -> k <= length(times), {_numbers(required)})"
    since = f"arrayDifference(arrayMap(k -> times[k], {kept}))"
    # A step that may be passed over counts, but has no time of its own.
    passed = f"arrayMap(k -> (k, toInt64(0)), arrayFilter(k -> times[k] > 0, {_numbers(optional)}))"
    return f"arrayConcat(arrayZip({kept}, {since}), {passed}, {whole})"


def _still_open(plan: FunnelPlan, bindings: Bindings) -> str:
    """First steps after this time can still convert."""
    end = min(microseconds(plan.now), microseconds(plan.date_to))
    since = end - microseconds(plan.date_from) + 1 - plan.window_seconds * 1_000_000
    return bindings.bind(max(since, 0), "UInt64")


def _numbers(values: list[int]) -> str:
    return f"[{', '.join(f'toUInt32({value})' for value in values)}]"
