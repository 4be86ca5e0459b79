"""The events that enter a funnel (funnels.md section 3): packed into numbers, or as columns."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import assert_never

from services.common.clickhouse.relation import Piece, Relation
from services.query.events.actors import PersonActor
from services.query.events.conditions import ALWAYS, EventNamed, InCohort, any_names
from services.query.events.moments import microseconds
from services.query.events.source import Source
from services.query.insights.funnels.plan import (
    Breakdown,
    ByCohort,
    ByProperty,
    Exclusion,
    FunnelPlan,
    Step,
)
from services.query.insights.funnels.statement.actors import Actors, id_type
from services.query.insights.funnels.statement.layout import NOTHING, Layout
from services.query.insights.funnels.statement.steps import is_step

Entity = Step | Exclusion


def rows(actors: Actors, layout: Layout, *, uuid: bool = False) -> Relation:
    """`actor`, `x`[, `value`][, `u`]: a row per event that enters. u: its uuid as a number."""
    plan, source = actors.plan, source_of(actors)
    base = actors.bindings.bind(microseconds(plan.date_from) - 1, "Int64")
    more = {}
    if plan.breakdown is not None:
        more["value"] = _value(source, plan.breakdown)
    if uuid:
        more["u"] = "toUInt128(e.uuid)"
    found = _entering(
        source,
        plan,
        *_chosen(actors, source.actor(plan.actor)),
        actor=source.actor(plan.actor),
        t=f"to{layout.type}(toUnixTimestamp64Micro(e.timestamp) - {base})",
        **_fields(source, plan, layout),
        **more,
    ).named("entering")
    if not (plan.order == "strict" or _names_suffice(plan)):
        found = found.where("steps + exclusions != 0")
    if plan.sample is not None and plan.sample < 1:
        share = actors.bindings.bind(int(plan.sample * 2**64) - 1, "UInt64")
        found = found.where(f"cityHash64(actor) <= {share}")
    x = f"bitShiftLeft(t, {layout.time_at}) + {_packed(layout)}"
    return found.only("actor", *more, x=x).named("packed")


def _chosen(actors: Actors, actor: str) -> Iterator[tuple[Piece, ...]]:
    """Tests of the actors that have arrays."""
    if actors.only is not None:
        yield f"{actor} IN ", actors.only
    if actors.by_reference is not None:
        type_ = f"Array({id_type(actors.plan)})"
        yield (f"{actor} NOT IN {actors.bindings.bind(list(actors.by_reference.ids), type_)}",)


def looked_at(actors: Actors) -> Relation:
    """`actor`, `at_us`, `uuid`, `event`, `steps`, `exclusions`[, `value`]: the events, unpacked.

    at_us: since 1970. steps: numbers of those it matches, from 1. exclusions: indexes, from 0.
    """
    plan, source = actors.plan, source_of(actors)
    steps = [f"if({is_step(source, step)}, {k}, 0)" for k, step in enumerate(plan.steps, start=1)]
    exclusions = [
        f"if({source.condition(exclusion.matches)}, {i}, -1)"
        for i, exclusion in enumerate(plan.exclusions)
    ]
    more = {} if plan.breakdown is None else {"value": _value(source, plan.breakdown)}
    seen = _entering(
        source,
        plan,
        actor=source.actor(plan.actor),
        at_us="toUnixTimestamp64Micro(e.timestamp)",
        uuid="toString(e.uuid)",
        event="e.event",
        steps=f"arrayFilter(k -> k > 0, [{', '.join(steps)}]::Array(Int32))",
        exclusions=f"arrayFilter(i -> i >= 0, [{', '.join(exclusions)}]::Array(Int32))",
        **more,
    ).named("seen")
    return (
        seen if plan.order == "strict" else seen.where("(notEmpty(steps) OR notEmpty(exclusions))")
    )


def source_of(actors: Actors) -> Source:
    """The events of the plan's range, before its filters."""
    plan = actors.plan
    return Source(
        plan.team_id,
        actors.bindings,
        period=(plan.date_from, plan.date_to),
        has_overrides=actors.has_overrides,
        timezone=plan.timezone,
        cohorts=dict(plan.cohorts),
    )


def _entering(
    source: Source, plan: FunnelPlan, *chosen: tuple[Piece, ...], **columns: str
) -> Relation:
    """These columns of the events that enter (funnels.md section 3). chosen: more tests of them."""
    tests: list[tuple[Piece, ...]] = [(test,) for test in source.scopes()]
    if not isinstance(plan.actor, PersonActor):
        tests.append((source.has_actor(plan.actor),))
    if plan.filters != ALWAYS:
        tests.append((source.condition(plan.filters),))
    if names := _names(plan):
        tests.append((source.condition(EventNamed(names=names)),))
    found = source.rows()
    for test in (*tests, *chosen):
        found = found.where(*test)
    return found.only(**columns)


def _fields(source: Source, plan: FunnelPlan, layout: Layout) -> dict[str, str]:
    """`steps` and `exclusions`, in their places; with ranks also `mirrored`: step 1 is the highest
    bit.
    """
    exclusions = [layout.exclusion(i) for i in range(len(plan.exclusions))]
    columns = {"exclusions": _summed(source, layout, plan.exclusions, exclusions)}
    steps = [layout.step(k) for k in range(1, layout.steps + 1)]
    if layout.overlapping:
        columns["steps"] = _summed(source, layout, plan.steps, steps)
        if layout.ranked:
            mirrored = [2 ** (layout.steps - k) for k in range(1, layout.steps + 1)]
            columns["mirrored"] = _summed(source, layout, plan.steps, mirrored)
        return columns
    nothing = layout.number(0)
    if plan.order == "strict":
        nothing = layout.number(NOTHING << layout.steps_at)
        if plan.exclusions:
            nothing = f"if(exclusions != 0, {layout.number(0)}, {nothing})"
    by_name, others = _by_name(layout, plan.steps, steps)
    code = _looked_up(source, layout, by_name, nothing)
    if others:
        cases = [f"{_is(source, step)}, {layout.number(number)}" for step, number in others]
        code = f"multiIf({', '.join(cases)}, {code})"
    columns["steps"] = code
    return columns


def _summed(
    source: Source, layout: Layout, entities: Sequence[Entity], numbers: Sequence[int]
) -> str:
    """The sum of the numbers of all entities that the event matches."""
    by_name, others = _by_name(layout, entities, numbers)
    parts = [_looked_up(source, layout, by_name, layout.number(0))]
    parts += [f"({_is(source, entity)}) * {layout.number(number)}" for entity, number in others]
    return " + ".join(parts)


def _by_name(
    layout: Layout, entities: Sequence[Entity], numbers: Sequence[int]
) -> tuple[dict[str, int], list[tuple[Entity, int]]]:
    """The sum for each event name of the entities that are only a name; and the other entities.

    The engine looks up no number wider than 64 bits.
    """
    by_name: dict[str, int] = defaultdict(int)
    others = []
    for entity, number in zip(entities, numbers, strict=True):
        names = _only_named(entity)
        if names is None or layout.type != "UInt64":
            others.append((entity, number))
        else:
            for name in set(names):
                by_name[name] += number
    return by_name, others


def _looked_up(source: Source, layout: Layout, by_name: dict[str, int], default: str) -> str:
    """One look-up by name: testing each name in turn takes twice as long with 64 steps."""
    if not by_name:
        return default
    names = source.bindings.bind(list(by_name), "Array(String)")
    numbers = source.bindings.bind(list(by_name.values()), f"Array({layout.type})")
    return f"transform(e.event, {names}, {numbers}, {default})"


def _only_named(entity: Entity) -> tuple[str, ...] | None:
    """The event names of a step or exclusion without other conditions; otherwise None."""
    if isinstance(entity, Step) and entity.first_time is not None:
        return None
    return entity.matches.names if isinstance(entity.matches, EventNamed) else None


def _is(source: Source, entity: Entity) -> str:
    return is_step(source, entity) if isinstance(entity, Step) else source.condition(entity.matches)


def _packed(layout: Layout) -> str:
    if not layout.ranked:
        return "steps + exclusions"
    # A list's place in the order [1] < [1,2] < [2], from 1: its length and, for each step that it
    # skips, the number of lists that begin with that step instead.
    n = layout.steps
    lowest = f"bitAnd(mirrored, {layout.number(0)} - mirrored)"
    place = f"bitCount(mirrored) + {layout.number(2**n)} - {lowest} - mirrored"
    rank = f"multiIf(mirrored != 0, {place} + 1, exclusions != 0, 0, 1)"
    return f"bitShiftLeft(to{layout.type}({rank}), {layout.rank_at}) + steps + exclusions"


def _entities(plan: FunnelPlan) -> list[Entity]:
    return [*plan.steps, *plan.exclusions]


def _names_suffice(plan: FunnelPlan) -> bool:
    """Whether the event's name alone decides every step and exclusion."""
    return all(_only_named(entity) is not None for entity in _entities(plan))


def _names(plan: FunnelPlan) -> tuple[str, ...]:
    """The only event names worth reading, sorted; empty when others may count."""
    if plan.order == "strict":
        return ()
    wanted = [entity.matches for entity in _entities(plan)]
    return tuple(sorted(any_names(wanted) or ()))


def _value(source: Source, breakdown: Breakdown) -> str:
    match breakdown:
        case ByCohort(cohorts=cohorts):
            # Once per cohort that the event's person is in; 0 is everybody.
            each = ", ".join(
                f"if({source.condition(InCohort(cohort_id=cohort) if cohort else ALWAYS)}, "
                f"{source.bindings.bind(cohort, 'Int64')}, -1)"
                for cohort, _ in cohorts
            )
            return f"arrayJoin(arrayFilter(cohort -> cohort >= 0, [{each}]))"
        case ByProperty(keys=keys, normalize_url=normalize_url):
            parts = [source.key_text(key, normalize_url=normalize_url) for key in keys]
            return parts[0] if len(parts) == 1 else f"[{', '.join(parts)}]"
        case _:
            assert_never(breakdown)
