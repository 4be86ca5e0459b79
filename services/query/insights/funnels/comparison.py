"""A funnel beside the same funnel of another period (funnels.md section 7, "compare")."""

from collections.abc import Sequence
from typing import Literal

import msgspec
from msgspec import UNSET

from contracts.api.funnels import FunnelAnswer, FunnelStep, FunnelTrend, Steps
from services.query.insights.funnels.plan import FunnelPlan, TrendView

Label = Literal["current", "previous"]


def compared(plan: FunnelPlan, current: FunnelAnswer, previous: FunnelAnswer) -> FunnelAnswer:
    """Both answers in one, each row with its side. Times to convert share bins: see result.py.

    Steps have a row for every value of either side, in the order of the current ones.
    """
    if isinstance(plan.view, TrendView):
        lines = [
            msgspec.structs.replace(line, compare_label=label)
            for answer, label in _sides(current, previous)
            for line in msgspec.convert(answer.results, list[FunnelTrend])
        ]
        return FunnelAnswer(results=lines)
    if plan.breakdown is None:
        return FunnelAnswer(
            results=[
                row
                for answer, label in _sides(current, previous)
                for row in _labelled(msgspec.convert(answer.results, Steps), label)
            ]
        )
    now, then = (msgspec.convert(answer.results, list[Steps]) for answer in (current, previous))
    order = {_key(group): group for group in [*then, *now]}
    keys = [_key(group) for group in now]
    keys += [key for group in then if (key := _key(group)) not in keys]
    return FunnelAnswer(
        results=[
            _labelled(of_side.get(key) or _zeros(order[key]), label)
            for of_side, label in (
                ({_key(group): group for group in now}, "current"),
                ({_key(group): group for group in then}, "previous"),
            )
            for key in keys
        ]
    )


def _sides(current: FunnelAnswer, previous: FunnelAnswer) -> list[tuple[FunnelAnswer, Label]]:
    return [(current, "current"), (previous, "previous")]


def _key(group: Sequence[FunnelStep]) -> bytes:
    return msgspec.json.encode(group[0].breakdown_value)


def _labelled(rows: Sequence[FunnelStep], label: str) -> Steps:
    return [msgspec.structs.replace(row, compare_label=label) for row in rows]


def _zeros(rows: Sequence[FunnelStep]) -> Steps:
    """The rows of a value that nobody has on this side."""
    return [
        msgspec.structs.replace(
            row,
            count=0,
            average_conversion_time=None,
            median_conversion_time=None,
            pending_count=UNSET if row.pending_count is UNSET else 0,
        )
        for row in rows
    ]
