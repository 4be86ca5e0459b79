"""Funnels: their steps, trends or times, and what can be asked for beside them."""

import time
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Raw

from contracts.api.funnels import FunnelAnswer, FunnelStep, FunnelTrend, Steps
from contracts.api.times import written
from services.common.clickhouse import ClickHouse
from services.common.insights.results.kept import Result
from services.query.insights.funnels.compute import compute
from services.query.insights.funnels.description import describe
from services.query.insights.funnels.plan import FunnelPlan
from services.query.insights.funnels.planner import Planned
from services.query.results.computation import FunnelComputation

BASELINE = "Baseline"


class FunnelWork(msgspec.Struct, frozen=True):
    """previous: the period to compare with."""

    clickhouse: ClickHouse
    computation: FunnelComputation
    planned: Planned
    previous: FunnelPlan | None

    async def run(self, query_id: str) -> Result:
        plan, clock = self.planned.plan, Clock()
        answer = await self._answer(plan, self.previous, query_id)
        clock.lap("compute")
        results: Any = answer.results
        if self._has_baseline():
            whole = await self._answer(
                _whole(plan), self.previous and _whole(self.previous), query_id
            )
            results = with_baseline(results, whole)
            clock.lap("baseline")
        return Result(
            results=Raw(msgspec.json.encode(results)),
            hogql=describe(plan),
            resolved_date_range=Raw(
                msgspec.json.encode(
                    {"date_from": written(plan.date_from), "date_to": written(plan.date_to)}
                )
            ),
            timings=Raw(msgspec.json.encode(clock.timings)),
            extra={
                "total_median_conversion_time": Raw(
                    msgspec.json.encode(answer.total_median_conversion_time)
                )
            },
        )

    async def _answer(
        self, plan: FunnelPlan, previous: FunnelPlan | None, query_id: str
    ) -> FunnelAnswer:
        return await compute(
            self.clickhouse,
            plan,
            has_overrides=self.planned.has_overrides,
            previous=previous,
            pending="pending" in self.computation.include,
            query_id=query_id,
        )

    def _has_baseline(self) -> bool:
        """A funnel without rows of its own is its own baseline."""
        return "baseline" in self.computation.include and self.planned.plan.breakdown is not None


def _whole(plan: FunnelPlan) -> FunnelPlan:
    return msgspec.structs.replace(plan, breakdown=None)


def with_baseline(
    results: Sequence[FunnelTrend] | Sequence[Steps], whole: FunnelAnswer
) -> list[FunnelTrend | Steps]:
    """One more row, the last of a broken down answer (of each period): everybody, once each.

    whole: the answer without the breakdown.
    """
    rows: list[FunnelTrend | Steps] = []
    for baseline in _baselines(whole):
        label = _label(baseline)
        rows += [row for row in results if _label(row) == label] + [baseline]
    return rows


def _baselines(whole: FunnelAnswer) -> list[FunnelTrend | Steps]:
    """Of each period."""
    named = [BASELINE]
    found: dict[object, FunnelTrend | Steps] = {}
    for row in whole.results if isinstance(whole.results, list) else ():
        match row:
            case FunnelTrend():
                found[row.compare_label] = msgspec.structs.replace(row, breakdown_value=named)
            case FunnelStep():
                step = msgspec.structs.replace(row, breakdown=named, breakdown_value=named)
                steps = found.setdefault(row.compare_label, [])
                assert isinstance(steps, list)
                steps.append(step)
            case other:
                raise TypeError(f"no row of a whole funnel: {other!r}")
    return list(found.values())


def _label(row: FunnelTrend | Steps) -> object:
    return row[0].compare_label if isinstance(row, list) else row.compare_label


class Clock:
    """timings: seconds since the lap before, in the order of the laps."""

    def __init__(self) -> None:
        self.timings: list[dict[str, object]] = []
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.timings.append({"k": name, "t": round(now - self._last, 6)})
        self._last = now
