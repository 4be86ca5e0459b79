"""Ordered funnels without optional steps and exclusions: the short form of sql_stages.

Step by step, on whole arrays: for every event of the array, the newest attempt that stands at the
step before. An attempt is known by its start, and that number says in its steps' field at which
step it stands. Starts only grow along the array, so that "the newest" is a forward fill of "where
the step was taken". Events that no later step needs are left out, so that arrays shrink.

The first steps are nested SELECTs, all later ones one `arrayFold`: a fold copies its state, which
at first is all there is; its text does not grow.

Most of a short funnel's time goes into grouping and sorting. Reading in the table's order, a group
per step first, other block sizes and thresholds of the engine: none of them was quicker. Nor was
it, after the stages, to look for the path in `a` again, whose events the stages have dropped.
"""

from collections.abc import Sequence

from services.query.insights.funnels.statement.layout import Layout

NESTED = 3
"""So many steps are nested SELECTs. Each doubles the names that the engine gives to expressions:
with eight, analysis takes 0.1 s, and the text of EXPLAIN more memory than there is."""


def ordered(layout: Layout, carried: str, arrays: str, window: str) -> str:
    """`carried`, `times` of the first among the deepest attempts; without a first step, no row.

    times: microseconds after date_from, plus 1, one per step taken.
    """
    first = f"{layout.start('x')} + {layout.mask(layout.step(1))}"
    taken = f"arrayMap(x -> if({layout.takes_step('x', 1)}, {first}, 0), a)"
    stage = f"SELECT {carried}, a, {taken} AS taken FROM ({arrays})"
    stage = (
        f"SELECT {carried}, arrayFirst(f -> f > 0, taken) AS deepest, "
        f"{_waiting(layout, 'a', 'taken')} AS waiting FROM ({stage})"
    )
    nested = min(layout.steps, NESTED)
    for k in range(2, nested + 1):
        events, took = f"events_{k}", f"taken_{k}"
        taken = _taken(layout, "waiting", window)
        stage = f"SELECT *, waiting.1 AS {events}, {taken} AS {took} FROM ({stage})"
        stage = (
            f"SELECT * EXCEPT (deepest, waiting), {_deepest(took, 'stage.deepest')} AS deepest, "
            f"{_waiting(layout, events, took)} AS waiting FROM ({stage}) AS stage"
        )
    if nested < layout.steps:
        taken = _taken(layout, "acc.1", window)
        fold = (
            f"arrayFold((acc, k) -> ({_waiting(layout, 'acc.1.1', taken, short=True)}, "
            f"{_deepest(taken, 'acc.2')}), range({nested}, {layout.steps}), "
            "(waiting, stage.deepest)).2"
        )
        stage = f"SELECT * EXCEPT (deepest), {fold} AS deepest FROM ({stage}) AS stage"
    attempts = [f"start + {layout.mask(layout.step(k))}" for k in range(2, nested + 1)]
    return path(layout, carried, stage, window, attempts)


def _taken(layout: Layout, waiting: str, window: str) -> str:
    """The attempt that takes the next step, at each of the events, or 0."""
    takes = f"{layout.follows('x', 'f')} AND x - f <= {window}"
    return f"arrayMap((x, f) -> if({takes}, {layout.next_step('f')}, 0), {waiting}.1, {waiting}.2)"


def _deepest(taken: str, before: str) -> str:
    """The first attempt that got as far as any, when this is where a step was taken."""
    first = f"arrayFirst(f -> f > 0, {taken})"
    return f"if({first} > 0, {first}, {before})"


def _waiting(layout: Layout, events: str, taken: str, *, short: bool = False) -> str:
    """The events that later steps may need, each with the newest attempt before it.

    short: the arrays are so short that to fill is quicker.
    """
    needed = "f > 0"
    if short:
        newest = f"arrayFill(f -> f > 0, {taken})"
    elif layout.overlapping:
        newest = layout.newest(taken)
    else:
        newest = layout.newest_of_others(taken)
    if layout.overlapping:
        # An event may take several steps, so each must see the attempt before it.
        newest = f"arrayShiftRight({newest}, 1)"
    else:
        needed += f" AND {layout.beyond('x', 'f')}"
    return f"arrayFilter((z, x, f) -> {needed}, arrayZip({events}, {newest}), {events}, {newest})"


def kept(carried: str, test: str) -> str:
    """Which attempts have a row: empty arrays too, where they stand for tangled ones (sql_ties)."""
    return f"({test} OR tangled)" if "tangled" in carried else test


def path(layout: Layout, carried: str, deepest: str, window: str, attempts: Sequence[str]) -> str:
    """`carried`, `times` of the attempt `deepest`. Each step is taken by the earliest event.

    deepest: `carried`, `deepest`: the attempt's start and, in its steps' field, its last step; of
    the first steps but step 1 also `events_k` and, at each, the attempt that takes step k by it,
    `taken_k`. attempts: what stands there for the attempt that began at `start`. Until it got as
    far as it did, it was the newest whenever its next step came, so that it is found there.
    """
    stage = (
        f"SELECT *, {layout.depth('deepest')} AS depth, {layout.start('deepest')} AS start "
        f"FROM ({deepest})"
    )
    nested = len(attempts) + 1
    for k, attempt in enumerate(attempts, start=2):
        stage = f"SELECT *, indexOf(taken_{k}, {attempt}) AS at_{k} FROM ({stage})"
    taken = ["start", *(f"events_{k}[at_{k}]" for k in range(2, nested + 1))]
    times = f"[{', '.join(taken)}]"
    if nested < layout.steps:
        # By position: equal numbers may be different events.
        rest = f"arraySlice(events_{nested}, at_{nested} + 1)"
        if not layout.overlapping:
            rest = f"arrayFilter(x -> x - start <= {window}, {rest})"
        columns = ", ".join(
            f"arraySlice({column}, {nested + 1}, greatest(depth, {nested}) - {nested})"
            for column in layout.steps_in_order
        )
        at = f"arrayFirstIndex(x -> {layout.takes('x')}, acc.1)"
        times = (
            f"arrayFold((acc, {layout.each}) -> (arraySlice(acc.1, {at} + 1), "
            f"arrayPushBack(acc.2, acc.1[{at}])), {columns}, ({rest}, {times})).2"
        )
    times = f"arrayMap(x -> {layout.time('x')}, arraySlice({times}, 1, depth))"
    # Asked last: to drop the few without a first step earlier is to copy the others' arrays.
    some = kept(carried, "notEmpty(times)")
    return f"SELECT {carried}, {times} AS times FROM ({stage}) WHERE {some}"
