"""Unordered funnels: the most different steps inside one window.

Events leave their queues oldest first, and each leaves with exactly the steps of its own window
that are still to come. So no queue is kept: for each event, the steps at or after it in its window
and before the next bar are counted. A bar inside the window loses the event, unless all steps were
there before it.
"""

from services.common.clickhouse.relation import Relation
from services.query.insights.funnels.statement.form import Form
from services.query.insights.funnels.statement.layout import Layout

_AT_ONCE = 8
"""So many steps are counted in one pass, with an array for each; more, one after the other."""
_PART = 256
"""Of so many events, a fold over all of an actor's finds what it finds together."""


def unordered(form: Form, arrays: Relation) -> Relation:
    """The keys, `times`: of each completed step, sorted; nobody without a step has a row.

    arrays: each event with one step (see `chosen`).
    """
    layout, keys = form.layout, form.keys
    leaving = departures(form, arrays).only(
        *keys, "a", "bar", depth="arrayMax(completed)", i="indexOf(completed, depth)"
    )
    # Taken out here: arrays that a lambda captures are copied for each of its elements.
    first = (
        leaving.named("deepest")
        .where("depth > 0")
        .only(
            *keys,
            "a",
            "i",
            since=layout.start("a[i]"),
            until="bar[i]" if layout.bars else "0",
        )
    )
    inside = f"j >= i AND {form.within('x', 'since')} AND (until = 0 OR x < until)"
    within = f"arrayFilter((x, j) -> {inside}, a, arrayEnumerate(a))"
    fronts = ", ".join(
        f"arrayFirst(x -> {layout.takes_step('x', k)}, w)" for k in range(1, layout.steps + 1)
    )
    times = f"arrayMap(x -> {layout.time('x')}, arrayFilter(x -> x > 0, [{fronts}]))"
    return (first.named("first").only(*keys, w=within).named("within")).only(
        *keys, times=f"arraySort({times})"
    )


def departures(form: Form, arrays: Relation) -> Relation:
    """The keys, `a`, `bar`, `completed`: with how many steps each event leaves its queue.

    bar: the next exclusion at or after the event, or 0 (no meaning where there are none).
    completed: 0 for events that are lost.
    """
    layout = form.layout
    start, is_step = layout.start("x"), layout.is_step("x")
    if not layout.bars:
        return arrays.add(bar="a").named("queued").add(completed=_counted(form)).named("departures")
    bar = f"arrayReverseFill(y -> y > 0, arrayMap(x -> if({is_step}, 0, x), a))"
    counted = arrays.add(bar=bar).named("queued").add(counted=_counted(form)).named("counted")
    leaves = f"{is_step} AND (b = 0 OR b - {start} > {form.window} OR c = {layout.steps})"
    completed = f"arrayMap((x, b, c) -> if({leaves}, c, 0), a, bar, counted)"
    return counted.add(completed=completed).named("departures")


def _counted(form: Form) -> str:
    """Of how many steps there is one at or after each event, in its window and before `bar`."""
    layout = form.layout

    def inside(y: str) -> str:
        within = f"{y} > 0 AND {form.within(y, layout.start('x'))}"
        return f"({within} AND (b = 0 OR {y} < b))" if layout.bars else f"({within})"

    def following(takes: str) -> str:
        return f"arrayReverseFill(y -> y > 0, arrayMap(x -> if({takes}, x, 0), a))"

    if layout.steps <= _AT_ONCE:
        each = [f"y{k}" for k in range(1, layout.steps + 1)]
        steps = [following(layout.takes_step("x", k)) for k in range(1, layout.steps + 1)]
        return (
            f"arrayMap((x, b, {', '.join(each)}) -> toUInt8({' + '.join(map(inside, each))}), "
            f"a, bar, {', '.join(steps)})"
        )
    return (
        f"arrayFold((c, step) -> arrayMap((x, b, c, y) -> toUInt8(c + {inside('y')}), "
        f"a, bar, c, {following(layout.matches('x', 'step'))}), {layout.every_step}, "
        "arrayMap(x -> toUInt8(0), a))"
    )


def accepted(form: Form, arrays: Relation) -> Relation:
    """The arrays without what attribution passes over: other values' events at empty queues.

    The queues are empty unless the event just before was put into one of them, and is still there.
    A funnel of a single step is complete, and its queue empty again, after every event.
    """
    layout = form.layout
    own = layout.has("x", layout.number(layout.own))
    bar = f"NOT ({layout.is_step('x')})"
    taken = f"arrayMap(x -> {own}, a)"
    if layout.steps > 1:
        still_there = f"{layout.is_step('y')} AND {form.within('x', layout.start('y'))}"
        taken = (
            f"arrayFill((t, x, y) -> t OR NOT ({still_there}), {taken}, a, arrayShiftRight(a, 1))"
        )
    plain = layout.without("x", layout.own)
    kept = f"arrayMap(x -> {plain}, arrayFilter((x, t) -> t OR {bar}, a, {taken}))"
    return arrays.only(*form.keys, a=kept).named("accepted")


def has_several(layout: Layout) -> str:
    """Whether `a` has an event of several steps, for which `chosen` has to fold."""
    return f"arrayExists(x -> {layout.is_several('x')}, a)"


def chosen(form: Form, arrays: Relation) -> Relation:
    """The arrays with each event in that one of its steps whose last queued event is oldest.

    Only actors that have an event of several steps go through the fold over their events. Its state
    is the last event of each queue (0: empty); a queue is empty when that event has left.
    """
    layout = form.layout
    several = has_several(layout)
    start, is_step = layout.start("x"), layout.is_step("x")
    empty = f"arrayWithConstant({layout.steps}, {layout.number(0)})"
    each = f"range(1, {layout.steps + 1})"
    inside = f"arrayMap(last -> if({form.within('x', 'last')}, last, 0), acc.1)"
    # All steps completed: events are dropped until the queue whose last event is oldest is empty.
    emptied = f"if(has({inside}, 0), 0, indexOf({inside}, arrayMin({inside})))"
    lasts = f"arrayMap((last, k) -> if(k = {emptied}, 0, last), {inside}, {each})"
    its_own = f"if({layout.matches('x', 'step')}, last, {start} + 1)"
    its_lasts = f"arrayMap((last, step) -> {its_own}, {lasts}, {layout.every_step})"
    choice = f"indexOf({its_lasts}, arrayMin({its_lasts}))"
    put = f"arrayMap((last, k) -> if(k = {choice}, {start}, last), {lasts}, {each})"
    step = f"if({is_step}, {layout.every_step}[{choice}], 0)"
    # Each turn copies what the fold has found so far: of its part alone, which is short.
    of_part = (
        f"arrayFold((acc, x) -> (if({is_step}, {put}, {empty}), "
        f"arrayPushBack(acc.2, {start} + {step})), part, (so_far.1, {layout.none}))"
    )
    parts = f"arraySplit((x, i) -> i % {_PART} = 1, a, arrayEnumerate(a))"
    fold = (
        f"arrayFold((so_far, part) -> ({of_part}.1, arrayConcat(so_far.2, {of_part}.2)), "
        f"if({several}, {parts}, arrayResize({parts}, 0)), ({empty}, {layout.none})).2"
    )
    alone = f"arrayMap(x -> {start} + {layout.only_steps('x')}, a)"
    folded = arrays.add(chosen=fold).named("folded")
    chosen = f"arraySort(if({several}, chosen, {alone}))"
    return folded.only(*form.keys, a=chosen).named("chosen")
