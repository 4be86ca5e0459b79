"""Ordered funnels without optional steps and exclusions: the short form of sql_stages.

Step by step, on whole arrays: for every event of the array, the start of the newest attempt that
stands at the step before. Starts only grow along the array, so that "the newest" is a forward fill
of "where the step was taken".

The first steps are nested SELECTs, all later ones one `arrayFold`: a fold copies its state, which
at first is all there is (1.4 of 6.9 times the bare scan for three steps); its text does not grow.
"""

from services.query.funnels.sql_layout import Layout

NESTED = 3
"""So many steps are nested SELECTs. Each doubles the names that the engine gives to expressions:
with eight, analysis takes 0.1 s, and the text of EXPLAIN more memory than there is."""


def ordered(layout: Layout, carried: str, arrays: str, window: str) -> str:
    """`carried`, `times` of the first among the deepest attempts; without a first step, no row.

    times: microseconds after date_from, plus 1, one per step taken.
    """
    nested = min(layout.steps, NESTED)
    stage = f"SELECT {carried}, a, a AS a_0, {layout.none} AS reached_0 FROM ({arrays})"
    for k in range(1, nested + 1):
        stage = _step(layout, carried, k, stage, window)
    fold = f"reached_{nested}"
    if nested < layout.steps:
        fold = _fold(layout, nested, window)
    return path(layout, carried, f"SELECT {carried}, a, {fold} AS reached FROM ({stage})", window)


def _step(layout: Layout, carried: str, k: int, before: str, window: str) -> str:
    """`carried`, `a`, `a_k` and `f_k` (events that later steps need, and the state before them),
    `reached_k`: the start of the first attempt that got to each step so far."""
    takes = layout.takes_step("x", k)
    if k == 1:
        taken = f"arrayMap(x -> if({takes}, {layout.start('x')}, 0), a_0)"
    else:
        within = f"{takes} AND x - f <= {window}"
        taken = f"arrayMap((x, f) -> if({within}, f, 0), a_{k - 1}, f_{k - 1})"
    found = f"SELECT {carried}, a, a_{k - 1}, reached_{k - 1}, {taken} AS taken FROM ({before})"
    reached = f"arrayPushBack(reached_{k - 1}, arrayFirst(f -> f > 0, taken)) AS reached_{k}"
    if k == layout.steps:
        return f"SELECT {carried}, a, {reached} FROM ({found})"
    newest = (
        f"SELECT {carried}, a, a_{k - 1}, {reached}, arrayFill(f -> f > 0, taken) AS newest "
        f"FROM ({found})"
    )
    rest, starts = _later(layout, f"a_{k - 1}", "newest", layout.mask(layout.step(k)))
    return f"SELECT {carried}, a, reached_{k}, {rest} AS a_{k}, {starts} AS f_{k} FROM ({newest})"


def _fold(layout: Layout, done: int, window: str) -> str:
    """`reached` of all steps, where the first ones are done."""
    within = f"{layout.takes('x')} AND x - f <= {window}"
    taken = f"arrayMap((x, f) -> if({within}, f, 0), acc.1, acc.2)"
    rest, starts = _later(layout, "acc.1", f"arrayFill(f -> f > 0, {taken})", "step")
    reached = f"arrayPushBack(acc.3, arrayFirst(f -> f > 0, {taken}))"
    columns = ", ".join(f"arraySlice({c}, {done + 1})" for c in layout.steps_in_order)
    return (
        f"arrayFold((acc, {layout.each}) -> ({rest}, {starts}, {reached}), "
        f"{columns}, (a_{done}, f_{done}, reached_{done})).3"
    )


def _later(layout: Layout, events: str, newest: str, step: str) -> tuple[str, str]:
    """The events that steps after this one need, and the state before each of them."""
    if layout.overlapping:
        # An event may take several steps, so each must see the state before it: the shift.
        return events, f"arrayShiftRight({newest}, 1)"
    # Events of the steps done are in nobody's way any more: arrays shrink.
    beyond = f"f > 0 AND {layout.beyond('x', step)}"
    return (
        f"arrayFilter((x, f) -> {beyond}, {events}, {newest})",
        f"arrayFilter((f, x) -> {beyond}, {newest}, {events})",
    )


def kept(carried: str, test: str) -> str:
    """Which attempts have a row: empty arrays too, where they stand for tangled ones (sql_ties)."""
    return f"({test} OR tangled)" if "tangled" in carried else test


def path(layout: Layout, carried: str, deepest: str, window: str) -> str:
    """`carried`, `times` of the attempt that began at the last start in `reached`.

    deepest: `carried`, `a`, `reached`. Each step is taken by the earliest event.
    """
    within = (
        f"SELECT {carried}, arrayLastIndex(start -> start > 0, reached) AS depth, "
        "reached[depth] AS anchor, "
        f"arrayFilter(x -> x > anchor AND x - anchor <= {window}, a) AS w "
        f"FROM ({deepest}) WHERE {kept(carried, 'depth > 0')}"
    )
    if layout.overlapping:
        return _path_by_position(layout, carried, within)
    path = f"SELECT {carried}, depth, w, anchor AS at_1 FROM ({within})"
    nested = min(layout.steps, NESTED)
    for k in range(2, nested + 1):
        seen = ", ".join(f"at_{j}" for j in range(1, k))
        earliest = f"arrayFirst(x -> x > at_{k - 1} AND {layout.takes_step('x', k)}, w)"
        path = f"SELECT {carried}, depth, w, {seen}, {earliest} AS at_{k} FROM ({path})"
    taken = f"arraySlice([{', '.join(f'at_{k}' for k in range(1, nested + 1))}], 1, depth)"
    if nested < layout.steps:
        columns = ", ".join(
            f"arraySlice({column}, {nested + 1}, greatest(depth, {nested}) - {nested})"
            for column in layout.steps_in_order
        )
        earliest = f"arrayFirst(x -> x > taken[-1] AND {layout.takes('x')}, w)"
        taken = (
            f"arrayFold((taken, {layout.each}) -> arrayPushBack(taken, {earliest}), "
            f"{columns}, {taken})"
        )
    return f"SELECT {carried}, arrayMap(x -> {layout.time('x')}, {taken}) AS times FROM ({path})"


def _path_by_position(layout: Layout, carried: str, within: str) -> str:
    """The same where equal numbers may be different events."""
    earliest = (
        f"arrayFirstIndex((x, i) -> i > taken[-1] AND {layout.takes('x')}, w, arrayEnumerate(w))"
    )
    columns = ", ".join(f"arraySlice({column}, 1, depth)" for column in layout.steps_in_order)
    taken = (
        f"arrayFold((taken, {layout.each}) -> arrayPushBack(taken, {earliest}), "
        f"{columns}, [toUInt32(0)])"
    )
    # Not by a lambda: that would copy `w` for every step.
    events = ", ".join(f"w[taken[{k + 1}]]" for k in range(1, layout.steps + 1))
    times = f"arrayMap(x -> {layout.time('x')}, arraySlice([{events}], 1, depth))"
    return (
        f"SELECT {carried}, {times} AS times "
        f"FROM (SELECT {carried}, depth, w, {taken} AS taken FROM ({within}))"
    )
