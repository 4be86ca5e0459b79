"""A lifecycle as ClickHouse text: the periods of each actor, folded, and when it was first seen.

The period before the first has the index 0 here, and the periods of the plan go from 1. Of up to 64
of them the active ones are bits of one number, of more a sorted array. Records are joined once per
actor, after the fold; of those that say nothing about a period of the range, none is.
"""

import msgspec

from services.common.clickhouse.statement import Bindings, Statement
from services.query.events.actors import PersonActor
from services.query.events.conditions import ALWAYS
from services.query.events.folds import (
    BITS,
    DISTINCT,
    MASK,
    NONE,
    SORTED,
    counts_of,
    distinct,
    per_actor,
)
from services.query.events.period_index import period_index
from services.query.events.periods import Period, Span
from services.query.events.source import Source
from services.query.insights.lifecycle.plan import STATUSES, LifecyclePlan
from services.query.insights.lifecycle.pointing import Pointed

_NEW, _RETURNING, _RESURRECTING, _DORMANT = range(len(STATUSES))
_NO_STATUS = len(STATUSES)


class _Lifecycle(msgspec.Struct, frozen=True):
    """A plan that has periods and an entity. whole: its span, with the period before."""

    plan: LifecyclePlan
    whole: Span
    bindings: Bindings
    has_overrides: bool


def compile_lifecycle(plan: LifecyclePlan, *, has_overrides: bool) -> Statement | None:
    """Rows of `status` (index in STATUSES), `period` (index in the plan's span), `actors`.

    None where nobody can be anything.
    """
    of = _lifecycle(plan, has_overrides)
    if of is None:
        return None
    text = (
        "SELECT cell.1 AS status, cell.2 - 1 AS period, count() AS actors"
        f" FROM (SELECT arrayJoin({_cells(of)}) AS cell FROM ({_active(of)}))"
        " GROUP BY status, period"
    )
    return Statement(text, of.bindings.values)


def compile_people(
    plan: LifecyclePlan, pointed: Pointed, *, has_overrides: bool, limit: int, offset: int
) -> Statement | None:
    """Rows of `id` (text) and `events`, by events descending, then id.

    events: of the periods in which the actor is what it is asked to be; of a dormant one those of
    the period before. None where nobody can be behind the number.
    """
    of = _lifecycle(plan, has_overrides)
    periods = [
        index + 1 for index in plan.span.shown if pointed.point is None or index == pointed.point
    ]
    if of is None or not periods:
        return None
    bind = of.bindings.bind
    tests = [f"has({bind(periods, 'Array(UInt32)')}, cell.2)"]
    if pointed.status is not None:
        tests.append(f"cell.1 = {STATUSES.index(pointed.status)}")
    meant = f"arrayFilter(cell -> {' AND '.join(tests)}, {_cells(of, counted=True)})"
    text = (
        f"SELECT toString(actor) AS id, arraySum(cell -> cell.3, {meant} AS cells) AS events"
        f" FROM ({_active(of, counted=True)}) WHERE notEmpty(cells) ORDER BY events DESC, id"
        f" LIMIT {bind(limit, 'UInt64')} OFFSET {bind(offset, 'UInt64')}"
    )
    return Statement(text, of.bindings.values)


def _lifecycle(plan: LifecyclePlan, has_overrides: bool) -> _Lifecycle | None:
    if plan.entity is None or plan.before is None:
        return None
    periods = (plan.before, *plan.span.periods)
    whole = msgspec.structs.replace(plan.span, date_from=plan.before.start, periods=periods)
    return _Lifecycle(plan, whole, Bindings(), has_overrides)


def _cells(of: _Lifecycle, *, counted: bool = False) -> str:
    """(status, index of the period[, events]) of an actor of `_active`."""
    columns, events, and_counts = ("c, ", ", c", ", counts") if counted else ("", "", "")
    status = f"multiIf(x = seen, {_NEW}, before + 1 = x, {_RETURNING}, {_RESURRECTING})"
    present = (
        f"arrayMap((x, {columns}before) -> ({status}, toUInt32(x){events}),"
        f" active{and_counts}, arrayShiftRight(active, 1, {NONE}))"
    )
    absent = (
        f"arrayMap((x, {columns}after) ->"
        f" (if(after = x + 1, {_NO_STATUS}, {_DORMANT}), toUInt32(x + 1){events}),"
        f" active{and_counts}, arrayShiftLeft(active, 1, {NONE}))"
    )
    return (
        f"arrayFilter(cell -> cell.1 != {_NO_STATUS} AND cell.2 BETWEEN 1"
        f" AND {len(of.plan.span.periods)}, arrayConcat({present}, {absent}))"
    )


def _active(of: _Lifecycle, *, counted: bool = False) -> str:
    """`actor`, `active`: the indexes of the periods in which it is, ascending, and `seen`: that of
    the one in which it was first seen, 0 for none of them. counted: `counts` of events, too.
    """
    if counted:
        folded = _by_actor(of, f"{SORTED} AS a")
        periods = (
            f"SELECT actor, {distinct('a')} AS active, {counts_of('a')} AS counts FROM ({folded})"
        )
    elif len(of.whole.periods) <= BITS:
        folded = _by_actor(of, f"{MASK} AS mask")
        periods = f"SELECT actor, bitPositionsToArray(mask) AS active FROM ({folded})"
    else:
        periods = _by_actor(of, f"{DISTINCT} AS active")
    columns = "active, counts, seen" if counted else "active, seen"
    return (
        f"SELECT actor, {columns} FROM ({periods}) AS folded"
        f" LEFT ANY JOIN ({_first_seen(of)}) AS records ON folded.actor = records.id"
    )


def _by_actor(of: _Lifecycle, aggregates: str) -> str:
    plan, source = of.plan, _source(of)
    matches = ALWAYS if plan.entity is None else plan.entity.matches
    index = period_index(source, of.whole)
    return per_actor(source, plan.actor, (plan.filters, matches), index, aggregates, plan.sample)


def _source(of: _Lifecycle) -> Source:
    return Source(
        of.plan.team_id,
        of.bindings,
        period=(of.whole.date_from, of.whole.date_to),
        has_overrides=of.has_overrides,
        timezone=of.whole.timezone,
        cohorts=dict(of.plan.cohorts),
    )


def _first_seen(of: _Lifecycle) -> str:
    """`id`, `seen`: of the actors that were first seen in a period of the range, its index."""
    source = _source(of)
    first: Period = of.plan.span.periods[0]
    tests = (
        f"since >= {source.instant(first.start)} AND since <= {source.instant(of.whole.date_to)}"
    )
    seen = f"toUInt32({period_index(source, of.whole, 'since')})"
    actor = of.plan.actor
    records = _persons(source) if isinstance(actor, PersonActor) else _groups(source, actor.index)
    return f"SELECT id, {seen} AS seen FROM ({records}) WHERE {tests}"


def _persons(source: Source) -> str:
    return (
        "SELECT t.person_id AS id, t.created_at AS since FROM persons AS t FINAL"
        f" WHERE t.team_id = {source.team()} AND NOT t.deleted"
    )


def _groups(source: Source, index: int) -> str:
    """As their records say; of those without one, their first event of all."""
    described = (
        f"FROM groups AS t FINAL WHERE t.team_id = {source.team()}"
        f" AND t.group_type_index = {source.bindings.bind(index, 'UInt8')}"
    )
    key = f"e.group_{index:d}"
    return (
        f"SELECT t.group_key AS id, t.created_at AS since {described} UNION ALL"
        f" SELECT {key} AS id, min(e.timestamp) AS since FROM events AS e"
        f" WHERE e.team_id = {source.team()} AND {key} != ''"
        f" AND {key} NOT IN (SELECT t.group_key {described}) GROUP BY {key}"
    )
