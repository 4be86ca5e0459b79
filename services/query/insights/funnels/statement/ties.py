"""Ties of ordered and strict funnels: what the events of one instant may do (funnels.md section 5).

A tie is mixed when its events differ in what they match. There, exclusions are ignored, an event
that matches nothing breaks nothing, and steps are taken in ascending order.
"""

from services.query.insights.funnels.statement.layout import Layout

_SEVERAL = 2
"""The flag, beside `own`, of an event that matches several steps."""


def settled(layout: Layout, carried: str, arrays: str, *, strict: bool) -> str:
    """The arrays; mixed ties lose what does nothing there, the rest of them is marked `tied`.

    Of unrelated events in a row, the first does all that they can do to a strict funnel.
    """
    changed = f"{layout.without('x', layout.any_bar)} + {layout.number(layout.tied)}"
    settled = f"arrayMap((x, m) -> if(m, if({layout.is_step('x')}, {changed}, 0), x), a, mixed)"
    kept = "arrayFilter(x -> x > 0, settled)"
    if strict:
        again = f"{layout.is_nothing('x')} AND y > 0 AND {layout.is_nothing('y')}"
        kept = (
            f"arrayFilter((x, y) -> x > 0 AND NOT ({again}), settled, arrayShiftRight(settled, 1))"
        )
    return (
        f"SELECT {carried}, {kept} AS a FROM (SELECT {carried}, {settled} AS settled "
        f"FROM (SELECT {carried}, a, {mixed(layout)} AS mixed FROM ({arrays})))"
    )


def mixed(layout: Layout) -> str:
    """For each element of the sorted array `a`, whether its tie is mixed; in linear time."""
    same_time = f"{layout.time('x')} = {layout.time('y')}"
    unlike = f"{layout.without('x', layout.own)} != {layout.without('y', layout.own)}"
    differs = f"arrayMap((x, y) -> {unlike} AND {same_time}, a, arrayShiftRight(a, 1))"
    # Forward, the last event of a tie learns of any difference; backward, all of them do.
    so_far = f"arrayFill((m, x, y) -> m OR NOT ({same_time}), {differs}, a, arrayShiftRight(a, 1))"
    return f"arrayReverseFill((m, x, y) -> NOT ({same_time}), {so_far}, a, arrayShiftLeft(a, 1))"


def untangled(layout: Layout, carried: str, arrays: str, *, stop: bool) -> str:
    """The arrays without those that only the full form can tell: see `tangled`.

    stop: the first of them stops the statement.
    """
    test = f"throwIf({tangled(layout)})" if stop else tangled(layout)
    return f"SELECT {carried}, a FROM ({arrays}) WHERE NOT ({test})"


def emptied(layout: Layout, carried: str, arrays: str) -> str:
    """The arrays, those that only the full form can tell empty and `tangled`."""
    told = f"SELECT {carried}, a, {tangled(layout)} AS tangled FROM ({arrays})"
    empty = "if(tangled, arrayResize(a, 0), a)"
    return f"SELECT {carried}, tangled, {empty} AS a FROM ({told})"


def tangled(layout: Layout) -> str:
    """Whether uuids matter in a tie of unlike events.

    There an event of several steps must not serve twice in an attempt; and one with another value
    than attribution wants breaks the order for those after it in strict funnels, and bars their way
    when it is an exclusion too.
    """
    # Equal numbers stand beside each other, so that such an event has an unlike one beside it.
    unlike = f"x != y AND {layout.time('x')} = {layout.time('y')}"
    matters = f"{_matters(layout, 'x')} OR {_matters(layout, 'y')}"
    return f"arrayExists((x, y) -> {unlike} AND ({matters}), a, arrayShiftRight(a, 1))"


def _matters(layout: Layout, x: str) -> str:
    matters = layout.is_several(x)
    if layout.wanted is not None:
        matters += f" OR {layout.matches(x, layout.number(layout.step(layout.wanted)))}"
    return matters


def full(layout: Layout, carried: str, gathered: str, *, tangled_only: bool = False) -> str:
    """`carried`, `a`, `ids`: in mixed ties one number per event and step, by step, then uuid.

    tangled_only: what the quick forms can tell is left out.
    gathered: `carried`, `a`, `places` (sql_arrays). ids: tells the events of several steps in mixed
    ties apart, 0 elsewhere. Of one instant, step k can only be taken by one of the first k events
    that match it, as an attempt has used k - 1 before: the others are left out.
    """
    # An event that attribution lets match a step but not take it stays out of that step's turn.
    turns = layout.matches("x", "s")
    if layout.wanted is not None:
        taken_by_own = layout.number(layout.step(layout.wanted))
        turns += f" AND (s != {taken_by_own} OR {layout.has('x', str(layout.own))})"
    own = f"toUInt8(bitAnd(x, {layout.own}))"
    as_step = f"{layout.start('x')} + s + {layout.number(layout.tied)}"
    flags = f"{own} + {_SEVERAL} * ({layout.is_several('x')})"
    one_each = (
        f"arrayMap(s -> {layout.placed(as_step, 'p', flags)}, "
        f"arrayFilter(s -> {turns}, {layout.every_step}))"
    )
    as_it_is = f"[{layout.placed(layout.without('x', layout.own), 'p', own)}]"
    entries = (
        f"arraySort(arrayFlatten(arrayMap((x, p, m) -> if(m, {one_each}, {as_it_is}), "
        "a, places, mixed)))"
    )
    numbers = f"arrayMap(e -> {layout.of_placed('e')}, entries)"
    place = layout.place(layout.only_steps("n"))
    kept = (
        f"arrayFilter((z, n, c) -> NOT ({layout.is_tied('n')}) OR c <= {place}, "
        "arrayZip(numbers, entries), numbers, arrayEnumerateUniq(numbers))"
    )
    told = f"SELECT *, {mixed(layout)} AS mixed FROM ({gathered})"
    if tangled_only:
        told = (
            f"SELECT * FROM (SELECT *, {mixed(layout)} AS mixed, {tangled(layout)} AS tangled "
            f"FROM ({gathered})) WHERE tangled"
        )
    sorted_ = f"SELECT {carried}, {entries} AS entries FROM ({told})"
    numbered = f"SELECT {carried}, entries, {numbers} AS numbers FROM ({sorted_})"
    flagged = f"arrayMap((n, e) -> n + toUInt8(bitAnd(e, {layout.own})), kept.1, kept.2)"
    several = layout.has("e", str(_SEVERAL))
    ids = f"arrayMap(e -> if({several}, {layout.place_of('e')}, 0), kept.2)"
    return (
        f"SELECT {carried}, {flagged} AS a, {ids} AS ids "
        f"FROM (SELECT {carried}, {kept} AS kept FROM ({numbered}))"
    )
