"""Ties of ordered and strict funnels: the rules for events of one instant (funnels.md section 5).

A tie is mixed when its events match different steps or exclusions. There, exclusions are ignored,
an event that matches nothing breaks nothing, and steps are taken in ascending order.
"""

from services.common.clickhouse.relation import Relation
from services.query.insights.funnels.statement.form import Form
from services.query.insights.funnels.statement.layout import Layout

_SEVERAL = 2
"""The flag of an event that matches several steps; the other flag is `own`."""


def settled(form: Form, arrays: Relation) -> Relation:
    """The arrays; mixed ties keep their steps only, marked `tied`.

    A run of unrelated events breaks a strict funnel once, so only its first event is kept.
    """
    layout = form.layout
    changed = f"{layout.without('x', layout.any_exclusion)} + {layout.number(layout.tied)}"
    marked = f"arrayMap((x, m) -> if(m, if({layout.is_step('x')}, {changed}, 0), x), a, mixed)"
    kept = "arrayFilter(x -> x > 0, marked)"
    if form.strict:
        again = f"{layout.is_nothing('x')} AND y > 0 AND {layout.is_nothing('y')}"
        kept = f"arrayFilter((x, y) -> x > 0 AND NOT ({again}), marked, arrayShiftRight(marked, 1))"
    ties = arrays.add(mixed=mixed(layout)).named("ties")
    return (ties.only(*form.keys, marked=marked).named("marked").only(*form.keys, a=kept)).named(
        "settled"
    )


def mixed(layout: Layout) -> str:
    """For each element of the sorted array `a`, whether its tie is mixed; in linear time."""
    same_time = f"{layout.time('x')} = {layout.time('y')}"
    unlike = f"{layout.without('x', layout.own)} != {layout.without('y', layout.own)}"
    differs = f"arrayMap((x, y) -> {unlike} AND {same_time}, a, arrayShiftRight(a, 1))"
    # The forward fill brings any difference to a tie's last event, the backward fill to all.
    so_far = f"arrayFill((m, x, y) -> m OR NOT ({same_time}), {differs}, a, arrayShiftRight(a, 1))"
    return f"arrayReverseFill((m, x, y) -> NOT ({same_time}), {so_far}, a, arrayShiftLeft(a, 1))"


def untangled(form: Form, arrays: Relation, *, stop: bool) -> Relation:
    """The arrays without those that need the full form: see `tangled`.

    stop: the engine aborts (QueryStopped) at the first of them.
    """
    test = tangled(form.layout)
    return arrays.where(f"NOT throwIf({test})" if stop else f"NOT ({test})").named("untangled")


def emptied(form: Form, arrays: Relation) -> Relation:
    """The arrays; those that need the full form are empty and `tangled`."""
    tested = arrays.add(tangled=tangled(form.layout)).named("tested")
    return tested.change(a="if(tangled, arrayResize(a, 0), a)").named("emptied")


def tangled(layout: Layout) -> str:
    """Whether uuids matter in a tie of unlike events.

    There an event of several steps must not serve twice in an attempt. And an event without the
    value that attribution wants breaks a strict funnel for the events after it, and spoils an
    attempt when it is an exclusion too.
    """
    # Equal numbers are neighbours, so that such an event has an unlike neighbour.
    unlike = f"x != y AND {layout.time('x')} = {layout.time('y')}"
    matters = f"{_matters(layout, 'x')} OR {_matters(layout, 'y')}"
    return f"arrayExists((x, y) -> {unlike} AND ({matters}), a, arrayShiftRight(a, 1))"


def _matters(layout: Layout, x: str) -> str:
    matters = layout.is_several(x)
    if layout.wanted is not None:
        matters += f" OR {layout.matches(x, layout.number(layout.step(layout.wanted)))}"
    return matters


def full(form: Form, gathered: Relation, *, tangled_only: bool = False) -> Relation:
    """The keys, `a`, `ids`: in mixed ties one number per event and step, by step, then uuid.

    tangled_only: without arrays that the quick forms suffice for.
    gathered: the keys, `a`, `places` (arrays.py). ids: tells the events of several steps in mixed
    ties apart, 0 elsewhere. Of one instant, step k can only be taken by one of the first k events
    that match it, as an attempt has used k - 1 before: the others are left out.
    """
    layout, keys = form.layout, form.keys
    # An event that matches a step but, by attribution, cannot take it has no entry for that step.
    turns = layout.matches("x", "s")
    if layout.wanted is not None:
        taken_by_own = layout.number(layout.step(layout.wanted))
        turns += f" AND (s != {taken_by_own} OR {layout.has('x', str(layout.own))})"
    own = f"toUInt8(bitAnd(x, {layout.own}))"
    as_step = f"{layout.start('x')} + s + {layout.number(layout.tied)}"
    flags = f"{own} + {_SEVERAL} * ({layout.is_several('x')})"
    one_each = (
        f"arrayMap(s -> {layout.placed(as_step, place='p', flags=flags)}, "
        f"arrayFilter(s -> {turns}, {layout.every_step}))"
    )
    as_it_is = f"[{layout.placed(layout.without('x', layout.own), place='p', flags=own)}]"
    entries = (
        f"arraySort(arrayFlatten(arrayMap((x, p, m) -> if(m, {one_each}, {as_it_is}), "
        "a, places, mixed)))"
    )
    place = layout.place(layout.only_steps("n"))
    kept = (
        f"arrayFilter((z, n, c) -> NOT ({layout.is_tied('n')}) OR c <= {place}, "
        "arrayZip(numbers, entries), numbers, arrayEnumerateUniq(numbers))"
    )
    several = layout.has("e", str(_SEVERAL))
    tested = gathered.add(mixed=mixed(layout))
    if tangled_only:
        tested = gathered.add(mixed=mixed(layout), tangled=tangled(layout)).named("tested")
        tested = tested.where("tangled")
    sorted_ = tested.named("ties").only(*keys, entries=entries).named("entries")
    numbered = sorted_.add(numbers=f"arrayMap(e -> {layout.of_placed('e')}, entries)")
    turned = numbered.named("numbered").only(*keys, kept=kept).named("turns")
    return turned.only(
        *keys,
        a=f"arrayMap((n, e) -> n + toUInt8(bitAnd(e, {layout.own})), kept.1, kept.2)",
        ids=f"arrayMap(e -> if({several}, {layout.place_of('e')}, 0), kept.2)",
    ).named("full")
