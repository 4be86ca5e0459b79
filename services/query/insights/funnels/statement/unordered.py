"""Unordered funnels: the most different steps inside one window.

Events leave their queues oldest first, and each leaves with exactly the steps of its own window
that are still to come. So there are no queues here: for each event, the steps at or after it in its
window and before the next exclusion are counted. An exclusion inside the window loses the event,
unless all steps were there before it.
"""

from services.common.clickhouse.relation import Relation
from services.query.insights.funnels.statement.form import Form
from services.query.insights.funnels.statement.layout import Layout

_AT_ONCE = 8
"""Up to so many steps are counted in one pass, an array for each; more, one after the other."""
_PART = 256
"""The events of one inner fold; the outer fold appends its findings to those of all before."""


def unordered(form: Form, arrays: Relation) -> Relation:
    """The keys, `times`: of each completed step, sorted; an actor without a step has no row.

    arrays: each event with one step (see `chosen`).
    """
    layout, keys = form.layout, form.keys
    leaving = departures(form, arrays).only(
        *keys, "a", "exclusion", depth="arrayMax(completed)", i="indexOf(completed, depth)"
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
            until="exclusion[i]" if layout.exclusions else "0",
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
    """The keys, `a`, `exclusion`, `completed`: the number of steps that each event leaves with.

    exclusion: the next exclusion at or after the event, or 0 (no meaning where there are none).
    completed: 0 for events that are lost.
    """
    layout = form.layout
    start, is_step = layout.start("x"), layout.is_step("x")
    if not layout.exclusions:
        return (
            arrays.add(exclusion="a")
            .named("queued")
            .add(completed=_counted(form))
            .named("departures")
        )
    exclusion = f"arrayReverseFill(y -> y > 0, arrayMap(x -> if({is_step}, 0, x), a))"
    counted = (
        arrays.add(exclusion=exclusion).named("queued").add(counted=_counted(form)).named("counted")
    )
    leaves = f"{is_step} AND (e = 0 OR e - {start} > {form.window} OR c = {layout.steps})"
    completed = f"arrayMap((x, e, c) -> if({leaves}, c, 0), a, exclusion, counted)"
    return counted.add(completed=completed).named("departures")


def _counted(form: Form) -> str:
    """The number of steps at or after each event, in its window and before `exclusion`."""
    layout = form.layout

    def inside(y: str) -> str:
        within = f"{y} > 0 AND {form.within(y, layout.start('x'))}"
        return f"({within} AND (e = 0 OR {y} < e))" if layout.exclusions else f"({within})"

    def following(takes: str) -> str:
        return f"arrayReverseFill(y -> y > 0, arrayMap(x -> if({takes}, x, 0), a))"

    if layout.steps <= _AT_ONCE:
        each = [f"y{k}" for k in range(1, layout.steps + 1)]
        steps = [following(layout.takes_step("x", k)) for k in range(1, layout.steps + 1)]
        return (
            f"arrayMap((x, e, {', '.join(each)}) -> toUInt8({' + '.join(map(inside, each))}), "
            f"a, exclusion, {', '.join(steps)})"
        )
    return (
        f"arrayFold((c, step) -> arrayMap((x, e, c, y) -> toUInt8(c + {inside('y')}), "
        f"a, exclusion, c, {following(layout.matches('x', 'step'))}), {layout.every_step}, "
        "arrayMap(x -> toUInt8(0), a))"
    )


def accepted(form: Form, arrays: Relation) -> Relation:
    """The arrays without the events that attribution passes over: of other values, at empty queues.

    The queues are empty unless the event just before was put into one of them, and is still there.
    A funnel of a single step is complete, and its queue empty again, after every event.
    """
    layout = form.layout
    own = layout.has("x", layout.number(layout.own))
    exclusion = f"NOT ({layout.is_step('x')})"
    taken = f"arrayMap(x -> {own}, a)"
    if layout.steps > 1:
        still_there = f"{layout.is_step('y')} AND {form.within('x', layout.start('y'))}"
        taken = (
            f"arrayFill((t, x, y) -> t OR NOT ({still_there}), {taken}, a, arrayShiftRight(a, 1))"
        )
    plain = layout.without("x", layout.own)
    kept = f"arrayMap(x -> {plain}, arrayFilter((x, t) -> t OR {exclusion}, a, {taken}))"
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
    # Each turn copies the findings so far; of one part they are short.
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
