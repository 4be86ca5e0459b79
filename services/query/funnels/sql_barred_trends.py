"""Trends with exclusions, ordered or strict: each actor goes through the stages once per period.

What exclusions do to an entry depends on when its deepest step was reached, so the backward walk of
sql_trends cannot tell. An entry's depth is the last step that anybody of it got to, spoilt or not;
its mark is told by the first arrival there that no exclusion strikes within a window of its time:
clean (1), wholly (2) when that attempt was spoilt; none: partly (0).
"""

from collections.abc import Callable

from services.query.funnels.plan import FunnelPlan
from services.query.funnels.sql_layout import Layout
from services.query.funnels.sql_stages import Stages

_PARTLY, _CLEAN, _WHOLLY = 0, 1, 2


def barred_entries(
    plan: FunnelPlan,
    layout: Layout,
    carried: str,
    arrays: str,
    window: str,
    period_of: Callable[[str], str],
) -> str:
    """The cells of sql_trends."""
    first = layout.matches("x", layout.number(layout.step(1)))
    if layout.wanted == 1:
        first += f" AND {layout.has('x', layout.number(layout.own))}"
    starts = f"arrayMap(x -> {layout.start('x')}, arrayFilter(x -> {first}, a))"
    of_starts = f"arrayMap(s -> {period_of(layout.time('s'))}, starts)"
    periods = (
        f"SELECT {carried}, a, period, starts[indexOf(in_period, period)] AS since, "
        "starts[arrayLastIndex(p -> p = period, in_period)] AS until "
        f"FROM (SELECT {carried}, a, {starts} AS starts, {of_starts} AS in_period FROM ({arrays})) "
        "ARRAY JOIN arrayDistinct(in_period) AS period"
    )
    # Only what can matter to attempts that begin between the period's first and last start.
    within = (
        f"SELECT {carried}, period, until, "
        f"arrayFilter(x -> x >= since AND x - until <= {window}, a) AS a FROM ({periods})"
    )
    goal = plan.to_step
    folded = (
        f"SELECT {carried}, period, until, {_fold(plan, layout, window)} AS acc FROM ({within})"
    )
    entries = (
        f"SELECT {carried}, period, until, arrayLastIndex(r -> r, acc.5) AS depth, "
        f"acc.6 AS converted, if(depth = {goal}, {_WHOLLY}, acc.4[depth + 1]) AS mark "
        f"FROM ({folded})"
    )
    lost = f"max(NOT converted AND mark = {_WHOLLY}) OVER (PARTITION BY {carried})"
    seen = f"depth >= {plan.from_step} AND mark != {_PARTLY} AND NOT lost"
    return (
        f"SELECT {carried}, period, toUInt8(1) AS entered, converted, "
        f"{layout.time('until')} AS newest "
        f"FROM (SELECT {carried}, period, until, converted, depth, mark, {lost} AS lost "
        f"FROM ({entries})) WHERE converted OR ({seen})"
    )


def _fold(plan: FunnelPlan, layout: Layout, window: str) -> str:
    """acc: a, starts, the last step's kinds of arrival, marks, whether reached, converted.

    The mark of a step is told in the iteration of the next, by the exclusions that bar that.
    """
    stages = Stages(plan, layout, window)
    goal = plan.to_step
    touched, clean = stages.touched(), stages.clean()
    standing = stages.before(clean)
    kinds = (
        f"arrayMap((t, c, s) -> multiIf(t = 0 OR t = s, 0, c > 0, {_CLEAN}, {_WHOLLY}), "
        f"{touched}, {clean}, {standing})"
    )
    spoiling = stages.spoiling()
    before = f"arrayShiftRight(arrayFill(s -> s > 0, {spoiling}), 1)"
    strikes = f"arrayMap((s, b, x) -> if(s > 0 AND s != b, x, 0), {spoiling}, {before}, acc.1)"
    following = f"arrayShiftLeft(arrayReverseFill(y -> y > 0, {strikes}), 1)"
    unstruck = f"kind > 0 AND (y = 0 OR y - {layout.start('x')} > {window})"
    mark = f"arrayFirst((kind, x, y) -> {unstruck}, acc.3, acc.1, {following})"
    columns = [f"arraySlice({column}, 1, {goal})" for column in layout.steps_in_order]
    columns.append(layout.numbers([layout.barring(k) for k in range(1, goal + 1)]))
    state = [
        stages.if_anybody("acc.1"),
        stages.if_anybody(standing),
        stages.if_anybody(kinds),
        f"arrayPushBack(acc.4, {mark})",
        f"arrayPushBack(acc.5, arrayExists(t -> t > 0, {touched}))",
        f"has({kinds}, {_CLEAN})",
    ]
    initial = [
        "a",
        f"arrayMap(x -> if({layout.start('x')} <= until, {layout.start('x')}, 0), a)",
        "arrayMap(x -> toUInt8(0), a)",
        "emptyArrayUInt8()",
        "emptyArrayUInt8()",
        "toUInt8(0)",
    ]
    return (
        f"arrayFold((acc, {layout.each}, bar) -> ({', '.join(state)}), "
        f"{', '.join(columns)}, ({', '.join(initial)}))"
    )
