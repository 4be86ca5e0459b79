"""Computations on ClickHouse: planned, run, rendered."""

import hashlib
import time
from datetime import UTC, datetime

import msgspec
from msgspec import Raw

from services.common.accounts import Project
from services.common.clickhouse import ClickHouse
from services.common.results.kept import Result
from services.query.funnels.facts import PlanningFacts
from services.query.funnels.plan import FunnelPlan
from services.query.funnels.result import render
from services.query.funnels.sql import compile_funnel
from services.query.planner import Planner
from services.query.results.computation import (
    Computation,
    FunnelComputation,
    Prepared,
    Range,
)

_encoder = msgspec.json.Encoder(order="deterministic")


class PlannedFunnel(msgspec.Struct, frozen=True):
    """has_overrides: the project has merged persons."""

    plan: FunnelPlan
    computation: FunnelComputation
    has_overrides: bool


class ClickHouseComputer:
    """The one Computer."""

    def __init__(self, clickhouse: ClickHouse, planner: Planner) -> None:
        self._clickhouse = clickhouse
        self._planner = planner

    async def prepare(self, project: Project, computation: Computation) -> Prepared:
        """Raises InvalidQuery."""
        match computation:
            case FunnelComputation(query=query):
                planned = await self._planner.plan(project, query, legacy=computation.legacy)
                plan = planned.plan
                return Prepared(
                    project=project,
                    computation=computation,
                    dependencies=_dependencies(planned.facts),
                    range=Range(plan.interval, plan.date_from, plan.date_to),
                    plan=PlannedFunnel(plan, computation, planned.has_overrides),
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


def _dependencies(facts: PlanningFacts) -> bytes:
    """A digest of all that a plan hangs on besides the query and the clock."""
    told = msgspec.structs.replace(facts, now=datetime.min.replace(tzinfo=UTC))
    named = msgspec.to_builtins(told, str_keys=True, order="deterministic")
    return hashlib.sha256(_encoder.encode(named)).digest()
