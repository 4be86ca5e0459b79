"""A funnel's result as what pages draw."""

from collections.abc import Sequence

import msgspec
from msgspec import Raw

from contracts.api.funnels import FunnelStep, FunnelTrend, TimeToConvert
from services.query.insights.charts import (
    COLOURS,
    HEIGHT,
    WIDTH,
    BinBar,
    BinsChart,
    Chart,
    ChartLine,
    StepBar,
    StepsChart,
    TrendsChart,
    duration,
    points,
    ticks,
)


def chart(result: Raw) -> Chart | None:
    """None when there is no result, or none of a shape that is drawn."""
    document = msgspec.json.decode(result)
    try:
        match document:
            case [{"order": _}, *_]:
                return _steps([msgspec.convert(document, list[FunnelStep])])
            case [[{"order": _}, *_], *_]:
                return _steps(msgspec.convert(document, list[list[FunnelStep]]))
            case [{"data": _}, *_]:
                return _trends(msgspec.convert(document, list[FunnelTrend]))
            case [{"bins": _}, *_]:
                # Compared with another period; the present one goes first.
                return _bins(msgspec.convert(document[0], TimeToConvert))
            case {"bins": _}:
                return _bins(msgspec.convert(document, TimeToConvert))
            case _:
                return None
    except msgspec.ValidationError:
        return None


def _steps(groups: Sequence[Sequence[FunnelStep]]) -> StepsChart:
    return StepsChart(tuple((_label(steps[0]), _bars(steps)) for steps in groups if steps))


def _bars(steps: Sequence[FunnelStep]) -> tuple[StepBar, ...]:
    first = steps[0].count
    bars: list[StepBar] = []
    for step in steps:
        before = bars[-1].count if bars else None
        bars.append(
            StepBar(
                number=step.order + 1,
                name=step.custom_name or step.name or "Any event",
                count=step.count,
                share=_share(step.count, first),
                share_of_previous=None if before is None else _share(step.count, before),
                dropped=0 if before is None else max(before - step.count, 0),
                median_seconds=step.median_conversion_time,
            )
        )
    return tuple(bars)


def _trends(trends: Sequence[FunnelTrend]) -> TrendsChart:
    highest = max((value for trend in trends for value in trend.data), default=0.0) or 100.0
    lines = tuple(
        ChartLine(
            label=_label(trend),
            colour=number % COLOURS,
            points=points(trend.data, highest),
            values=tuple(trend.data),
        )
        for number, trend in enumerate(trends)
    )
    labels = tuple(trends[0].labels)
    return TrendsChart(labels, ticks(labels), lines, highest)


def _bins(times: TimeToConvert) -> BinsChart:
    highest = max((count for _, count in times.bins), default=0) or 1
    width = WIDTH / max(len(times.bins), 1)
    return BinsChart(
        tuple(
            BinBar(
                label=duration(start),
                count=count,
                x=round(number * width + 1, 1),
                y=round(HEIGHT - count / highest * HEIGHT, 1),
                width=round(max(width - 2, 1), 1),
                height=round(count / highest * HEIGHT, 1),
            )
            for number, (start, count) in enumerate(times.bins)
        ),
        duration(times.average_conversion_time),
        duration(times.median_conversion_time),
    )


def _label(one: FunnelStep | FunnelTrend) -> str | None:
    """Its breakdown's value and, beside another period, which of the two it is."""
    period = one.compare_label or None
    parts = [part for part in (_words(one.breakdown_value), period) if part is not None]
    return " · ".join(parts) or None


def _words(value: object) -> str | None:
    match value:
        case list():
            return ", ".join(str(part) or "(empty)" for part in value)
        case str() | int():
            return str(value) or "(empty)"
        case _:
            return None


def _share(part: int, whole: int) -> float:
    return 100 * part / whole if whole else 0.0
