"""Correlation as one statement: for each name, how many converted actors have it, and how many
others.

Every actor with the first step has one row, with the set of its names: of the events inside its
attempt, or of its record's properties. A name is an array of its `parts`:
[event], [event, key, value] or [key, value]; [] stands for the actor itself and counts the totals.

The people behind a count are found by the same relations and one more test.
"""

from collections.abc import Sequence
from typing import assert_never

import msgspec

from services.common.clickhouse.relation import Relation, join, statement, table
from services.common.clickhouse.statement import Bindings, Statement
from services.query.events.actors import ExpressionActor, GroupActor, PersonActor
from services.query.events.conditions import ALWAYS, AnyCondition
from services.query.events.moments import microseconds
from services.query.insights.funnels.correlation.question import (
    AUTOCAPTURE,
    BEST,
    CHAIN,
    DIVIDER,
    OfEventProperties,
    OfEvents,
    OfRecords,
    Question,
    own_names,
)
from services.query.insights.funnels.plan import FunnelPlan, StepsView
from services.query.insights.funnels.statement.actors import EVERY_FORM, Actors, Forms, actors_of
from services.query.insights.funnels.statement.events import source_of
from services.query.insights.funnels.statement.form import window_us
from services.query.insights.funnels.statement.paths import paths

_ENOUGH = 25
_SHARE = 50
"""Names that fewer than 25 actors have, and fewer than 1 in 50, are dropped."""
_LEAST_WITH_PROPERTIES = 2

Pairs = tuple[tuple[str, tuple[str, ...]], ...]
"""(property, its possible values as text; "" for a missing one)."""


class HasEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event inside the attempt that meets the condition and has these properties."""

    condition: AnyCondition = ALWAYS
    properties: Pairs = ()


class HasRecord(msgspec.Struct, frozen=True):
    """A record with these properties."""

    properties: Pairs


class CorrelationSelection(msgspec.Struct, frozen=True, kw_only=True):
    """The actors behind a count: converted (False: not, None: either way), with that event or
    record.
    """

    converted: bool | None
    has: HasEvent | HasRecord


def plain(plan: FunnelPlan) -> FunnelPlan:
    """The plan that correlation counts: steps, without a breakdown, however the funnel is shown."""
    return msgspec.structs.replace(plan, breakdown=None, view=StepsView())


def compile_correlation(
    plan: FunnelPlan, question: Question, *, has_overrides: bool, forms: Forms = EVERY_FORM
) -> Statement:
    """Rows of `parts`, `success`, `failure`: the totals, the best successes, then the failures."""
    bindings = Bindings()
    actors = actors_of(plain(plan), bindings, forms, has_overrides=has_overrides)
    match question:
        case OfEvents():
            named = _event_names(actors, question)
        case OfEventProperties():
            named = _event_properties(actors, question)
        case OfRecords():
            named = _record_properties(actors, question)
        case _:
            assert_never(question)
    each = named.only("converted", parts="arrayJoin(arrayPushFront(names, []))").named("parts")
    counted = each.group(
        "parts",
        # Wide, since counts are multiplied.
        s="toInt128(countIf(converted))",
        f="toInt128(countIf(NOT converted))",
    )
    with_totals = counted.named("counted").add(
        ss="sumIf(s, empty(parts)) OVER ()", ff="sumIf(f, empty(parts)) OVER ()"
    )
    above, below = "((s + 1) * (ff - f + 1))", "((ss - s + 1) * (f + 1))"
    with_odds = (
        with_totals.named("totals")
        .where(f"(empty(parts) OR ({_enough(question)}))")
        .add(
            odds=f"{above} / {below}",
            side=f"multiIf(empty(parts), 0, {above} > {below}, 1, 2)",
        )
    )
    best = (
        with_odds.named("odds")
        .only("parts", success="s", failure="f")
        .order(
            "side",
            "if(side = 1, -odds, odds)",
            "arrayStringConcat(parts, '::')",
            limit=f"{bindings.bind(BEST, 'UInt64')} BY side",
        )
    )
    return statement(best, bindings)


def compile_correlated(
    plan: FunnelPlan,
    selection: CorrelationSelection,
    *,
    has_overrides: bool,
    limit: int,
    offset: int = 0,
    forms: Forms = EVERY_FORM,
) -> Statement:
    """Rows as of people.statement.compile_actors: `id` (text, ascending) and `times`."""
    bindings = Bindings()
    actors = actors_of(plain(plan), bindings, forms, has_overrides=has_overrides)
    match selection.has:
        case HasEvent(condition=condition, properties=properties):
            test = _has_all(bindings, "e.sent", properties)
            found = join(
                "INNER JOIN",
                "ev.actor = p.actor",
                ev=_happened(actors, condition, test),
                p=_ends(actors),
            ).where(_INSIDE)
        case HasRecord(properties=properties):
            found = _with_records(actors).where(_has_all(bindings, "r.sent", properties))
        case _:
            assert_never(selection.has)
    if selection.converted is not None:
        found = found.where("p.converted" if selection.converted else "NOT p.converted")
    theirs = found.only(actor="p.actor", times="p.times").named("found")
    once = theirs.group("actor", times="any(times)").named("actors")
    page = f"{bindings.bind(limit, 'UInt64')} OFFSET {bindings.bind(offset, 'UInt64')}"
    return statement(
        once.only(id="toString(actor)", times="times").order("id", limit=page), bindings
    )


_INSIDE = "ev.t > p.since AND ev.t < p.until"


def _ends(actors: Actors) -> Relation:
    """`actor`, `times`, `converted`, `since`, `until`: events strictly between count."""
    last = f"times[{len(actors.plan.steps)}]"
    return (
        paths(actors)
        .only(
            "actor",
            "times",
            converted=f"{last} > 0",
            since="times[1]",
            until=f"if(converted, {last}, times[1] + {window_us(actors.plan)})",
        )
        .named("ends")
    )


def _event_names(actors: Actors, question: OfEvents) -> Relation:
    """`converted`, `names` of each actor."""
    bindings = actors.bindings
    never = sorted({*own_names(actors.plan), *question.excluded})
    test = f"e.event NOT IN {bindings.bind(never, 'Array(String)')}" if never else "1"
    return _gathered(actors, _happened(actors, ALWAYS, test, "[e.event]"))


def _event_properties(actors: Actors, question: OfEventProperties) -> Relation:
    bindings = actors.bindings
    wanted = bindings.bind(list(question.events), "Array(String)")
    excluded = bindings.bind(list(question.excluded), "Array(String)")
    own = (
        f"arrayMap(kv -> [e.event, kv.1, {_text('kv.2')}], arrayFilter(kv -> kv.2 != 'null' AND "
        f"NOT has({excluded}, kv.1), JSONExtractKeysAndValuesRaw(e.sent)))"
    )
    chain = (
        f"concat({_property('e.sent', '$event_type', bindings)}, '{DIVIDER}', "
        f"{_property('e.sent', '$elements_chain', bindings)})"
    )
    clicked = bindings.bind(AUTOCAPTURE, "String")
    each = f"if(e.event = {clicked}, [[e.event, '{CHAIN}', {chain}]], {own})"
    test = f"e.event IN {wanted}"
    return _gathered(actors, _happened(actors, ALWAYS, test, f"arrayJoin({each})"))


def _happened(actors: Actors, condition: AnyCondition, test: str, name: str = "''") -> Relation:
    """`actor`, `t` (as `times`), `name` of the events in range, without the funnel's filters."""
    plan, source = actors.plan, source_of(actors)
    base = actors.bindings.bind(microseconds(plan.date_from) - 1, "Int64")
    tests = [source.has_actor(plan.actor), source.condition(condition), test]
    columns = {
        "actor": source.actor(plan.actor),
        "t": f"toUInt64(toUnixTimestamp64Micro(e.timestamp) - {base})",
        "name": name,
    }
    found = source.rows()
    for each in (*source.scopes(), *tests):
        found = found.where(each)
    return found.only(**columns).named("happened")


def _gathered(actors: Actors, happened: Relation) -> Relation:
    """`converted`, `names` of each actor; actors without such events have a row too.

    A right join: the actors are the smaller side.
    """
    joined = join("RIGHT JOIN", "ev.actor = p.actor", ev=happened, p=_ends(actors))
    return joined.group(
        "p.actor", converted="any(p.converted)", names=f"groupUniqArrayIf(ev.name, {_INSIDE})"
    ).named("named")


# Records


def _record_properties(actors: Actors, question: OfRecords) -> Relation:
    bindings = actors.bindings
    excluded = bindings.bind(list(question.excluded), "Array(String)")
    if question.names is None:
        names = (
            f"arrayMap(kv -> [kv.1, {_text('kv.2')}], arrayFilter(kv -> kv.2 != 'null' AND "
            f"NOT has({excluded}, kv.1), JSONExtractKeysAndValuesRaw(r.sent)))"
        )
    else:
        kept = [name for name in dict.fromkeys(question.names) if name not in question.excluded]
        each = (
            f"[{bindings.bind(name, 'String')}, {_property('r.sent', name, bindings)}]"
            for name in kept
        )
        names = f"[{', '.join(each)}]::Array(Array(String))"
    return _with_records(actors).only(converted="p.converted", names=names).named("named")


def _with_records(actors: Actors) -> Relation:
    """Actors `p`, each joined with its record `r`; '' without one."""
    return join("LEFT ANY JOIN", "p.actor = r.id", p=_ends(actors), r=_records(actors))


def _records(actors: Actors) -> Relation:
    team = actors.bindings.bind(actors.plan.team_id, "Int64")
    match actors.plan.actor:
        case PersonActor():
            persons = table("persons AS t FINAL").where(f"t.team_id = {team}")
            found = persons.where("NOT t.deleted").only(id="t.person_id", sent="t.sent")
        case GroupActor(index=index):
            groups = table("groups AS t FINAL").where(f"t.team_id = {team}")
            of_type = f"t.group_type_index = {actors.bindings.bind(index, 'UInt8')}"
            found = groups.where(of_type).only(id="t.group_key", sent="t.sent")
        case ExpressionActor():
            # A value has no record: all its properties are missing.
            found = table("system.one").where("0").only(id="''", sent="''")
        case _:
            assert_never(actors.plan.actor)
    return found.named("records")


# Properties as text, from their JSON: a missing one is ''


def _property(document: str, key: str, bindings: Bindings) -> str:
    return _text(f"JSONExtractRaw({document}, {bindings.bind(key, 'String')})")


def _text(raw: str) -> str:
    return f"multiIf({raw} = 'null', '', startsWith({raw}, '\"'), JSONExtractString({raw}), {raw})"


def _has_all(bindings: Bindings, document: str, properties: Pairs) -> str:
    tests = [
        f"{_property(document, key, bindings)} IN {_set(bindings, values)}"
        for key, values in properties
    ]
    return " AND ".join(tests) or "1"


def _set(bindings: Bindings, values: Sequence[str]) -> str:
    return bindings.bind(list(values), "Array(String)")


def _enough(question: Question) -> str:
    often = f"(s + f >= {_ENOUGH} OR (s + f) * {_SHARE} >= ss + ff)"
    if isinstance(question, OfEventProperties):
        return f"{often} AND s + f > {_LEAST_WITH_PROPERTIES}"
    return often
