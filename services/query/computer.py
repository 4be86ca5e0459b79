"""Computations on ClickHouse: looks up what planning must know, plans, runs, renders."""

import hashlib
import time
from datetime import UTC, datetime

import msgspec
from msgspec import Raw

from contracts.queries.nodes import FunnelsQuery
from services.common.accounts import Project
from services.common.clickhouse import ClickHouse
from services.common.database import Pool
from services.common.results.kept import Result
from services.common.statement import Statement
from services.query.funnels.facts import PlanningFacts
from services.query.funnels.plan import FunnelPlan
from services.query.funnels.planning import plan_funnel
from services.query.funnels.result import render
from services.query.funnels.sql import compile_funnel
from services.query.results.computation import (
    Computation,
    FunnelComputation,
    Prepared,
    Range,
)

_encoder = msgspec.json.Encoder(order="deterministic")

_FIRST_EVENT = "SELECT minOrNull(timestamp) FROM events WHERE team_id = {team_id:Int64}"
_HAS_OVERRIDES = "SELECT EXISTS (SELECT FROM person_overrides WHERE team_id = %s)"


class PlannedFunnel(msgspec.Struct, frozen=True):
    """has_overrides: the project has merged persons."""

    plan: FunnelPlan
    computation: FunnelComputation
    has_overrides: bool


class ClickHouseComputer:
    """The one Computer. Looks up no more than the query needs."""

    def __init__(self, clickhouse: ClickHouse, pool: Pool) -> None:
        self._clickhouse = clickhouse
        self._pool = pool

    async def prepare(self, project: Project, computation: Computation) -> Prepared:
        """Raises InvalidQuery."""
        match computation:
            case FunnelComputation(query=query):
                facts = await self._facts(project, query)
                plan = plan_funnel(query, facts, legacy=computation.legacy)
                planned = PlannedFunnel(plan, computation, await self._has_overrides(project.id))
                return Prepared(
                    project=project,
                    computation=computation,
                    dependencies=_dependencies(facts),
                    range=Range(plan.interval, plan.date_from, plan.date_to),
                    plan=planned,
                )

    async def compute(self, prepared: Prepared, query_id: str) -> Result:
        """Raises EngineError's kinds."""
        planned = prepared.plan
        if not isinstance(planned, PlannedFunnel):
            raise TypeError(f"not a plan of this computer: {planned!r}")
        plan = planned.plan
        began = time.perf_counter()
        statement = compile_funnel(plan, has_overrides=planned.has_overrides)
        compiled = time.perf_counter()
        rows = await self._clickhouse.query(statement, query_id=query_id)
        ran = time.perf_counter()
        answer = render(plan, rows, pending="pending" in planned.computation.include)
        timings = [
            {"k": "compile", "t": round(compiled - began, 6)},
            {"k": "clickhouse", "t": round(ran - compiled, 6)},
            {"k": "render", "t": round(time.perf_counter() - ran, 6)},
        ]
        return Result(
            results=Raw(_encoder.encode(answer.results)),
            resolved_date_range=Raw(
                _encoder.encode({"date_from": plan.date_from, "date_to": plan.date_to})
            ),
            timings=Raw(_encoder.encode(timings)),
            extra={
                "total_median_conversion_time": Raw(
                    _encoder.encode(answer.total_median_conversion_time)
                )
            },
        )

    async def _facts(self, project: Project, query: FunnelsQuery) -> PlanningFacts:
        return PlanningFacts(
            team_id=project.id,
            now=datetime.now(UTC),
            timezone=project.timezone,
            week_starts_monday=project.week_start_day == 1,
            test_account_filters=project.test_account_filters,
            first_event_at=await self._first_event_at(project.id, query),
        )

    async def _first_event_at(self, team_id: int, query: FunnelsQuery) -> datetime | None:
        """Asked only when `all` needs it."""
        if query.dateRange is None or query.dateRange.date_from != "all":
            return None
        rows = await self._clickhouse.query(Statement(_FIRST_EVENT, {"team_id": team_id}))
        first: datetime | None = rows[0][0]
        return first

    async def _has_overrides(self, team_id: int) -> bool:
        async with self._pool.connection() as conn:
            cursor = await conn.execute(_HAS_OVERRIDES, (team_id,))
            row = await cursor.fetchone()
        return row is not None and bool(row[0])


def _dependencies(facts: PlanningFacts) -> bytes:
    """A digest of all that a plan hangs on besides the query and the clock."""
    told = msgspec.structs.replace(facts, now=datetime.min.replace(tzinfo=UTC))
    return hashlib.sha256(_encoder.encode(msgspec.structs.asdict(told))).digest()
