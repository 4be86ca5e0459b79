"""Numbers of actors become rows of stickiness (trends.md section 12)."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate

import msgspec
from msgspec import UNSET

from contracts.api.trends import SideLabel, StickinessAction, StickinessRow
from services.query.events.periods import incomplete
from services.query.insights.stickiness.plan import Intervals, Series, StickinessPlan


class Side(msgspec.Struct, frozen=True):
    """One side's numbers of every series, by place.

    series: how many actors have exactly one interval, two, and so on; as many as there are
        intervals. Of a sample: unscaled.
    """

    label: SideLabel
    intervals: Intervals
    series: Mapping[int, Sequence[int]]


def render(plan: StickinessPlan, sides: Sequence[Side]) -> list[StickinessRow]:
    """sides: the current one, and the previous one of a comparison."""
    return [
        _row(plan, series, side, side.series[series.place])
        for side in sides
        for series in plan.series
    ]


def with_incomplete(plan: StickinessPlan, rows: Iterable[StickinessRow]) -> list[StickinessRow]:
    """Each with its points that are not what they will be: all, as soon as one period is not.

    Whoever is active then moves from one point to the next.
    """
    sides = {"current": plan.current, "previous": plan.previous}
    grows = {
        name: of is not None and bool(incomplete(of.span, plan.now)) for name, of in sides.items()
    }
    return [
        msgspec.structs.replace(
            row,
            incomplete=list(range(len(row.data))) if grows[row.compare_label or "current"] else [],
        )
        for row in rows
    ]


def _row(plan: StickinessPlan, series: Series, side: Side, exactly: Sequence[int]) -> StickinessRow:
    data = list(exactly)
    if plan.cumulative:
        data = list(accumulate(reversed(data)))[::-1]
    places = range(1, len(data) + 1)
    return StickinessRow(
        action=_action(series),
        label=series.entity.name,
        order=series.place,
        count=sum(_scaled(plan, actors) for actors in exactly),
        data=[_scaled(plan, actors) for actors in data],
        days=list(places),
        labels=[label(plan, place) for place in places],
        compare=UNSET if plan.previous is None else True,
        compare_label=UNSET if plan.previous is None else side.label,
    )


def _action(series: Series) -> StickinessAction:
    entity = series.entity
    is_action = entity.action_id is not None
    return StickinessAction(
        id=entity.action_id if is_action else entity.id,
        type="actions" if is_action else "events",
        order=series.place,
        name=entity.name,
        custom_name=entity.custom_name,
        math=series.math,
        math_hogql=series.math_hogql,
        math_group_type_index=series.math_group_type_index,
    )


def label(plan: StickinessPlan, place: int) -> str:
    """Of a point: `1 day`, `2 days`; of running sums `1 day or more`."""
    unit = plan.current.span.interval
    number = f"1 {unit}" if place == 1 else f"{place} {unit}s"
    return f"{number} or more" if plan.cumulative else number


def _scaled(plan: StickinessPlan, actors: int) -> int:
    return actors if plan.sample is None else round(actors / plan.sample)
