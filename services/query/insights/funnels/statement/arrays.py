"""Events into one sorted array of packed numbers (sql_layout) per actor, or per actor and value.

Every form of the funnel starts from this relation: `actor`, `a` and, with a breakdown, `value`.
`value` is text for one key, an array of texts for several, the id of a cohort.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Literal

import msgspec

from services.common.clickhouse.statement import Bindings
from services.query.events.actors import PersonActor
from services.query.events.conditions import ALWAYS, EventNamed, InCohort
from services.query.events.moments import microseconds
from services.query.events.source import Source
from services.query.insights.funnels.plan import Exclusion, FunnelPlan, Step
from services.query.insights.funnels.statement.layout import NOTHING, Layout, any_names
from services.query.insights.funnels.statement.steps import is_step

Split = Literal["none", "touch", "value", "step"]
Entity = Step | Exclusion


class Told(msgspec.Struct, frozen=True):
    """Actors whom the reference has told already (busy.py).

    ids: as text. rows: JSON, what the relation of sql_paths or sql_trends says of them.
    """

    ids: tuple[str, ...]
    rows: str


class Forms(msgspec.Struct, frozen=True, kw_only=True):
    """What a statement leaves out, to be stopped (QueryStopped) by the first actor who needs it.

    quick_only: the full form. not_busy: folds over events, for actors who have very many.
    told: instead of the latter; of each plan that the statement is made of.
    """

    quick_only: bool = False
    not_busy: bool = False
    told: tuple[Told, ...] = ()


EVERY_FORM = Forms()


class Actors(msgspec.Struct, frozen=True, kw_only=True):
    """One array per actor, still to be rendered with a layout.

    only: text of a set that the actors are restricted to. told: those who are left out, as they are
    told otherwise. quick_only, not_busy: see Forms.
    """

    plan: FunnelPlan
    bindings: Bindings
    has_overrides: bool
    only: str | None = None
    quick_only: bool = False
    not_busy: bool = False
    told: Told | None = None


BUSY = 1_000
"""A fold over so many events takes longer than the reference takes over them."""


def actors_of(
    plan: FunnelPlan, bindings: Bindings, forms: Forms, *, has_overrides: bool, place: int = 0
) -> Actors:
    """place: of the plan among those that the statement is made of."""
    return Actors(
        plan=plan,
        bindings=bindings,
        has_overrides=has_overrides,
        quick_only=forms.quick_only,
        not_busy=forms.not_busy,
        told=forms.told[place] if forms.told else None,
    )


def unless_busy(actors: Actors, arrays: str, folds: str) -> str:
    """The arrays; not_busy: a long one stops the statement. folds: whether `a` goes by a fold."""
    if not actors.not_busy:
        return arrays
    return f"SELECT * FROM ({arrays}) WHERE NOT throwIf({is_busy(folds)})"


def is_busy(folds: str) -> str:
    """Whether `a` goes by a fold, and is too long for it."""
    return f"length(a) > {BUSY} AND ({folds})"


def split_of(plan: FunnelPlan) -> Split:
    """How a breakdown tells rows apart.

    Not at all, by an actor's first or last value, by every value on its own, or by the value of the
    event that takes one step.
    """
    breakdown = plan.breakdown
    if breakdown is None or plan.viz == "time_to_convert":
        return "none"
    if breakdown.type == "cohort" or breakdown.attribution == "all_events":
        return "value"
    return "step" if breakdown.attribution == "step" else "touch"


def carried(plan: FunnelPlan) -> str:
    """The columns that tell arrays apart and pass through every later stage."""
    return "actor" if split_of(plan) == "none" else "actor, value"


def arrays(actors: Actors, layout: Layout) -> str:
    """`actor`, [`value`,] `a`: the array that every form begins with."""
    by_uuid = layout.bars_steps or split_of(actors.plan) == "step"
    if not (layout.whole_ties and by_uuid):
        return _gathered(actors, layout, rows(actors, layout), "x", "x + {own}", "a")
    # Events with equal lists of steps come by uuid, and only some of them bar a step or are `own`.
    key = layout.without("x", layout.any_bar)
    carry, text = carried(actors.plan), rows(actors, layout, uuid=True)
    sorted_ = _gathered(actors, layout, text, f"({key}, u, x)", _OWN_ENTRY, "e")
    return f"SELECT {carry}, e.3 AS a FROM ({sorted_})"


def arrays_by_uuid(actors: Actors, layout: Layout) -> str:
    """`actor`, [`value`,] `a`, `places`: the same array, with the place of each event's uuid among
    the actor's (from 1); equal numbers are in that order.

    Places instead of uuids, because to sort tuples takes twice as long as to sort numbers.
    """
    plan, carry, text = actors.plan, carried(actors.plan), rows(actors, layout, uuid=True)
    if split_of(plan) == "step":
        sorted_ = _gathered(actors, layout, text, "(x, u)", "(x.1 + {own}, x.2)", "e")
        grouped = f"SELECT {carry}, e.1 AS xs, e.2 AS us FROM ({sorted_})"
    else:
        grouped = _grouped(plan, layout, text, "groupArray(x) AS xs, groupArray(u) AS us")
    by_uuid = f"SELECT {carry}, arraySort((x, u) -> u, xs, us) AS by_uuid FROM ({grouped})"
    placed = f"arrayMap((x, i) -> {layout.placed('x', 'i')}, by_uuid, arrayEnumerate(by_uuid))"
    return (
        f"SELECT {carry}, arrayMap(e -> {layout.of_placed('e')}, placed) AS a, "
        f"arrayMap(e -> {layout.place_of('e')}, placed) AS places "
        f"FROM (SELECT {carry}, arraySort({placed}) AS placed FROM ({by_uuid}))"
    )


_OWN_ENTRY = "(x.1, x.2, x.3 + {own})"


def _gathered(
    actors: Actors, layout: Layout, rows: str, entry: str, own_entry: str, name: str
) -> str:
    """The rows' entries as a sorted array called `name`, per actor (and value).

    own_entry: an entry x that is marked as the value's own.
    """
    plan = actors.plan
    if split_of(plan) != "step":
        return _grouped(plan, layout, rows, f"arraySort(groupArray({entry})) AS {name}")
    marked = f"arrayMap(x -> {own_entry.format(own=layout.number(layout.own))}, part.3)"
    parts = f"arrayMap(part -> if(part.1 AND part.2 = its.2, {marked}, part.3), parts)"
    return (
        f"SELECT actor, its.2 AS value, arraySort(arrayFlatten({parts})) AS {name} "
        "FROM (SELECT actor, groupArray((mine, own_value, part)) AS parts "
        f"FROM (SELECT actor, {_takes_value(plan, layout)} AS mine, "
        f"if(mine, value, {_no_value(plan)}) AS own_value, groupArray({entry}) AS part "
        f"FROM ({rows}) GROUP BY actor, mine, own_value) GROUP BY actor) "
        "ARRAY JOIN arrayFilter(part -> part.1, parts) AS its"
    )


def _grouped(plan: FunnelPlan, layout: Layout, rows: str, gathered: str) -> str:
    """The rows per actor (and value), where attribution does not ask for the event of one step."""
    if split_of(plan) == "touch":
        touch = _touch(plan, layout)
        return f"SELECT actor, {touch} AS value, {gathered} FROM ({rows}) GROUP BY actor"
    return f"SELECT {carried(plan)}, {gathered} FROM ({rows}) GROUP BY {carried(plan)}"


def _takes_value(plan: FunnelPlan, layout: Layout) -> str:
    """Whether the actor gets a row for the event's value: any event's, or only one step's."""
    if layout.wanted is None:
        return "toUInt8(1)"
    return layout.matches("x", layout.number(layout.step(layout.wanted)))


def _touch(plan: FunnelPlan, layout: Layout) -> str:
    """An actor's first or last value with any part that is not empty.

    At one instant the smallest value is the first, the greatest the last. The order is that of one
    text, time first: comparing tuples of time and value costs six times more.
    """
    assert plan.breakdown is not None
    keys = len(plan.breakdown.keys)
    least = "Min" if plan.breakdown.attribution == "first_touch" else "Max"
    time = f"reinterpretAsFixedString(byteSwap(toUInt64({layout.time('x')})))"
    if keys == 1:
        # The text holds the value, after eight bytes of time.
        return f"substring({least.lower()}If(concat({time}, value), value != ''), 9)"
    # Parts one after the other sort as their array does, each closed by what no part contains.
    closed = "concat(replaceAll(part, char(0), char(0, 1)), char(0, 0))"
    text = f"arrayStringConcat(arrayMap(part -> {closed}, value))"
    some = "arrayExists(part -> part != '', value)"
    return f"arrayResize(arg{least}If(value, concat({time}, {text}), {some}), {keys}, '')"


def value_type(plan: FunnelPlan) -> str:
    """What the values of the plan's breakdown are."""
    assert plan.breakdown is not None
    if plan.breakdown.type == "cohort":
        return "Int64"
    return "String" if len(plan.breakdown.keys) == 1 else "Array(String)"


def _no_value(plan: FunnelPlan) -> str:
    assert plan.breakdown is not None
    return "''" if len(plan.breakdown.keys) == 1 else "emptyArrayString()"


def rows(actors: Actors, layout: Layout, *, uuid: bool = False) -> str:
    """`actor`, `x` and what grouping needs beside them: a row per event that is looked at."""
    plan, source = actors.plan, source_of(actors)
    base = actors.bindings.bind(microseconds(plan.date_from) - 1, "Int64")
    columns = [
        f"{source.actor(plan.actor)} AS actor",
        f"to{layout.type}(toUnixTimestamp64Micro(e.timestamp) - {base}) AS t",
        *_fields(source, plan, layout),
    ]
    outer = ["actor", f"bitShiftLeft(t, {layout.time_at}) + {_packed(layout)} AS x"]
    if split_of(plan) != "none":
        columns.append(f"{_value(source, plan)} AS value")
        outer.append("value")
    if uuid:
        columns.append("toUInt128(e.uuid) AS u")
        outer.append("u")
    tests = ["1" if plan.order == "strict" or _names_tell(plan) else "steps + bars != 0"]
    if plan.sample is not None and plan.sample < 1:
        share = actors.bindings.bind(int(plan.sample * 2**64) - 1, "UInt64")
        tests.append(f"cityHash64(actor) <= {share}")
    inner = _entering(source, plan, columns, _chosen(actors, source.actor(plan.actor)))
    return f"SELECT {', '.join(outer)} FROM ({inner}) WHERE {' AND '.join(tests)}"


def _chosen(actors: Actors, actor: str) -> Sequence[str]:
    """Tests of the actors whose arrays are asked for."""
    tests = [] if actors.only is None else [f"{actor} IN {actors.only}"]
    if actors.told is not None:
        type_ = f"Array({id_type(actors.plan)})"
        tests.append(f"{actor} NOT IN {actors.bindings.bind(list(actors.told.ids), type_)}")
    return tests


def id_type(plan: FunnelPlan) -> str:
    """What the ids of the plan's actors are."""
    return "UUID" if isinstance(plan.actor, PersonActor) else "String"


def looked_at(actors: Actors) -> str:
    """`actor`, `at_us`, `uuid`, `event`, `steps`, `bars`[, `value`]: the same events, unpacked.

    at_us: since 1970. steps: those it matches, from 1. bars: indexes of exclusions.
    """
    plan, source = actors.plan, source_of(actors)
    steps = [f"if({is_step(source, step)}, {k}, 0)" for k, step in enumerate(plan.steps, start=1)]
    bars = [
        f"if({source.condition(bar.matches)}, {i}, -1)" for i, bar in enumerate(plan.exclusions)
    ]
    columns = [
        f"{source.actor(plan.actor)} AS actor",
        "toUnixTimestamp64Micro(e.timestamp) AS at_us",
        "toString(e.uuid) AS uuid",
        "e.event AS event",
        f"arrayFilter(k -> k > 0, [{', '.join(steps)}]::Array(Int32)) AS steps",
        f"arrayFilter(i -> i >= 0, [{', '.join(bars)}]::Array(Int32)) AS bars",
    ]
    if split_of(plan) != "none":
        columns.append(f"{_value(source, plan)} AS value")
    any_ = "1" if plan.order == "strict" else "notEmpty(steps) OR notEmpty(bars)"
    return f"SELECT * FROM ({_entering(source, plan, columns)}) WHERE {any_}"


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
    source: Source, plan: FunnelPlan, columns: Sequence[str], tests: Sequence[str] = ()
) -> str:
    """These columns of the events that enter (funnels.md section 3). tests: more of them."""
    where = [source.scope(), source.has_actor(plan.actor), source.condition(plan.filters)]
    if names := _names(plan):
        where.append(source.condition(EventNamed(names=names)))
    where.extend(tests)
    return f"SELECT {', '.join(columns)} {source.from_clause()} WHERE {' AND '.join(where)}"


def _fields(source: Source, plan: FunnelPlan, layout: Layout) -> list[str]:
    """`steps` and `bars`, in their places; with ranks `mirrored` too: step 1 is its highest bit."""
    bars = [layout.bar(i) for i in range(len(plan.exclusions))]
    columns = [f"{_summed(source, layout, plan.exclusions, bars)} AS bars"]
    steps = [layout.step(k) for k in range(1, layout.steps + 1)]
    if layout.overlapping:
        columns.append(f"{_summed(source, layout, plan.steps, steps)} AS steps")
        if layout.ranked:
            mirrored = [2 ** (layout.steps - k) for k in range(1, layout.steps + 1)]
            columns.append(f"{_summed(source, layout, plan.steps, mirrored)} AS mirrored")
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
    columns.append(f"{code} AS steps")
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


def _value(source: Source, plan: FunnelPlan) -> str:
    breakdown = plan.breakdown
    assert breakdown is not None
    if breakdown.type == "cohort":
        # Once per cohort that the event's person is in; 0 is everybody.
        each = ", ".join(
            f"if({source.condition(InCohort(cohort_id=cohort) if cohort else ALWAYS)}, "
            f"{source.bindings.bind(cohort, 'Int64')}, -1)"
            for cohort, _ in breakdown.cohorts
        )
        return f"arrayJoin(arrayFilter(cohort -> cohort >= 0, [{each}]))"
    parts = source.breakdown_parts(breakdown)
    return parts[0] if len(parts) == 1 else f"[{', '.join(parts)}]"
