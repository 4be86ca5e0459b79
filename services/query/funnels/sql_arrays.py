"""Events into one sorted array of packed numbers (sql_layout) per actor, or per actor and value.

Every form of the funnel starts from this relation: `actor`, `a` and, with a breakdown, `value`.
`value` is text for one key, an array of texts for several, an index into the cohorts for cohorts.
"""

from typing import Literal

import msgspec

from services.common.statement import Bindings
from services.query.conditions import EventNamed
from services.query.funnels.plan import Breakdown, FunnelPlan
from services.query.funnels.sql_layout import NOTHING, Layout, any_names
from services.query.moments import microseconds
from services.query.source import Source

Split = Literal["none", "touch", "value", "step"]


class Actors(msgspec.Struct, frozen=True, kw_only=True):
    """One array per actor, still to be rendered with a layout.

    only: text of a set that the actors are restricted to.
    """

    plan: FunnelPlan
    bindings: Bindings
    has_overrides: bool
    only: str | None = None


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
    if not (layout.whole_ties and layout.bars_steps):
        return _gathered(actors, rows(actors, layout), "arraySort(groupArray(x)) AS a")
    # Events with equal lists of steps come by uuid, and only some of them bar a step.
    key = layout.without("x", layout.any_bar)
    return _gathered(
        actors,
        rows(actors, layout, uuid=True),
        f"arrayMap(e -> e.3, arraySort(groupArray(({key}, u, x)))) AS a",
    )


def arrays_with_uuids(actors: Actors, layout: Layout) -> str:
    """`actor`, [`value`,] `e`: (start, uuid as a number, x) of each event, sorted."""
    entry = f"({layout.start('x')}, u, x)"
    text = rows(actors, layout, uuid=True)
    return _gathered(actors, text, f"arraySort(groupArray({entry})) AS e")


def _gathered(actors: Actors, rows: str, array: str) -> str:
    match split_of(actors.plan):
        case "none" | "value":
            carry = carried(actors.plan)
            return f"SELECT {carry}, {array} FROM ({rows}) GROUP BY {carry}"
        case "touch":
            touch = _touch(actors.plan)
            return f"SELECT actor, {touch} AS value, {array} FROM ({rows}) GROUP BY actor"
        case "step":
            raise NotImplementedError


def rows(actors: Actors, layout: Layout, *, uuid: bool = False) -> str:
    """`actor`, `x` and what grouping needs beside them: a row per event that is looked at."""
    plan = actors.plan
    source = Source(
        plan.team_id,
        actors.bindings,
        period=(plan.date_from, plan.date_to),
        has_overrides=actors.has_overrides,
        timezone=plan.timezone,
    )
    base = actors.bindings.bind(microseconds(plan.date_from) - 1, "Int64")
    columns = [
        f"{source.actor(plan.actor)} AS actor",
        f"to{layout.type}(toUnixTimestamp64Micro(e.timestamp) - {base}) AS t",
        *_fields(source, plan, layout),
    ]
    if split_of(plan) != "none":
        assert plan.breakdown is not None
        columns.append(f"{_value(source, plan.breakdown)} AS value")
    if uuid:
        columns.append("UUIDToNum(e.uuid) AS u")
    where = [source.scope(), source.has_actor(plan.actor), source.condition(plan.filters)]
    if names := _names(plan):
        where.append(source.condition(EventNamed(names=names)))
    inner = f"SELECT {', '.join(columns)} {source.from_clause()} WHERE {' AND '.join(where)}"
    outer = ["actor", f"bitShiftLeft(t, {layout.time_at}) + {_packed(layout)} AS x"]
    outer += ["value"] if split_of(plan) != "none" else []
    outer += ["u"] if uuid else []
    kept = [] if plan.order == "strict" else ["steps + bars != 0"]
    if plan.sample is not None and plan.sample < 1:
        share = actors.bindings.bind(int(plan.sample * 2**64) - 1, "UInt64")
        kept.append(f"cityHash64(actor) <= {share}")
    if actors.only is not None:
        kept.append(f"actor IN {actors.only}")
    condition = f" WHERE {' AND '.join(kept)}" if kept else ""
    return f"SELECT {', '.join(outer)} FROM ({inner}){condition}"


def _fields(source: Source, plan: FunnelPlan, layout: Layout) -> list[str]:
    """`steps` and `bars`, in their places; with ranks `mirrored` too: step 1 is its highest bit."""
    matches = [source.step(step) for step in plan.steps]
    barring = [source.condition(exclusion.matches) for exclusion in plan.exclusions]
    bars = " + ".join(
        f"({bar}) * {layout.number(2 ** (layout.bars_at + i))}" for i, bar in enumerate(barring)
    )
    columns = [f"{bars or layout.number(0)} AS bars"]
    if layout.overlapping:
        columns.append(
            " + ".join(
                f"({match}) * {layout.number(layout.step(k))}"
                for k, match in enumerate(matches, start=1)
            )
            + " AS steps"
        )
        if layout.ranked:
            columns.append(
                " + ".join(
                    f"({match}) * {layout.number(2 ** (layout.steps - k))}"
                    for k, match in enumerate(matches, start=1)
                )
                + " AS mirrored"
            )
        return columns
    cases = [
        f"{match}, {layout.number(layout.step(k))}" for k, match in enumerate(matches, start=1)
    ]
    if plan.order == "strict":
        nothing = layout.number(NOTHING << layout.steps_at)
        cases += [f"bars != 0, {layout.number(0)}"] if barring else []
    else:
        nothing = layout.number(0)
    columns.append(f"multiIf({', '.join(cases)}, {nothing}) AS steps")
    return columns


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


def _names(plan: FunnelPlan) -> tuple[str, ...]:
    """The only event names worth reading, sorted; empty when others may count."""
    if plan.order == "strict":
        return ()
    wanted = [step.matches for step in plan.steps] + [bar.matches for bar in plan.exclusions]
    return tuple(sorted(any_names(wanted) or ()))


def _value(source: Source, breakdown: Breakdown) -> str:
    if breakdown.type == "cohort":
        raise NotImplementedError
    parts = source.breakdown_parts(breakdown)
    return parts[0] if len(parts) == 1 else f"[{', '.join(parts)}]"


def _touch(plan: FunnelPlan) -> str:
    raise NotImplementedError
