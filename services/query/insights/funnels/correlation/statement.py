"""Correlation as one statement: how many who converted, and how many others, have each name.

Every actor with the first step is met once, beside what happened to it inside its attempt (or what
its record says), gathered into the set of names that it has. A name is an array of its `parts`:
[event], [event, key, value] or [key, value]; [] stands for the actor itself and counts the totals.

The people behind a count are found by the same relations, and one test more.
"""

from collections.abc import Sequence
from typing import assert_never

import msgspec

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
from services.query.insights.funnels.statement.paths import paths, window_us

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


class Correlating(msgspec.Struct, frozen=True, kw_only=True):
    """Who converted (False: did not, None: either way) and has that."""

    converted: bool | None
    has: HasEvent | HasRecord


def plain(plan: FunnelPlan) -> FunnelPlan:
    """Correlation looks at steps and at everybody, however the funnel is shown."""
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
    counted = (
        # Wide, since counts are multiplied.
        "SELECT parts, toInt128(countIf(converted)) AS s, toInt128(countIf(NOT converted)) AS f "
        f"FROM (SELECT converted, arrayJoin(arrayPushFront(names, [])) AS parts FROM ({named})) "
        "GROUP BY parts"
    )
    beside = (
        "SELECT *, sumIf(s, empty(parts)) OVER () AS ss, sumIf(f, empty(parts)) OVER () AS ff "
        f"FROM ({counted})"
    )
    above, below = "((s + 1) * (ff - f + 1))", "((ss - s + 1) * (f + 1))"
    told = (
        f"SELECT parts, s, f, {above} / {below} AS odds, "
        f"multiIf(empty(parts), 0, {above} > {below}, 1, 2) AS side "
        f"FROM ({beside}) WHERE empty(parts) OR ({_enough(question)})"
    )
    best = bindings.bind(BEST, "UInt64")
    text = (
        f"SELECT parts, s AS success, f AS failure FROM ({told}) "
        "ORDER BY side, if(side = 1, -odds, odds), arrayStringConcat(parts, '::') "
        f"LIMIT {best} BY side"
    )
    return Statement(text, bindings.values)


def compile_correlated(
    plan: FunnelPlan,
    correlating: Correlating,
    *,
    has_overrides: bool,
    limit: int,
    offset: int = 0,
    forms: Forms = EVERY_FORM,
) -> Statement:
    """Rows as of sql_people.compile_actors: `id` (text, ascending) and `times`."""
    bindings = Bindings()
    actors = actors_of(plain(plan), bindings, forms, has_overrides=has_overrides)
    tests = []
    if correlating.converted is not None:
        tests.append("p.converted" if correlating.converted else "NOT p.converted")
    match correlating.has:
        case HasEvent(condition=condition, properties=properties):
            found = _happened(actors, condition, _has_all(bindings, "e.sent", properties))
            joined = f"({found}) AS ev INNER JOIN ({_ends(actors)}) AS p ON ev.actor = p.actor"
            tests.append(_INSIDE)
        case HasRecord(properties=properties):
            joined = _with_records(actors)
            tests.append(_has_all(bindings, "r.sent", properties))
        case _:
            assert_never(correlating.has)
    text = (
        f"SELECT toString(p.actor) AS id, any(p.times) AS times FROM {joined} "
        f"WHERE {' AND '.join(tests)} GROUP BY p.actor "
        f"ORDER BY id LIMIT {bindings.bind(limit, 'UInt64')} "
        f"OFFSET {bindings.bind(offset, 'UInt64')}"
    )
    return Statement(text, bindings.values)


_INSIDE = "ev.t > p.since AND ev.t < p.until"


def _ends(actors: Actors) -> str:
    """`actor`, `times`, `converted`, and `since`, `until`: what lies strictly between counts."""
    n = len(actors.plan.steps)
    return (
        f"SELECT actor, times, times[{n}] > 0 AS converted, times[1] AS since, "
        f"if(converted, times[{n}], times[1] + {window_us(actors.plan)}) AS until "
        f"FROM ({paths(actors)})"
    )


def _event_names(actors: Actors, question: OfEvents) -> str:
    """`converted`, `names` of each actor."""
    bindings = actors.bindings
    never = sorted({*own_names(actors.plan), *question.excluded})
    test = f"e.event NOT IN {bindings.bind(never, 'Array(String)')}" if never else "1"
    return _gathered(actors, _happened(actors, ALWAYS, test, "[e.event]"))


def _event_properties(actors: Actors, question: OfEventProperties) -> str:
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


def _happened(actors: Actors, condition: AnyCondition, test: str, name: str = "''") -> str:
    """`actor`, `t` (as `times`), `name` of the events in range; no filter of the funnel's holds."""
    plan, source = actors.plan, source_of(actors)
    base = actors.bindings.bind(microseconds(plan.date_from) - 1, "Int64")
    columns = (
        f"{source.actor(plan.actor)} AS actor, "
        f"toUInt64(toUnixTimestamp64Micro(e.timestamp) - {base}) AS t, {name} AS name"
    )
    tests = [source.has_actor(plan.actor), source.condition(condition), test]
    return (
        f"SELECT {columns} {source.from_clause()} WHERE {source.scope()} AND {' AND '.join(tests)}"
    )


def _gathered(actors: Actors, happened: str) -> str:
    """Actors to whom nothing happened have a row too: the join is theirs, and small."""
    return (
        "SELECT any(p.converted) AS converted, "
        f"groupUniqArrayIf(ev.name, {_INSIDE}) AS names "
        f"FROM ({happened}) AS ev RIGHT JOIN ({_ends(actors)}) AS p ON ev.actor = p.actor "
        "GROUP BY p.actor"
    )


# Records


def _record_properties(actors: Actors, question: OfRecords) -> str:
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
    return f"SELECT p.converted AS converted, {names} AS names FROM {_with_records(actors)}"


def _with_records(actors: Actors) -> str:
    """Actors `p`, each beside its record `r`; '' without one."""
    return f"({_ends(actors)}) AS p LEFT ANY JOIN ({_records(actors)}) AS r ON p.actor = r.id"


def _records(actors: Actors) -> str:
    team = actors.bindings.bind(actors.plan.team_id, "Int64")
    match actors.plan.actor:
        case PersonActor():
            return (
                "SELECT t.person_id AS id, t.sent AS sent FROM persons AS t FINAL "
                f"WHERE t.team_id = {team} AND NOT t.deleted"
            )
        case GroupActor(index=index):
            return (
                "SELECT t.group_key AS id, t.sent AS sent FROM groups AS t FINAL "
                f"WHERE t.team_id = {team} "
                f"AND t.group_type_index = {actors.bindings.bind(index, 'UInt8')}"
            )
        case ExpressionActor():
            # A value has no record: whatever is asked for is missing.
            return "SELECT '' AS id, '' AS sent WHERE 0"
        case _:
            assert_never(actors.plan.actor)


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
