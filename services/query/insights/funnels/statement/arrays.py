"""Events into one sorted array of packed numbers (layout.py) per actor, or per actor and value.

Every form of the funnel starts from this relation: `actor`, `a` and, with a breakdown, `value`.
`value` is text for one key, an array of texts for several, the id of a cohort.
"""

from typing import Literal, assert_never

import msgspec

from services.common.clickhouse.relation import Relation
from services.query.insights.funnels.plan import (
    Breakdown,
    ByCohort,
    ByProperty,
    FirstTouch,
    LastTouch,
    OfStep,
)
from services.query.insights.funnels.statement.actors import Actors
from services.query.insights.funnels.statement.events import rows
from services.query.insights.funnels.statement.form import Form
from services.query.insights.funnels.statement.layout import Layout


class _Entry(msgspec.Struct, frozen=True):
    """The text gathered of a packed event. own: an entry `x`, marked as the value's own."""

    text: str
    own: str


def arrays(actors: Actors, form: Form) -> Relation:
    """`actor`, [`value`,] `a`: the array that every form begins with."""
    layout = form.layout
    own = layout.number(layout.own)
    by_uuid = layout.steps_exclude or form.plan.wanted_step is not None
    if not (layout.whole_ties and by_uuid):
        return _gathered(form, rows(actors, layout), _Entry("x", f"x + {own}")).named("arrays")
    # Events with equal lists of steps come by uuid; only some of them exclude, or are `own`.
    key = layout.without("x", layout.any_exclusion)
    entry = _Entry(f"({key}, u, x)", f"(x.1, x.2, x.3 + {own})")
    sorted_ = _gathered(form, rows(actors, layout, uuid=True), entry).named("sorted")
    return sorted_.only(*form.keys, a="a.3").named("arrays")


def arrays_by_uuid(actors: Actors, form: Form) -> Relation:
    """`actor`, [`value`,] `a`, `places`: the same array, with the place of each event's uuid among
    the actor's (from 1); equal numbers are in that order.

    Places instead of uuids, because to sort tuples takes twice as long as to sort numbers.
    """
    layout, packed, keys = form.layout, rows(actors, form.layout, uuid=True), form.keys
    if form.plan.wanted_step is not None:
        entry = _Entry("(x, u)", f"(x.1 + {layout.number(layout.own)}, x.2)")
        grouped = _gathered(form, packed, entry).named("sorted").only(*keys, xs="a.1", us="a.2")
    else:
        grouped = _grouped(form, packed, xs="groupArray(x)", us="groupArray(u)")
    by_uuid = grouped.named("gathered").only(*keys, by_uuid="arraySort((x, u) -> u, xs, us)")
    placed = (
        f"arrayMap((x, i) -> {layout.placed('x', place='i')}, by_uuid, arrayEnumerate(by_uuid))"
    )
    numbered = by_uuid.named("by_uuid").only(*keys, placed=f"arraySort({placed})")
    return (
        numbered.named("placed")
        .only(
            *keys,
            a=f"arrayMap(e -> {layout.of_placed('e')}, placed)",
            places=f"arrayMap(e -> {layout.place_of('e')}, placed)",
        )
        .named("arrays_by_uuid")
    )


def _gathered(form: Form, packed: Relation, entry: _Entry) -> Relation:
    """The events' entries as a sorted array `a`, per actor (and value)."""
    breakdown = form.plan.breakdown
    if not (isinstance(breakdown, ByProperty) and isinstance(breakdown.attribution, OfStep)):
        return _grouped(form, packed, a=f"arraySort(groupArray({entry.text}))")
    # Events with a value for the actor, by value, and events without one.
    own_value = f"if(mine, value, {_no_value(breakdown)})"
    given = packed.add(mine=_takes_value(form.layout), own_value=own_value).named("given")
    by_value = given.group("actor", "mine", "own_value", part=f"groupArray({entry.text})")
    parts = by_value.named("parts").group("actor", parts="groupArray((mine, own_value, part))")
    marked = f"arrayMap(x -> {entry.own}, part.3)"
    of_all = f"arrayMap(part -> if(part.1 AND part.2 = its.2, {marked}, part.3), parts)"
    return (
        parts.named("values")
        .each(its="arrayFilter(part -> part.1, parts)")
        .only("actor", value="its.2", a=f"arraySort(arrayFlatten({of_all}))")
    )


def _grouped(form: Form, packed: Relation, **gathered: str) -> Relation:
    """Per actor (and value), unless attribution is by the event of one step."""
    match form.plan.breakdown:
        case ByProperty(keys=keys, attribution=FirstTouch()):
            touch = _touch(len(keys), form.layout, "Min")
        case ByProperty(keys=keys, attribution=LastTouch()):
            touch = _touch(len(keys), form.layout, "Max")
        case _:
            return packed.group(*form.keys, **gathered)
    return packed.group("actor", value=touch, **gathered)


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
    # Joined parts sort as their array does, each closed by bytes that no part contains.
    closed = "concat(replaceAll(part, char(0), char(0, 1)), char(0, 0))"
    text = f"arrayStringConcat(arrayMap(part -> {closed}, value))"
    some = "arrayExists(part -> part != '', value)"
    return f"arrayResize(arg{least}If(value, concat({time}, {text}), {some}), {keys}, '')"


def value_type(breakdown: Breakdown) -> str:
    """The engine's type of the breakdown's values."""
    match breakdown:
        case ByCohort():
            return "Int64"
        case ByProperty(keys=keys):
            return "String" if len(keys) == 1 else "Array(String)"
        case _:
            assert_never(breakdown)


def _no_value(breakdown: ByProperty) -> str:
    return "''" if len(breakdown.keys) == 1 else "emptyArrayString()"
