"""A number explained by the events that were looked at for it: which count, and why others don't.

What counts is asked of the statements that list the people behind the number, so what is told is
what is counted. Why another event does not is the first of the filters that it fails, in the order
in which the query has them, or the rule of its kind that left it out.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, Protocol

import msgspec
from msgspec import UNSET

from contracts.api.explain_point import ExplainedEvent, PointExplanation, Reason
from contracts.api.times import written
from contracts.ingest_position import IngestPosition
from contracts.times import moment
from services.common.clickhouse import ClickHouse
from services.common.clickhouse.statement import Bindings, Statement
from services.query.events.actors import AnyActor
from services.query.events.conditions import AllOf, AnyCondition, OnDays
from services.query.events.description import condition_text
from services.query.events.facts import PlanningFacts
from services.query.events.lateness import is_late
from services.query.events.lookups import Lookups
from services.query.events.series import Entity
from services.query.events.source import Source

Only = Literal["counted", "missed"]


class EventTest(msgspec.Struct, frozen=True):
    """What an event has to pass to count. condition: None where it is no filter."""

    reason: Reason
    condition: AnyCondition | None
    detail: str


class Page(msgspec.Struct, frozen=True):
    only: Only | None
    limit: int
    offset: int


class Looked(msgspec.Struct, frozen=True, kw_only=True):
    """The events that are looked at.

    text: a SELECT of `uuid`, `event`, `distinct_id`, `at`, `arrived`, `actor`, `failed`: the place
        of the first test that is not passed, from 1, else 0; `counts`; `late`: 0 or 1; `note`: JSON
        for `why`.
    why: the reason for an event that passes all tests and does not count.
    has_end: whether the number is of one period, after which events are late.
    """

    text: str
    bindings: Bindings
    tests: Sequence[EventTest]
    why: Callable[[Any], tuple[Reason, str]]
    has_end: bool


class Look(Protocol):
    async def __call__(self, *, has_overrides: bool) -> Looked | None:
        """None where no event can be behind the number. Raises EngineError's kinds."""


class PreparedExplanation(msgspec.Struct, frozen=True):
    """facts: what the number was planned with."""

    facts: PlanningFacts
    look: Look


# The tests of an event


def filter_tests(
    entity: Entity,
    filters: AnyCondition,
    test_accounts: AnyCondition,
    named: Mapping[AnyCondition, Reason] = {},
) -> list[EventTest]:
    """Each filter by itself: the series' own, then the query's.

    filters: of all series, test_accounts among them. named: parts of them with reasons of their
    own.
    """
    of_entity, of_tests = _parts(entity.entity), _parts(test_accounts)
    own = [part for part in _parts(entity.matches) if part not in of_entity]
    found = [EventTest("series_filter", part, _failed(part)) for part in own]
    for part in _parts(filters):
        reason: Reason = "test_account_filter" if part in of_tests else "query_filter"
        if isinstance(part, OnDays):
            reason = "day_of_week"
        found.append(EventTest(named.get(part, reason), part, _failed(part)))
    return found


def actor_tests(sample: float | None) -> list[EventTest]:
    found = [EventTest("no_actor", None, "The event is of no such group, or has no such value.")]
    if sample is not None:
        detail = "The query looks at a share of the actors, and this one is not in it."
        found.append(EventTest("not_sampled", None, detail))
    return found


def _failed(part: AnyCondition) -> str:
    return f"It does not pass: {condition_text(part)}"


def _parts(condition: AnyCondition) -> list[AnyCondition]:
    """Those that all have to hold."""
    if not isinstance(condition, AllOf):
        return [condition]
    return [one for part in condition.conditions for one in _parts(part)]


# Statements


def candidates(
    source: Source,
    entity: Entity,
    actor: AnyActor,
    tests: Iterable[EventTest],
    sample: float | None,
    columns: Mapping[str, str] = {},
) -> str:
    """The events of the series, its filters aside, within the source's period.

    tests: those that have conditions; the tests of actors follow them. columns: more of each event.
    """
    passed = [source.condition(one.condition) for one in tests if one.condition is not None]
    passed.append(source.has_actor(actor))
    if sample is not None:
        share = source.bindings.bind(int(sample * 2**64) - 1, "UInt64")
        passed.append(f"cityHash64({source.actor(actor)}) <= {share}")
    read = {
        "uuid": "e.uuid",
        "event": "e.event",
        "distinct_id": "e.distinct_id",
        "at": "e.timestamp",
        "arrived": "e.inserted_at",
        "actor": source.actor(actor),
        "failed": f"indexOf([{', '.join(f'toUInt8({test})' for test in passed)}], 0)",
        **columns,
    }
    named = source.condition(entity.entity)
    selected = ", ".join(f"{text} AS {name}" for name, text in read.items())
    return f"SELECT {selected} {source.from_clause()} WHERE {source.scope()} AND {named}"


def late_column(bindings: Bindings, end_us: int | None) -> str:
    """Whether `arrived` is late for a period that ends then."""
    return "0" if end_us is None else is_late("arrived", bindings.bind(end_us, "Int64"))


async def explained(
    clickhouse: ClickHouse, lookups: Lookups, prepared: PreparedExplanation, page: Page
) -> PointExplanation:
    """Raises EngineError's kinds."""
    has_overrides = await lookups.ready(prepared.facts)
    looked = await prepared.look(has_overrides=has_overrides)
    if looked is None:
        return PointExplanation(counted=0, missed=0, results=[], hasMore=False)
    bindings = looked.bindings
    totals = Statement(
        f"SELECT countIf(counts), countIf(NOT counts) FROM ({looked.text})", bindings.values
    )
    ((counted, missed),) = await clickhouse.query(totals)
    where = {None: "", "counted": " WHERE counts", "missed": " WHERE NOT counts"}[page.only]
    limit, offset = (bindings.bind(number, "UInt64") for number in (page.limit, page.offset))
    text = (
        "SELECT toString(uuid), event, distinct_id, toUnixTimestamp64Micro(at),"
        " toUnixTimestamp64Micro(arrived), toString(actor), failed, counts, late, note"
        f" FROM ({looked.text}){where}"
        f" ORDER BY at, UUIDToNum(uuid) LIMIT {limit} OFFSET {offset}"
    )
    rows = await clickhouse.query(Statement(text, bindings.values))
    uuids = [str(row[0]) for row in rows]
    positions = await _positions(clickhouse, prepared.facts.team_id, uuids)
    wanted = {None: counted + missed, "counted": counted, "missed": missed}[page.only]
    return PointExplanation(
        counted=counted,
        missed=missed,
        results=[_event(looked, row, positions) for row in rows],
        hasMore=page.offset + len(rows) < wanted,
    )


def _event(
    looked: Looked, row: Sequence[Any], positions: Mapping[str, int | str]
) -> ExplainedEvent:
    uuid, event, distinct_id, at, arrived, actor, failed, counts, late, note = row
    reason: Reason | None = None
    detail: str | None = None
    if failed:
        test = looked.tests[failed - 1]
        reason, detail = test.reason, test.detail
    elif not counts:
        reason, detail = looked.why(msgspec.json.decode(note))
    return ExplainedEvent(
        uuid=uuid,
        event=event,
        distinct_id=distinct_id,
        timestamp=written(moment(at)),
        arrived=written(moment(arrived)),
        position=positions.get(uuid),
        late=bool(late) if looked.has_end else UNSET,
        actor=actor,
        counts=bool(counts),
        reason=reason,
        detail=detail,
    )


async def _positions(
    clickhouse: ClickHouse, team_id: int, uuids: Sequence[str]
) -> Mapping[str, int | str]:
    """In the streams of captured events."""
    if not uuids:
        return {}
    statement = Statement(
        "SELECT toString(uuid), argMin(bucket, sequence), min(sequence)"
        " FROM event_uuids"
        " WHERE team_id = {team:Int64} AND uuid IN {uuids:Array(UUID)} GROUP BY uuid",
        {"team": team_id, "uuids": list(uuids)},
    )
    rows = await clickhouse.query(statement)
    return {str(uuid): IngestPosition(*place).told for uuid, *place in rows}
