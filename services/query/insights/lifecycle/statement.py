"""A lifecycle as ClickHouse text: the periods of each actor, folded, and when it was first seen.

The period before the first has the index 0 here, and the periods of the plan go from 1. Of up to
256 of them the active ones are bits of one number, of more a sorted array. Records are joined once
per actor, after the fold; of those that say nothing about a period of the range, none is.
"""

from collections.abc import Callable, Mapping

import msgspec

from contracts.times import microseconds
from services.common.clickhouse.relation import Relation, join, printed, statement, table, union
from services.common.clickhouse.statement import Bindings, Statement
from services.query.events.actors import PersonActor
from services.query.events.conditions import ALWAYS
from services.query.events.folds import (
    BITS,
    DISTINCT,
    NONE,
    SORTED,
    counts_of,
    distinct,
    mask,
    per_actor,
)
from services.query.events.lateness import is_late
from services.query.events.period_index import period_index
from services.query.events.periods import Period, Span
from services.query.events.source import Period as Range
from services.query.events.source import Source
from services.query.insights.lifecycle.plan import STATUSES, LifecyclePlan
from services.query.insights.lifecycle.pointing import Pointed

_NEW, _RETURNING, _RESURRECTING, DORMANT = range(len(STATUSES))
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
    cells = _active(of).only(cell=f"arrayJoin({_cells(of)})").named("cells")
    each = cells.only(status="cell.1", period="cell.2 - 1").named("each")
    return statement(each.group("status", "period", actors="count()"), of.bindings)


def compile_late(plan: LifecyclePlan, *, has_overrides: bool) -> Statement | None:
    """Rows of `status`, `period`, and the `number` of its actors' events there that arrived late.

    None where nobody can be anything.
    """
    of = _lifecycle(plan, has_overrides)
    if of is None:
        return None
    cells = _active(of, late=True).only("late", cell=f"arrayJoin({_cells(of)})").named("cells")
    each = cells.only(
        status="cell.1", period="cell.2 - 1", events="arrayCount(i -> i = cell.2, late)"
    )
    each = each.named("each").where("events > 0")
    return statement(each.group("status", "period", number="sum(events)"), of.bindings)


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
    cells = _active(of, counted=True).only("actor", cells=meant).named("cells")
    people = cells.where("notEmpty(cells)").only(
        id="toString(actor)", events="arraySum(cell -> cell.3, cells)"
    )
    page = f"{bind(limit, 'UInt64')} OFFSET {bind(offset, 'UInt64')}"
    return statement(people.order("events DESC", "id", limit=page), of.bindings)


class Explained(msgspec.Struct, frozen=True):
    """text: a SELECT of what was looked at, `counts` and `note`."""

    text: str
    bindings: Bindings


def explained_events(
    plan: LifecyclePlan,
    pointed: Pointed,
    time: Range,
    looked_at: Callable[[Source, str], str],
    *,
    has_overrides: bool,
) -> Explained:
    """Events beside what their actors are: `counts`: whether it is what was asked for, in the
    event's period, of who is dormant in the one after it; `note`: the status in the event's own.

    looked_at: the SELECT of them in this time, which has `failed`, `actor` and `i`, the index of
    the period; given the source and the text of that.
    """
    of = _lifecycle(plan, has_overrides)
    if of is None:
        raise ValueError("a lifecycle without periods has no events")
    bind = of.bindings.bind
    periods = [
        index + 1 for index in plan.span.shown if pointed.point is None or index == pointed.point
    ]
    tests = [
        f"cell.2 = if(cell.1 = {DORMANT}, i + 1, i)",
        f"has({bind(periods, 'Array(UInt32)')}, cell.2)",
    ]
    if pointed.status is not None:
        tests.append(f"cell.1 = {STATUSES.index(pointed.status)}")
    source = _source(of, time)
    events = looked_at(source, f"toInt64({period_index(source, of.whole)})")
    cells = printed(_active(of).only("actor", cells=_cells(of)))
    own = f"arrayFilter(cell -> cell.1 != {DORMANT} AND cell.2 = i, cells)"
    text = (
        "SELECT * EXCEPT (cells), failed = 0 AND arrayExists(cell -> "
        f"{' AND '.join(tests)}, cells) AS counts,"
        f" toString(if(empty({own}), {_NO_STATUS}, {own}[1].1)) AS note"
        f" FROM (SELECT l.*, r.cells AS cells FROM ({events}) AS l"
        f" LEFT ANY JOIN ({cells}) AS r ON l.actor = r.actor)"
    )
    return Explained(text, of.bindings)


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
        f" (if(after = x + 1, {_NO_STATUS}, {DORMANT}), toUInt32(x + 1){events}),"
        f" active{and_counts}, arrayShiftLeft(active, 1, {NONE}))"
    )
    return (
        f"arrayFilter(cell -> cell.1 != {_NO_STATUS} AND cell.2 BETWEEN 1"
        f" AND {len(of.plan.span.periods)}, arrayConcat({present}, {absent}))"
    )


def _active(of: _Lifecycle, *, counted: bool = False, late: bool = False) -> Relation:
    """`actor`, `active`: the indexes of the periods in which it is, ascending, and `seen`: that of
    the one in which it was first seen, 0 for none of them. counted: `counts` of events, too.
    late: `late`, the indexes of the periods of late events, one for each, instead.
    """
    if late:
        ends = [microseconds(period.end) for period in of.whole.periods]
        end = f"arrayElement({of.bindings.bind(ends, 'Array(Int64)')}, i + 1)"
        came_late = f"groupArrayIf(toUInt16(i), {is_late('arrived', end)})"
        periods = _by_actor(of, {"arrived": "e.inserted_at"}, active=DISTINCT, late=came_late)
    elif counted:
        folded = _by_actor(of, a=SORTED)
        periods = folded.only("actor", active=distinct("a"), counts=counts_of("a"))
    elif len(of.whole.periods) <= BITS:
        periods = _by_actor(of, mask=mask(len(of.whole.periods))).only(
            "actor", active="bitPositionsToArray(mask)"
        )
    else:
        periods = _by_actor(of, active=DISTINCT)
    known = join(
        "LEFT ANY JOIN",
        "periods.actor = records.id",
        periods=periods.named("periods"),
        records=_first_seen(of),
    )
    more = {"counts": "periods.counts"} if counted else {}
    more |= {"late": "periods.late"} if late else {}
    columns = {"actor": "periods.actor", "active": "periods.active", **more}
    return known.only(**columns, seen="records.seen").named("active")


def _by_actor(of: _Lifecycle, columns: Mapping[str, str] = {}, **aggregates: str) -> Relation:
    plan, source = of.plan, _source(of)
    matches = ALWAYS if plan.entity is None else plan.entity.matches
    index = period_index(source, of.whole)
    conditions = (plan.filters, matches)
    return per_actor(source, plan.actor, conditions, index, plan.sample, columns, **aggregates)


def _source(of: _Lifecycle, period: Range | None = None) -> Source:
    return Source(
        of.plan.team_id,
        of.bindings,
        period=period or (of.whole.date_from, of.whole.date_to),
        has_overrides=of.has_overrides,
        timezone=of.whole.timezone,
        cohorts=dict(of.plan.cohorts),
    )


def _first_seen(of: _Lifecycle) -> Relation:
    """`id`, `seen`: of the actors that were first seen in a period of the range, its index."""
    source, actor = _source(of), of.plan.actor
    first: Period = of.plan.span.periods[0]
    records = _persons(source) if isinstance(actor, PersonActor) else _groups(source, actor.index)
    seen = f"toUInt32({period_index(source, of.whole, 'since')})"
    return (
        records.where(f"since >= {source.instant(first.start)}")
        .where(f"since <= {source.instant(of.whole.date_to)}")
        .only("id", seen=seen)
        .named("first_seen")
    )


def _persons(source: Source) -> Relation:
    persons = table("persons AS t FINAL").where(f"t.team_id = {source.team()}")
    known = persons.where("NOT t.deleted")
    return known.only(id="t.person_id", since="t.created_at").named("known")


def _groups(source: Source, index: int) -> Relation:
    """As their records say; of those without one, their first event of all."""
    key = f"e.group_{index:d}"
    described = (
        table("groups AS t FINAL")
        .where(f"t.team_id = {source.team()}")
        .where(f"t.group_type_index = {source.bindings.bind(index, 'UInt8')}")
        .only(id="t.group_key", since="t.created_at")
        .named("described", mentions=2)
    )
    named = table("events AS e").where(f"e.team_id = {source.team()}").where(f"{key} != ''")
    others = named.where(f"{key} NOT IN ", described.only("id")).only(id=key, at="e.timestamp")
    return union(described, others.named("named").group("id", since="min(at)")).named("known")
