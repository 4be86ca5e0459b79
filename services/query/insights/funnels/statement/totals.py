"""Reported attempts (paths.py) into the numbers of steps: one row per step and breakdown row.

Columns: [`value`, `other`, `place`,] `step` (1…n; 0: from the first to the last step), `count`,
`average`, `median` (seconds; null if no time was longer than 0), `open` (actors at this step whose
windows had not ended). A step that no actor reached has no row.
"""

from services.common.clickhouse.relation import Relation
from services.common.clickhouse.statement import Bindings
from services.query.events.moments import microseconds
from services.query.insights.funnels.plan import Breakdown, FunnelPlan

WHOLE = 0
"""The step number of the row that measures whole conversions."""

TANGLED = 1000
"""The step number of the row that lists the actors that quick_paths leave to the full form."""

MOST_TANGLED = 4000
"""Most actor ids listed in one statement; beyond that the full form for everybody is cheaper."""

MEDIAN = "quantileExactInclusive"
_WIDE = "toInt128"
"""Microseconds are summed in 128 bits: 64 hold 30 days of 3.6 million actors, and no more."""
_TIMED = f"us > 0 OR step = {WHOLE}"


def totals(plan: FunnelPlan, bindings: Bindings, paths: Relation) -> Relation:
    """paths: the relation of paths.py."""
    value = () if plan.breakdown is None else ("value",)
    taken = _steps_taken(plan, bindings, paths, _taken(plan), *value)
    if plan.breakdown is not None:
        return _by_value(plan, plan.breakdown, bindings, taken)
    return taken.group(
        "step",
        count="count()",
        average=mean(total("us"), "countIf(us > 0)"),
        median=f"{MEDIAN}OrNullIf(0.5)(us, {_TIMED}) / 1000000",
        open="countIf(open)",
    )


def _steps_taken(
    plan: FunnelPlan, bindings: Bindings, paths: Relation, taken: str, *keep: str
) -> Relation:
    """`keep`, `step`, `us`, `open`: a row for each step taken, and WHOLE. taken: see `_taken`."""
    open_ = f"length(times) = z.1 AND times[1] > {still_open(plan, bindings)}"
    columns = {"z": f"arrayJoin({taken})", "step": "z.1", "us": "z.2", "open": open_}
    return paths.only(*keep, **columns).named("steps_taken")


def total(microseconds: str, test: str = "") -> str:
    """The sum, however large. test: of rows that meet it."""
    return f"sumIf({_WIDE}({microseconds}), {test})" if test else f"sum({_WIDE}({microseconds}))"


def mean(total: str, count: str) -> str:
    """The mean in seconds of times in microseconds, from their total and count; null of none.

    The whole part is divided as an integer: a double has no room for all digits of a total.
    """
    some = f"greatest({count}, 1)"
    whole, rest = (f"toInt64({part})" for part in (f"intDiv({total}, {some})", f"{total} % {some}"))
    return f"if({count} = 0, NULL, ({whole} + {rest} / {some}) / 1000000)"


def partial_totals(
    plan: FunnelPlan, bindings: Bindings, paths: Relation, *, quick: bool
) -> Relation:
    """Totals that can still be joined with those of other actors (partial.py).

    Columns: `step`, `count`, `took`, `timed` (the sum and number of the times), `open`, `times` (in
    order, enough around the middle that the median is among them with the missing actors added),
    `skipped` (the number of times before those) and `tangled`: the ids of the missing actors, at
    most MOST_TANGLED + 1, in a row of their own with step TANGLED.

    quick: the paths are quick_paths. Otherwise no actor is missing, and `times` are all.
    """
    taken = _taken(plan)
    if quick:
        taken = f"if(tangled, [(toUInt32({TANGLED}), toInt64(0))], {taken})"
    summed = _steps_taken(plan, bindings, paths, taken, "actor").group(
        "step",
        count="count()",
        took=total("us"),
        timed="countIf(us > 0)",
        open="countIf(open)",
        sorted=f"arraySort(groupArrayIf(us, {_TIMED}))",
        tangled=f"groupArrayIf({MOST_TANGLED + 1})(toString(actor), step = {TANGLED})",
    )
    missing = f"max(if(step = {TANGLED}, count, 0)) OVER ()" if quick else "length(sorted)"
    around = "intDiv(toInt64(length(sorted)) - toInt64(missing), 2) - 1"
    placed = summed.named("summed").add(missing=missing).named("missing")
    placed = placed.add(skipped=f"toUInt64(greatest(0, {around}))").named("placed")
    return placed.only(
        *("step", "count", "took", "timed", "open"),
        times="arraySlice(sorted, skipped + 1, missing + 4)",
        skipped="skipped",
        tangled="tangled",
    )


def _by_value(
    plan: FunnelPlan, breakdown: Breakdown, bindings: Bindings, taken: Relation
) -> Relation:
    """The numbers of each value up to the limit.

    If the values beyond it become one row, values rank by their actors at the first step, then at
    the second, …, then by value. If not, by their actors at the last step, the one before, …, as
    rows are sorted, and the values beyond the limit have no row.
    """
    merges = breakdown.merges_rest
    limit = bindings.bind(breakdown.limit, "UInt64")
    counted = taken.group(
        *("value", "step"),
        c="count()",
        took=total("us"),
        timed="countIf(us > 0)",
        state=f"{MEDIAN}StateIf(0.5)(us, {_TIMED})",
        still="countIf(open)",
    )
    steps = range(1, len(plan.steps) + 1)
    counts = {f"count_{k}": f"sumIf(c, step = {k}) OVER (PARTITION BY value)" for k in steps}
    order = ", ".join(f"count_{k} DESC" for k in (steps if merges else reversed(steps)))
    # Whole conversions are measured across all values, those without a row too.
    row = f"multiIf(step = {WHOLE}, 0, rank <= {limit}, rank, {limit} + 1)"
    placed = (
        counted.named("counted")
        .add(**counts)
        .named("beside_counts")
        .add(rank=f"dense_rank() OVER (ORDER BY {order}, value)", place=row)
    ).named("placed")
    if not merges:
        placed = placed.where(f"place <= {limit}")
    rows = placed.group(
        *("place", "step"),
        value="any(value)",
        other=f"place > {limit}",
        count="sum(c)",
        average=mean("sum(took)", "sum(timed)"),
        median=f"ifNotFinite({MEDIAN}Merge(0.5)(state) / 1000000, NULL)",
        open="sum(still)",
    )
    columns = ("value", "other", "place", "step", "count", "average", "median", "open")
    return rows.in_order(*columns).order("place", "step")


def _taken(plan: FunnelPlan) -> str:
    """(step, microseconds since the required step before it) of each step taken, and WHOLE."""
    n = len(plan.steps)
    optional = [step.optional for step in plan.steps]
    passable = f"arrayResize({[int(may) for may in optional]}::Array(UInt8), length(times))"
    since = "arrayDifference(times)"
    if any(optional):
        since = f"arrayDifference(arrayFilter((t, may) -> NOT may, times, {passable}))"
    spans = (
        f"if(length(times) = {n}, arrayPushBack({since}, toInt64(times[{n}] - times[1])), {since})"
    )
    required = [k for k, may in enumerate(optional, start=1) if not may]
    numbers = f"{[*required, WHOLE]}::Array(UInt32)"
    # Joined as numbers: joining arrays of tuples takes much longer.
    taken = f"arrayZip(arraySlice({numbers}, 1, length({spans})), {spans})"
    if not any(optional):
        return taken
    # A step that may be passed over counts, but has no time of its own.
    passed = (
        "arrayMap(k -> (k, toInt64(0)), arrayFilter((k, t, may) -> may AND t > 0, "
        f"arrayEnumerate(times), times, {passable}))"
    )
    return f"arrayConcat({taken}, {passed})"


def still_open(plan: FunnelPlan, bindings: Bindings) -> str:
    """First steps after this time can still convert."""
    end = min(microseconds(plan.now), microseconds(plan.date_to))
    since = end - microseconds(plan.date_from) + 1 - plan.window_seconds * 1_000_000
    return bindings.bind(max(since, 0), "UInt64")
