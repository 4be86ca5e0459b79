"""Ordered funnels without optional steps and exclusions: the short form of stages.py.

Step by step, on whole arrays: for every event of the array, the newest attempt that stands at the
step before. An attempt's number is its start, with the step that it stands at in the steps' field.
Starts only grow along the array, so that "the newest" is a forward fill of "where the step was
taken". Events that no later step needs are left out, so that arrays shrink.

The first steps are nested SELECTs, all later ones one `arrayFold`: its text does not grow, but it
copies its state, which is all events at first.

Most of a short funnel's time goes into grouping and sorting. Reading in the table's order, a group
per step first, other block sizes and thresholds of the engine: none of them was quicker. Searching
`a` again for the path after the stages was no faster.
"""

from collections.abc import Sequence

from services.common.clickhouse.relation import Relation
from services.query.insights.funnels.statement.form import Form

NESTED = 3
"""The number of steps that are nested SELECTs. Each doubles the names that the engine gives to
expressions: with eight, analysis takes 0.1 s, and the text of EXPLAIN more memory than there is."""


def ordered(form: Form, arrays: Relation) -> Relation:
    """The keys and `times` of the first among the deepest attempts; without a first step, no row.

    times: microseconds after date_from, plus 1, one per step taken.
    """
    layout = form.layout
    first = f"{layout.start('x')} + {layout.mask(layout.step(1))}"
    begun = f"arrayMap(x -> if({layout.takes_step('x', 1)}, {first}, 0), a)"
    stage = arrays.only(*form.keys, "a", taken=begun).named("begun")
    stage = stage.only(
        *form.keys,
        deepest="arrayFirst(f -> f > 0, taken)",
        waiting=_waiting(form, "a", "taken"),
    ).named("at_step_1")
    nested = min(layout.steps, NESTED)
    for k in range(2, nested + 1):
        events, taken = f"events_{k}", f"taken_{k}"
        stage = stage.add(**{events: "waiting.1", taken: _taken(form, "waiting")})
        stage = stage.named(taken).change(
            deepest=_deepest(taken, "deepest"), waiting=_waiting(form, events, taken)
        )
        stage = stage.named(f"at_step_{k}")
    if nested < layout.steps:
        taken = _taken(form, "acc.1")
        fold = (
            f"arrayFold((acc, k) -> ({_waiting(form, 'acc.1.1', taken, short=True)}, "
            f"{_deepest(taken, 'acc.2')}), range({nested}, {layout.steps}), "
            "(waiting, deepest)).2"
        )
        stage = stage.change(deepest=fold).named("at_last_step")
    attempts = [f"start + {layout.mask(layout.step(k))}" for k in range(2, nested + 1)]
    return path(form, stage, attempts)


def _taken(form: Form, waiting: str) -> str:
    """The attempt that takes the next step, at each of the events, or 0."""
    layout = form.layout
    takes = f"{layout.follows('x', 'f')} AND {form.within('x', 'f')}"
    return f"arrayMap((x, f) -> if({takes}, {layout.next_step('f')}, 0), {waiting}.1, {waiting}.2)"


def _deepest(taken: str, before: str) -> str:
    """The first attempt at the deepest step so far. taken: the attempts that take this step."""
    first = f"arrayFirst(f -> f > 0, {taken})"
    return f"if({first} > 0, {first}, {before})"


def _waiting(form: Form, events: str, taken: str, *, short: bool = False) -> str:
    """The events that later steps may need, each with the newest attempt before it.

    short: the arrays are so short that a fill is quicker.
    """
    layout = form.layout
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


def path(form: Form, deepest: Relation, attempts: Sequence[str]) -> Relation:
    """The keys and `times` of the attempt `deepest`. Each step is taken by the earliest event.

    deepest: the keys and `deepest`: the attempt's start and, in its steps' field, its last step; of
    the first steps but step 1 also `events_k` and, at each, the attempt that takes step k by it,
    `taken_k`. attempts: the number in `taken_k` of the attempt that began at `start`. Up to its
    depth it was the newest whenever its next step came, so that it is found there.
    """
    layout = form.layout
    stage = deepest.add(depth=layout.depth("deepest"), start=layout.start("deepest"))
    stage = stage.named("reported")
    nested = len(attempts) + 1
    found = {f"at_{k}": f"indexOf(taken_{k}, {text})" for k, text in enumerate(attempts, start=2)}
    if found:
        stage = stage.add(**found).named("path")
    taken = ["start", *(f"events_{k}[at_{k}]" for k in range(2, nested + 1))]
    times = f"[{', '.join(taken)}]"
    if nested < layout.steps:
        # By position: equal numbers may be different events.
        rest = f"arraySlice(events_{nested}, at_{nested} + 1)"
        if not layout.overlapping:
            rest = f"arrayFilter(x -> {form.within('x', 'start')}, {rest})"
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
    # Tested last: dropping the few actors without a first step earlier copies all other arrays.
    return stage.only(*form.keys, times=times).having(form.kept("notEmpty(times)"))
