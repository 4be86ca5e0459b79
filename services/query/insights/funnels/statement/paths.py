"""Which form a funnel is computed by: each gives the same relation, one row per reported attempt.

The relation: `actor`, with a breakdown `value`, and `times`, one number per step of the path:
microseconds after the plan's date_from plus 1, 0 for an optional step that was passed over.
Its length is the depth.
"""

import msgspec

from services.query.insights.funnels.plan import FunnelPlan
from services.query.insights.funnels.statement import ordered as sql_ordered
from services.query.insights.funnels.statement.actors import Actors, id_type, unless_busy
from services.query.insights.funnels.statement.arrays import (
    arrays,
    arrays_by_uuid,
    carried,
    value_type,
)
from services.query.insights.funnels.statement.excluding import barred
from services.query.insights.funnels.statement.layout import Layout, layout_of
from services.query.insights.funnels.statement.stages import staged
from services.query.insights.funnels.statement.ties import (
    emptied,
    full,
    settled,
    tangled,
    untangled,
)
from services.query.insights.funnels.statement.unordered import (
    accepted,
    chosen,
    has_several,
    unordered,
)
from services.query.insights.funnels.statement.walks import attempt_walk


def paths(actors: Actors) -> str:
    """The reported attempts of all actors (of all values): who is in no step has no row."""
    layout = layout_of(actors.plan)
    found = _told(layout, _paths(actors, layout))
    if actors.told is None:
        return found
    return f"{found} UNION ALL {told(actors, 'times Array(UInt64)')}"


def told(actors: Actors, columns: str) -> str:
    """The rows of `Told`. columns: those after `actor` and `value`, with their types."""
    assert actors.told is not None
    plan = actors.plan
    types = ["actor String"]
    if plan.breakdown is not None:
        types.append(f"value {value_type(plan.breakdown)}")
    rows = f"JSONExtract({actors.bindings.bind(actors.told.rows, 'String')}, "
    rows += f"'Array(Tuple({', '.join([*types, columns])}))')"
    names = [part.split()[0] for part in [*types, *columns.split(", ")]]
    shown = ", ".join(f"t.{i} AS {name}" for i, name in enumerate(names, start=1))
    return (
        f"SELECT * REPLACE (CAST(actor AS {id_type(plan)}) AS actor) "
        f"FROM (SELECT {shown} FROM (SELECT arrayJoin({rows}) AS t))"
    )


def folds(plan: FunnelPlan) -> str | None:
    """Which arrays `a` go event by event; None: none of this plan's."""
    layout = layout_of(plan)
    if plan.order == "unordered":
        return has_several(layout) if layout.overlapping else None
    return _walks(plan, layout) if some_by_walk(plan) else None


def _paths(actors: Actors, layout: Layout) -> str:
    plan = actors.plan
    if some_by_walk(plan):
        return _walked(actors, layout)
    if actors.quick_only or not some_by_uuid(plan):
        return _quick(actors, layout)
    tied = f"(SELECT actor FROM ({arrays(actors, layout)}) WHERE {tangled(layout)})"
    quick, only = _quick(actors, layout), msgspec.structs.replace(actors, only=tied)
    return f"{quick} UNION ALL {_full(only, layout, few=False)}"


def quick_paths(actors: Actors) -> str:
    """The same of plans that are `some_by_uuid`, and a column more: `tangled`.

    Those actors' ties only the full form can tell: they have a row without times.
    """
    layout = layout_of(actors.plan)
    return _told(layout, _quick(actors, layout, keep_tangled=True))


def full_paths(actors: Actors) -> str:
    """The same of those actors, by the full form."""
    layout = layout_of(actors.plan)
    return _told(layout, _full(actors, layout, few=actors.only is not None))


def _told(layout: Layout, paths: str) -> str:
    """Times as 64 bits, however wide the numbers are that they were packed in: what is made of them
    does not know the layout, and quantiles refuse wider ones."""
    if layout.type == "UInt64":
        return paths
    return f"SELECT * REPLACE (CAST(times AS Array(UInt64)) AS times) FROM ({paths})"


def some_by_uuid(plan: FunnelPlan) -> bool:
    """Whether there may be ties that only the full form can tell."""
    if plan.order == "unordered":
        return False
    layout = layout_of(plan)
    # Of one instant, an event without the wanted value may bar the way that one with it has begun.
    breaks = plan.order == "strict" or layout.bars_steps
    return layout.overlapping or (layout.wanted is not None and breaks)


def some_by_walk(plan: FunnelPlan) -> bool:
    """Whether there may be actors whom only the walk over their events can tell."""
    return bool(_walking(plan, layout_of(plan)))


def _quick(actors: Actors, layout: Layout, *, keep_tangled: bool = False) -> str:
    """All actors but those whose ties only the full form can tell; quick_only: or none."""
    plan, carry, gathered = actors.plan, carried(actors.plan), arrays(actors, layout)
    window = actors.bindings.bind(layout.span(window_us(plan)), layout.type)
    if plan.order == "unordered":
        if layout.overlapping:
            gathered = unless_busy(actors, gathered, has_several(layout))
        if plan.wanted_step is not None:
            gathered = accepted(layout, carry, gathered, window)
        if layout.overlapping:
            gathered = chosen(layout, carry, gathered, window)
        return unordered(layout, carry, gathered, window)
    if keep_tangled:
        gathered = emptied(layout, carry, gathered)
        carry += ", tangled"
    elif some_by_uuid(plan):
        gathered = untangled(layout, carry, gathered, stop=actors.quick_only)
    optional = any(step.optional for step in plan.steps)
    if plan.order == "ordered" and not plan.exclusions and not optional:
        return sql_ordered.ordered(layout, carry, gathered, window)
    if plan.order == "strict" or plan.exclusions:
        gathered = settled(layout, carry, gathered, strict=plan.order == "strict")
    if plan.order == "ordered" and not optional and not (layout.overlapping or layout.bars_steps):
        return barred(layout, carry, gathered, window)
    return staged(plan, layout, carry, gathered, window)


def _full(actors: Actors, layout: Layout, *, few: bool) -> str:
    plan, carry = actors.plan, carried(actors.plan)
    window = actors.bindings.bind(layout.span(window_us(plan)), layout.type)
    gathered = arrays_by_uuid(actors, layout)
    entries = full(layout, carry, gathered, tangled_only=True)
    return staged(plan, layout, carry, entries, window, full=True, few=few)


def _walked(actors: Actors, layout: Layout) -> str:
    """Those of `some_by_walk` by the walk, all others by the stages."""
    plan, carry = actors.plan, carried(actors.plan)
    window = actors.bindings.bind(layout.span(window_us(plan)), layout.type)
    by_uuid = some_by_uuid(plan)
    if by_uuid:
        gathered = full(layout, carry, arrays_by_uuid(actors, layout))
    else:
        gathered = settled(layout, carry, arrays(actors, layout), strict=plan.order == "strict")
    walks = _walks(plan, layout)
    gathered = unless_busy(actors, gathered, walks)
    free = f"SELECT * FROM ({gathered}) WHERE NOT {walks}"
    # A fold takes as many turns over a block as its longest array has events, so arrays of one
    # length go together. Without a limit the engine leaves out the order.
    walked = (
        f"SELECT *{'' if by_uuid else ', arrayMap(x -> toUInt32(0), a) AS ids'} "
        f"FROM ({gathered}) WHERE {walks} ORDER BY length(a) LIMIT {2**63}"
    )
    return (
        f"{staged(plan, layout, carry, free, window, full=by_uuid)} UNION ALL "
        f"{attempt_walk(plan, layout, carry, walked, window)}"
    )


def _walks(plan: FunnelPlan, layout: Layout) -> str:
    return f"arrayExists(x -> {' OR '.join(_walking(plan, layout))}, a)"


def _walking(plan: FunnelPlan, layout: Layout) -> list[str]:
    """The events `x` of which any makes the stages fail its actor.

    An exclusion that begins at an optional step spoils attempts that passed it over, whether they
    did depending on others that may be spoilt in turn. And a bar that is a step itself lets a
    strict attempt stand there: later it may get anew to where it was spoilt.
    """
    tests = []
    begin = [plan.steps[exclusion.from_step] for exclusion in plan.exclusions]
    if late := sum(layout.bar(i) for i, step in enumerate(begin) if step.optional):
        tests.append(layout.has("x", layout.mask(late)))
    if plan.order == "strict" and layout.bars_steps:
        tests.append(f"{layout.has('x', layout.mask(layout.any_bar))} AND {layout.is_step('x')}")
    return tests


def window_us(plan: FunnelPlan) -> int:
    return plan.window_seconds * 1_000_000
