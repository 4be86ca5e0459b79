"""Events into one sorted array of packed numbers (sql_layout) per actor, or per actor and value.

Every form of the funnel starts from this relation: `actor`, `a` and, with a breakdown, `value`.
`value` is text for one key, an array of texts for several, the id of a cohort.
"""

from typing import Literal, assert_never

from services.query.insights.funnels.plan import (
    Breakdown,
    ByCohort,
    ByProperty,
    FirstTouch,
    FunnelPlan,
    LastTouch,
    OfStep,
)
from services.query.insights.funnels.statement.actors import Actors
from services.query.insights.funnels.statement.events import rows
from services.query.insights.funnels.statement.layout import Layout


def carried(plan: FunnelPlan) -> str:
    """The columns that tell arrays apart and pass through every later stage."""
    return "actor" if plan.breakdown is None else "actor, value"


def arrays(actors: Actors, layout: Layout) -> str:
    """`actor`, [`value`,] `a`: the array that every form begins with."""
    by_uuid = layout.bars_steps or actors.plan.wanted_step is not None
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
    if plan.wanted_step is not None:
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
    breakdown = actors.plan.breakdown
    if not (isinstance(breakdown, ByProperty) and isinstance(breakdown.attribution, OfStep)):
        return _grouped(actors.plan, layout, rows, f"arraySort(groupArray({entry})) AS {name}")
    marked = f"arrayMap(x -> {own_entry.format(own=layout.number(layout.own))}, part.3)"
    parts = f"arrayMap(part -> if(part.1 AND part.2 = its.2, {marked}, part.3), parts)"
    return (
        f"SELECT actor, its.2 AS value, arraySort(arrayFlatten({parts})) AS {name} "
        "FROM (SELECT actor, groupArray((mine, own_value, part)) AS parts "
        f"FROM (SELECT actor, {_takes_value(layout)} AS mine, "
        f"if(mine, value, {_no_value(breakdown)}) AS own_value, groupArray({entry}) AS part "
        f"FROM ({rows}) GROUP BY actor, mine, own_value) GROUP BY actor) "
        "ARRAY JOIN arrayFilter(part -> part.1, parts) AS its"
    )


def _grouped(plan: FunnelPlan, layout: Layout, rows: str, gathered: str) -> str:
    """The rows per actor (and value), where attribution does not ask for the event of one step."""
    match plan.breakdown:
        case ByProperty(keys=keys, attribution=FirstTouch()):
            touch = _touch(len(keys), layout, "Min")
        case ByProperty(keys=keys, attribution=LastTouch()):
            touch = _touch(len(keys), layout, "Max")
        case _:
            return f"SELECT {carried(plan)}, {gathered} FROM ({rows}) GROUP BY {carried(plan)}"
    return f"SELECT actor, {touch} AS value, {gathered} FROM ({rows}) GROUP BY actor"


def _takes_value(layout: Layout) -> str:
    """Whether the actor gets a row for the event's value: any event's, or only one step's."""
    if layout.wanted is None:
        return "toUInt8(1)"
    return layout.matches("x", layout.number(layout.step(layout.wanted)))


def _touch(keys: int, layout: Layout, least: Literal["Min", "Max"]) -> str:
    """An actor's first (Min) or last (Max) value with any part that is not empty.

    At one instant the smallest value is the first, the greatest the last. The order is that of one
    text, time first: comparing tuples of time and value costs six times more.
    """
    time = f"reinterpretAsFixedString(byteSwap(toUInt64({layout.time('x')})))"
    if keys == 1:
        # The text holds the value, after eight bytes of time.
        return f"substring({least.lower()}If(concat({time}, value), value != ''), 9)"
    # Parts one after the other sort as their array does, each closed by what no part contains.
    closed = "concat(replaceAll(part, char(0), char(0, 1)), char(0, 0))"
    text = f"arrayStringConcat(arrayMap(part -> {closed}, value))"
    some = "arrayExists(part -> part != '', value)"
    return f"arrayResize(arg{least}If(value, concat({time}, {text}), {some}), {keys}, '')"


def value_type(breakdown: Breakdown) -> str:
    """What the values of the breakdown are."""
    match breakdown:
        case ByCohort():
            return "Int64"
        case ByProperty(keys=keys):
            return "String" if len(keys) == 1 else "Array(String)"
        case _:
            assert_never(breakdown)


def _no_value(breakdown: ByProperty) -> str:
    return "''" if len(breakdown.keys) == 1 else "emptyArrayString()"
