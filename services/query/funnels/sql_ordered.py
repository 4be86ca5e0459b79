"""Ordered funnels without optional steps: the short forms of the general stage (sql_stages).

One `arrayFold` over step numbers; each of its iterations works on whole arrays. For every event of
the array it keeps the start of the newest attempt that stands at the step before. Starts only grow
along the array, so that "the newest" is a forward fill of "where the step was taken".
"""

from services.query.funnels.sql_layout import Layout


def ordered(layout: Layout, carried: str, arrays: str, window: str) -> str:
    """`carried`, `times` of the first among the deepest attempts; without a first step, no row.

    times: microseconds after date_from, plus 1, one per step taken.
    """
    taken = f"if({layout.takes('x')} AND x - f <= {window}, f, 0)"
    if layout.overlapping:
        # An event may take several steps, so each must see the state before the event: the shift.
        state = (
            f"arrayShiftRight(arrayFill(f -> f > 0, arrayMap((x, f) -> {taken}, acc.1, acc.2)), 1)"
        )
        later, starts = "acc.1", state
    else:
        # Events of the steps done are in nobody's way any more: arrays shrink as the fold goes on.
        filled = f"arrayFill(f -> f > 0, arrayMap((x, f) -> {taken}, acc.1, acc.2))"
        beyond = layout.beyond("x", "step")
        later = f"arrayFilter((x, f) -> f > 0 AND {beyond}, acc.1, {filled})"
        starts = f"arrayFilter((f, x) -> f > 0 AND {beyond}, {filled}, acc.1)"
    reached = f"arrayFirst(f -> f > 0, arrayMap((x, f) -> {taken}, acc.1, acc.2))"
    none = f"emptyArray{layout.type}()"
    fold = (
        f"arrayFold((acc, {layout.each}) -> ({later}, {starts}, arrayPushBack(acc.3, {reached})), "
        f"{', '.join(layout.steps_in_order)}, "
        f"(a, arrayMap(x -> {layout.start('x')}, a), {none})).3"
    )
    deepest = f"SELECT {carried}, a, {fold} AS reached FROM ({arrays})"
    return path(layout, carried, deepest, window)


def path(layout: Layout, carried: str, deepest: str, window: str) -> str:
    """The steps' times of the attempt that began at the last start in `reached`.

    deepest: a relation of `carried`, `a`, `reached`. Each step is taken by the earliest event.
    """
    within = (
        f"SELECT {carried}, arrayLastIndex(start -> start > 0, reached) AS depth, "
        "reached[depth] AS anchor, "
        f"arrayFilter(x -> x > anchor AND x - anchor <= {window}, a) AS w "
        f"FROM ({deepest}) WHERE depth > 0"
    )
    match = layout.takes("x")
    if layout.overlapping:
        # By position: equal numbers may be different events.
        earliest = f"arrayFirstIndex((x, i) -> i > taken[-1] AND {match}, w, arrayEnumerate(w))"
        steps, first, time = "1, depth", "[toUInt32(0)]", layout.time("w[x]")
        times = f"arrayMap(x -> {time}, arrayPopFront({{}}))"
    else:
        earliest = f"arrayFirst(x -> x > taken[-1] AND {match}, w)"
        steps, first = "2, depth - 1", "[anchor]"
        times = f"arrayMap(x -> {layout.time('x')}, {{}})"
    remaining = ", ".join(f"arraySlice({column}, {steps})" for column in layout.steps_in_order)
    taken = (
        f"arrayFold((taken, {layout.each}) -> arrayPushBack(taken, {earliest}), "
        f"{remaining}, {first})"
    )
    return f"SELECT {carried}, {times.format(taken)} AS times FROM ({within})"
