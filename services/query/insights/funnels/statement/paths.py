"""The choice of a funnel's form; each form gives the same relation, a row per reported attempt.

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
from services.query.insights.funnels.statement.excluding import excluding
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
    """The reported attempts of all actors (of all values); an actor without a step has no row.

    mentions: how often the statement mentions them.
    """
    form = form_of(actors)
    found = _as_64_bits(form, _paths(actors, form))
    if actors.by_reference is not None:
        found = union(found, reference_rows(actors, times="Array(UInt64)"))
    return found.named("paths", mentions=mentions)


def reference_rows(actors: Actors, **columns: str) -> Relation:
    """The rows of `ReferenceRows`. columns: those after `actor` and `value`, with their types."""
    assert actors.by_reference is not None
    plan = actors.plan
    value = {} if plan.breakdown is None else {"value": value_type(plan.breakdown)}
    types = {"actor": "String", **value, **columns}
    row = f"Tuple({', '.join(f'{name} {type_}' for name, type_ in types.items())})"
    rows = (
        f"JSONExtract({actors.bindings.bind(actors.by_reference.rows, 'String')}, 'Array({row})')"
    )
    shown = {name: f"t.{i}" for i, name in enumerate(types, start=1)}
    shown["actor"] = f"CAST(t.1 AS {id_type(plan)})"
    return table("system.one").only(t=f"arrayJoin({rows})").named("by_reference").only(**shown)


def folds(plan: FunnelPlan) -> str | None:
    """The test of arrays `a` that go event by event; None: none of this plan's do."""
    layout = layout_of(plan)
    if plan.order == "unordered":
        return has_several(layout) if layout.overlapping else None
    return _walks(plan, layout) if some_by_walk(plan) else None


def _paths(actors: Actors, form: Form) -> Relation:
    if some_by_walk(form.plan):
        return _walked(actors, form)
    if actors.quick_only or not some_by_uuid(form.plan):
        return _quick(actors, form, arrays(actors, form))
    # Mentioned by the quick form, and for the actors that need the full one.
    gathered = arrays(actors, form).named("arrays", mentions=2)
    tied = gathered.where(tangled(form.layout)).only("actor").named("tangled")
    few = msgspec.structs.replace(actors, only=tied)
    return union(_quick(actors, form, gathered), _full(few, form, few=False))


def quick_paths(actors: Actors) -> Relation:
    """The relation for plans that are `some_by_uuid`, with one more column: `tangled`.

    Tangled actors have ties that need the full form: their row has no times.
    """
    form = form_of(actors)
    gathered = emptied(form, arrays(actors, form))
    form = msgspec.structs.replace(form, keeps_tangled=True)
    return _as_64_bits(form, _staged(form, gathered)).named("paths")


def full_paths(actors: Actors) -> Relation:
    """The relation by the full form."""
    form = form_of(actors)
    return _as_64_bits(form, _full(actors, form, few=actors.only is not None)).named("paths")


def _as_64_bits(form: Form, paths: Relation) -> Relation:
    """Casts times to UInt64: later stages do not know the packed width, and quantiles refuse a
    wider one.
    """
    if form.layout.type == "UInt64":
        return paths
    return paths.named("wide").change(times="CAST(times AS Array(UInt64))")


def some_by_uuid(plan: FunnelPlan) -> bool:
    """Whether there may be ties that need the full form."""
    if plan.order == "unordered":
        return False
    layout = layout_of(plan)
    # In a tie, an event without the wanted value may exclude an attempt that one with it begins.
    breaks = plan.order == "strict" or layout.steps_exclude
    return layout.overlapping or (layout.wanted is not None and breaks)


def some_by_walk(plan: FunnelPlan) -> bool:
    """Whether there may be actors that need the walk over their events."""
    return bool(_walking(plan, layout_of(plan)))


def _quick(actors: Actors, form: Form, gathered: Relation) -> Relation:
    """The actors that the quick forms suffice for; quick_only: the engine aborts at another."""
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
    """By the shortest form of the plan. gathered: arrays that do not need the full form."""
    plan, layout = form.plan, form.layout
    if plan.order == "ordered" and not plan.exclusions and not form.has_optional:
        return sql_ordered.ordered(form, gathered)
    if form.strict or plan.exclusions:
        gathered = settled(form, gathered)
    if form.strict or form.has_optional or layout.overlapping or layout.steps_exclude:
        return staged(form, gathered)
    return excluding(form, gathered)


def _full(actors: Actors, form: Form, *, few: bool) -> Relation:
    entries = full(form, arrays_by_uuid(actors, form), tangled_only=True)
    return staged(form, entries, full=True, few=few)


def _walked(actors: Actors, form: Form) -> Relation:
    """Actors that need it by the walk, all others by the stages."""
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
    """Tests of an event `x` that the stages cannot handle: its actor needs the walk.

    An exclusion that begins at an optional step spoils attempts that passed the step over, and
    whether they did depends on other attempts that may be spoilt in turn. An excluding event that
    is a step too lets a strict attempt stand there: it may reach again where it was spoilt.
    """
    tests = []
    begin = [plan.steps[exclusion.from_step] for exclusion in plan.exclusions]
    if late := sum(layout.exclusion(i) for i, step in enumerate(begin) if step.optional):
        tests.append(layout.has("x", layout.mask(late)))
    if plan.order == "strict" and layout.steps_exclude:
        tests.append(
            f"{layout.has('x', layout.mask(layout.any_exclusion))} AND {layout.is_step('x')}"
        )
    return tests
