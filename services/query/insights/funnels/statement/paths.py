"""Which form a funnel is computed by: each gives the same relation, one row per reported attempt.

The relation: `actor`, with a breakdown `value`, and `times`, one number per step of the path:
microseconds after the plan's date_from plus 1, 0 for an optional step that was passed over.
Its length is the depth.
"""

import msgspec

from services.common.clickhouse.relation import Relation, table, union
from services.query.insights.funnels.plan import FunnelPlan
from services.query.insights.funnels.statement import ordered as sql_ordered
from services.query.insights.funnels.statement.actors import Actors, id_type, unless_busy
from services.query.insights.funnels.statement.arrays import arrays, arrays_by_uuid, value_type
from services.query.insights.funnels.statement.excluding import barred
from services.query.insights.funnels.statement.form import Form, form_of
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


def paths(actors: Actors, *, mentions: int = 1) -> Relation:
    """The reported attempts of all actors (of all values): who is in no step has no row.

    mentions: how often the statement computes them.
    """
    form = form_of(actors)
    found = _as_64_bits(form, _paths(actors, form))
    if actors.told is not None:
        found = union(found, told(actors, times="Array(UInt64)"))
    return found.named("paths", mentions=mentions)


def told(actors: Actors, **columns: str) -> Relation:
    """The rows of `Told`. columns: those after `actor` and `value`, with their types."""
    assert actors.told is not None
    plan = actors.plan
    value = {} if plan.breakdown is None else {"value": value_type(plan.breakdown)}
    types = {"actor": "String", **value, **columns}
    row = f"Tuple({', '.join(f'{name} {type_}' for name, type_ in types.items())})"
    rows = f"JSONExtract({actors.bindings.bind(actors.told.rows, 'String')}, 'Array({row})')"
    shown = {name: f"t.{i}" for i, name in enumerate(types, start=1)}
    shown["actor"] = f"CAST(t.1 AS {id_type(plan)})"
    return table("system.one").only(t=f"arrayJoin({rows})").named("told").only(**shown)


def folds(plan: FunnelPlan) -> str | None:
    """Which arrays `a` go event by event; None: none of this plan's."""
    layout = layout_of(plan)
    if plan.order == "unordered":
        return has_several(layout) if layout.overlapping else None
    return _walks(plan, layout) if some_by_walk(plan) else None


def _paths(actors: Actors, form: Form) -> Relation:
    if some_by_walk(form.plan):
        return _walked(actors, form)
    if actors.quick_only or not some_by_uuid(form.plan):
        return _quick(actors, form, arrays(actors, form))
    # Once for the quick form, and once for those whom it leaves to the full one.
    gathered = arrays(actors, form).named("arrays", mentions=2)
    tied = gathered.where(tangled(form.layout)).only("actor").named("tangled")
    few = msgspec.structs.replace(actors, only=tied)
    return union(_quick(actors, form, gathered), _full(few, form, few=False))


def quick_paths(actors: Actors) -> Relation:
    """The same of plans that are `some_by_uuid`, and a column more: `tangled`.

    Those actors' ties only the full form can tell: they have a row without times.
    """
    form = form_of(actors)
    gathered = emptied(form, arrays(actors, form))
    form = msgspec.structs.replace(form, keeps_tangled=True)
    return _as_64_bits(form, _staged(form, gathered)).named("paths")


def full_paths(actors: Actors) -> Relation:
    """The same of those actors, by the full form."""
    form = form_of(actors)
    return _as_64_bits(form, _full(actors, form, few=actors.only is not None)).named("paths")


def _as_64_bits(form: Form, paths: Relation) -> Relation:
    """However wide the numbers are that times were packed in: what is made of them does not know
    the layout, and quantiles refuse wider ones."""
    if form.layout.type == "UInt64":
        return paths
    return paths.named("wide").change(times="CAST(times AS Array(UInt64))")


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


def _quick(actors: Actors, form: Form, gathered: Relation) -> Relation:
    """All actors but those whose ties only the full form can tell; quick_only: or none."""
    if form.plan.order == "unordered":
        if form.layout.overlapping:
            gathered = unless_busy(actors, gathered, has_several(form.layout))
        if form.plan.wanted_step is not None:
            gathered = accepted(form, gathered)
        if form.layout.overlapping:
            gathered = chosen(form, gathered)
        return unordered(form, gathered)
    if some_by_uuid(form.plan):
        gathered = untangled(form, gathered, stop=actors.quick_only)
    return _staged(form, gathered)


def _staged(form: Form, gathered: Relation) -> Relation:
    """By the shortest form that can tell. gathered: nobody whom only the full form can."""
    plan, layout = form.plan, form.layout
    if plan.order == "ordered" and not plan.exclusions and not form.has_optional:
        return sql_ordered.ordered(form, gathered)
    if form.strict or plan.exclusions:
        gathered = settled(form, gathered)
    if form.strict or form.has_optional or layout.overlapping or layout.bars_steps:
        return staged(form, gathered)
    return barred(form, gathered)


def _full(actors: Actors, form: Form, *, few: bool) -> Relation:
    entries = full(form, arrays_by_uuid(actors, form), tangled_only=True)
    return staged(form, entries, full=True, few=few)


def _walked(actors: Actors, form: Form) -> Relation:
    """Those of `some_by_walk` by the walk, all others by the stages."""
    by_uuid = some_by_uuid(form.plan)
    if by_uuid:
        gathered = full(form, arrays_by_uuid(actors, form))
    else:
        gathered = settled(form, arrays(actors, form))
    walks = _walks(form.plan, form.layout)
    gathered = unless_busy(actors, gathered, walks).named("entries", mentions=2)
    free = gathered.where(f"NOT {walks}").named("free")
    walked = gathered.where(walks)
    if not by_uuid:
        walked = walked.add(ids="arrayMap(x -> toUInt32(0), a)")
    # A fold takes as many turns over a block as its longest array has events, so arrays of one
    # length go together. Without a limit the engine leaves out the order.
    walked = walked.order("length(a)", limit=f"{2**63}").named("to_walk")
    return union(staged(form, free, full=by_uuid), attempt_walk(form, walked))


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
