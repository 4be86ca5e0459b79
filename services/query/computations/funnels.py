"""Funnels: their steps, trends or times, and what can be asked for beside them."""

import time
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Raw

from contracts.api.funnels import FunnelAnswer, FunnelStep, FunnelTrend
from services.common.clickhouse import ClickHouse
from services.common.results.kept import Result
from services.query.funnels.description import describe
from services.query.funnels.plan import FunnelPlan
from services.query.funnels.result import render
from services.query.funnels.sql import compile_funnel
from services.query.planner import Planned
from services.query.results.computation import FunnelComputation

BASELINE = "Baseline"


class FunnelWork(msgspec.Struct, frozen=True):
    clickhouse: ClickHouse
    computation: FunnelComputation
    planned: Planned

    async def run(self, query_id: str) -> Result:
        plan, clock = self.planned.plan, Clock()
        answer = await self._answer(plan, query_id, clock)
        results: Any = answer.results
        if self._has_baseline():
            whole = await self._answer(
                msgspec.structs.replace(plan, breakdown=None), query_id, clock
            )
            results = [*results, *baseline(whole)]
        return Result(
            results=Raw(msgspec.json.encode(results)),
            hogql=describe(plan),
            resolved_date_range=Raw(
                msgspec.json.encode({"date_from": plan.date_from, "date_to": plan.date_to})
            ),
            timings=Raw(msgspec.json.encode(clock.timings)),
            extra={
                "total_median_conversion_time": Raw(
                    msgspec.json.encode(answer.total_median_conversion_time)
                )
            },
        )

    async def _answer(self, plan: FunnelPlan, query_id: str, clock: "Clock") -> FunnelAnswer:
        statement = compile_funnel(plan, has_overrides=self.planned.has_overrides)
        clock.lap("compile")
        rows = await self.clickhouse.query(statement, query_id=query_id)
        clock.lap("clickhouse")
        answer = render(plan, rows, pending="pending" in self.computation.include)
        clock.lap("render")
        return answer

    def _has_baseline(self) -> bool:
        """A funnel without rows of its own, and one of times, is its own baseline."""
        plan = self.planned.plan
        return (
            "baseline" in self.computation.include
            and plan.breakdown is not None
            and plan.viz != "time_to_convert"
        )


def baseline(whole: FunnelAnswer) -> Sequence[object]:
    """One more row of a broken down answer: everybody, each counted once."""
    named = [BASELINE]
    match whole.results:
        case [FunnelStep(), *_] as steps:
            rows = msgspec.convert(steps, list[FunnelStep])
            return [
                [
                    msgspec.structs.replace(row, breakdown=named, breakdown_value=named)
                    for row in rows
                ]
            ]
        case [FunnelTrend() as trend]:
            return [msgspec.structs.replace(trend, breakdown_value=named)]
        case other:
            raise ValueError(f"no baseline: {other!r}")


class Clock:
    """timings: seconds since the lap before, in the order of the laps."""

    def __init__(self) -> None:
        self.timings: list[dict[str, object]] = []
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.timings.append({"k": name, "t": round(now - self._last, 6)})
        self._last = now
