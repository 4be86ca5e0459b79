"""Whether the SQL and the reference say the same of a funnel, actor by actor and in whole."""

from collections.abc import Mapping
from math import isclose
from typing import Any, assert_never
from uuid import UUID

import msgspec

from contracts.api.funnels import FunnelAnswer, FunnelStep, FunnelTrend
from services.common.clickhouse import ClickHouse, EngineError
from services.query.insights.funnels.compute import compute
from services.query.insights.funnels.oracle.conversion_times import time_to_convert
from services.query.insights.funnels.oracle.people import Histories, outcomes
from services.query.insights.funnels.oracle.periods import trends
from services.query.insights.funnels.oracle.steps import steps, total_median_conversion_time
from services.query.insights.funnels.plan import FunnelPlan, StepsView, TimesView, TrendView
from tests.funnels.engine import Path, paths
from tests.funnels.worlds import Happened, entered


class Difference(msgspec.Struct, frozen=True):
    """What the reference says and what the SQL says, as plain values."""

    expected: Any
    got: Any


async def difference(
    clickhouse: ClickHouse, plan: FunnelPlan, histories: Mapping[UUID, Happened]
) -> Difference | None:
    """The first difference; None: they agree. The histories are stored as the plan's team."""
    given = {str(actor): entered(plan, events) for actor, events in histories.items()}
    try:
        if not isinstance(plan.view, TrendView):
            expected, got = expected_paths(plan, given), await paths(clickhouse, plan)
            if expected != got:
                missing = [path for path in expected if path not in set(got)]
                unexpected = [path for path in got if path not in set(expected)]
                return Difference(missing[:3], unexpected[:3])
        answer = numbers(plan, await compute(clickhouse, plan, has_overrides=False, pending=True))
    except (EngineError, NotImplementedError) as error:
        return Difference("an answer", f"{type(error).__name__}: {error}")
    wanted = expected_numbers(plan, given)
    return None if same(wanted, answer) else Difference(wanted, answer)


def expected_paths(plan: FunnelPlan, histories: Histories) -> list[Path]:
    return sorted(
        Path(
            found.actor,
            found.value or (),
            tuple(found.attempt.at_us(k) for k in range(1, found.attempt.depth + 1)),
        )
        for found in outcomes(plan, histories)
    )


def expected_numbers(plan: FunnelPlan, histories: Histories) -> Any:
    """The reference's answer in the form of `numbers`."""
    match plan.view:
        case StepsView():
            groups = [
                (
                    list(group.value) if group.value is not None else None,
                    [
                        (
                            row.count,
                            row.average_conversion_time,
                            row.median_conversion_time,
                            row.pending_count,
                        )
                        for row in group.steps
                    ],
                )
                for group in steps(plan, histories)
            ]
            return groups, total_median_conversion_time(plan, histories)
        case TrendView() as trend:
            return [
                (
                    list(line.value) if line.value is not None else None,
                    line.count,
                    list(line.data),
                    list(line.days),
                    list(line.labels),
                    list(line.pending),
                )
                for line in trends(plan, trend, histories)
            ]
        case TimesView() as times:
            found = time_to_convert(plan, times, histories)
            return (
                list(found.bins),
                found.average_conversion_time,
                found.median_conversion_time,
            )
        case _:
            assert_never(plan.view)


def numbers(plan: FunnelPlan, answer: FunnelAnswer) -> Any:
    """An answer without its labels of steps: groups and their median, lines, or bins."""
    results: Any = answer.results
    match plan.view:
        case StepsView():
            groups = results if plan.breakdown else [results]
            return (
                [(_value(group[0]), [_step(row) for row in group]) for group in groups],
                answer.total_median_conversion_time,
            )
        case TrendView():
            return [
                (_value(t), t.count, t.data, t.days, t.labels, _sent(t.pending)) for t in results
            ]
        case TimesView():
            return results.bins, results.average_conversion_time, results.median_conversion_time
        case _:
            assert_never(plan.view)


def _step(row: FunnelStep) -> tuple[Any, ...]:
    return (
        row.count,
        row.average_conversion_time,
        row.median_conversion_time,
        _sent(row.pending_count),
    )


def _value(shown: FunnelStep | FunnelTrend) -> Any:
    return _sent(shown.breakdown_value)


def _sent(field: Any) -> Any:
    return None if field is msgspec.UNSET else field


def same(a: Any, b: Any) -> bool:
    """Equal, with floats equal but for the last digits."""
    if isinstance(a, float) and isinstance(b, float):
        return isclose(a, b, rel_tol=1e-9, abs_tol=1e-9)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return bool(a == b)
