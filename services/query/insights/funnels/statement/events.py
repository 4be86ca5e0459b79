"""The events that enter a funnel (funnels.md section 3): packed, a number each; or as they are."""

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
    """`actor`, `x`[, `value`][, `u`]: a row per event that is looked at. u: its uuid's number."""
    plan, source = actors.plan, source_of(actors)
    base = actors.bindings.bind(microseconds(plan.date_from) - 1, "Int64")
    beside = {}
    if plan.breakdown is not None:
        beside["value"] = _value(source, plan.breakdown)
    if uuid:
        beside["u"] = "toUInt128(e.uuid)"
    found = _entering(
        source,
        plan,
        *_chosen(actors, source.actor(plan.actor)),
        actor=source.actor(plan.actor),
        t=f"to{layout.type}(toUnixTimestamp64Micro(e.timestamp) - {base})",
        **_fields(source, plan, layout),
        **beside,
    ).named("entering")
    if not (plan.order == "strict" or _names_tell(plan)):
        found = found.where("steps + bars != 0")
    if plan.sample is not None and plan.sample < 1:
        share = actors.bindings.bind(int(plan.sample * 2**64) - 1, "UInt64")
        found = found.where(f"cityHash64(actor) <= {share}")
    x = f"bitShiftLeft(t, {layout.time_at}) + {_packed(layout)}"
    return found.only("actor", *beside, x=x).named("packed")


def _chosen(actors: Actors, actor: str) -> Iterator[tuple[Piece, ...]]:
    """Tests of the actors whose arrays are asked for."""
    if actors.only is not None:
        yield f"{actor} IN ", actors.only
    if actors.told is not None:
        type_ = f"Array({id_type(actors.plan)})"
        yield (f"{actor} NOT IN {actors.bindings.bind(list(actors.told.ids), type_)}",)


def looked_at(actors: Actors) -> Relation:
    """`actor`, `at_us`, `uuid`, `event`, `steps`, `bars`[, `value`]: the same events, unpacked.

    at_us: since 1970. steps: those it matches, from 1. bars: indexes of exclusions.
    """
    plan, source = actors.plan, source_of(actors)
    steps = [f"if({is_step(source, step)}, {k}, 0)" for k, step in enumerate(plan.steps, start=1)]
    bars = [
        f"if({source.condition(bar.matches)}, {i}, -1)" for i, bar in enumerate(plan.exclusions)
    ]
    beside = {} if plan.breakdown is None else {"value": _value(source, plan.breakdown)}
    seen = _entering(
        source,
        plan,
        actor=source.actor(plan.actor),
        at_us="toUnixTimestamp64Micro(e.timestamp)",
        uuid="toString(e.uuid)",
        event="e.event",
        steps=f"arrayFilter(k -> k > 0, [{', '.join(steps)}]::Array(Int32))",
        bars=f"arrayFilter(i -> i >= 0, [{', '.join(bars)}]::Array(Int32))",
        **beside,
    ).named("seen")
    return seen if plan.order == "strict" else seen.where("(notEmpty(steps) OR notEmpty(bars))")


def source_of(actors: Actors) -> Source:
    """The events of the plan's range; its filters are still to be asked for."""
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
    """`steps` and `bars`, in their places; with ranks `mirrored` too: step 1 is its highest bit."""
    bars = [layout.bar(i) for i in range(len(plan.exclusions))]
    columns = {"bars": _summed(source, layout, plan.exclusions, bars)}
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
            nothing = f"if(bars != 0, {layout.number(0)}, {nothing})"
    told, others = _told_by_name(layout, plan.steps, steps)
    code = _looked_up(source, layout, told, nothing)
    if others:
        cases = [f"{_is(source, step)}, {layout.number(number)}" for step, number in others]
        code = f"multiIf({', '.join(cases)}, {code})"
    columns["steps"] = code
    return columns


def _summed(
    source: Source, layout: Layout, entities: Sequence[Entity], numbers: Sequence[int]
) -> str:
    """The sum of the numbers of those that the event is."""
    told, others = _told_by_name(layout, entities, numbers)
    parts = [_looked_up(source, layout, told, layout.number(0))]
    parts += [f"({_is(source, entity)}) * {layout.number(number)}" for entity, number in others]
    return " + ".join(parts)


def _told_by_name(
    layout: Layout, entities: Sequence[Entity], numbers: Sequence[int]
) -> tuple[dict[str, int], list[tuple[Entity, int]]]:
    """What an event's name alone adds up to; and those that ask for more.

    The engine looks up no number wider than 64 bits.
    """
    told: dict[str, int] = defaultdict(int)
    others = []
    for entity, number in zip(entities, numbers, strict=True):
        names = _only_named(entity)
        if names is None or layout.type != "UInt64":
            others.append((entity, number))
        else:
            for name in set(names):
                told[name] += number
    return told, others


def _looked_up(source: Source, layout: Layout, told: dict[str, int], default: str) -> str:
    """By name at once: to ask for each name in turn takes twice as long with 64 steps."""
    if not told:
        return default
    names = source.bindings.bind(list(told), "Array(String)")
    numbers = source.bindings.bind(list(told.values()), f"Array({layout.type})")
    return f"transform(e.event, {names}, {numbers}, {default})"


def _only_named(entity: Entity) -> tuple[str, ...] | None:
    """The names that make an event this step or exclusion, if nothing else is asked of it."""
    if isinstance(entity, Step) and entity.first_time is not None:
        return None
    return entity.matches.names if isinstance(entity.matches, EventNamed) else None


def _is(source: Source, entity: Entity) -> str:
    return is_step(source, entity) if isinstance(entity, Step) else source.condition(entity.matches)


def _packed(layout: Layout) -> str:
    if not layout.ranked:
        return "steps + bars"
    # The place of a list of steps in the order of lists, [1] < [1,2] < [2], from 1: its length, and
    # for each step it skips, all the lists that begin with that step instead.
    n = layout.steps
    lowest = f"bitAnd(mirrored, {layout.number(0)} - mirrored)"
    place = f"bitCount(mirrored) + {layout.number(2**n)} - {lowest} - mirrored"
    rank = f"multiIf(mirrored != 0, {place} + 1, bars != 0, 0, 1)"
    return f"bitShiftLeft(to{layout.type}({rank}), {layout.rank_at}) + steps + bars"


def _entities(plan: FunnelPlan) -> list[Entity]:
    return [*plan.steps, *plan.exclusions]


def _names_tell(plan: FunnelPlan) -> bool:
    """Whether every event of these names is a step or an exclusion, without more being asked."""
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
