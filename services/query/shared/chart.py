"""An insight's result as what the page draws: numbers and words, no markup."""

from collections.abc import Sequence

import msgspec
from msgspec import Raw

from contracts.api.correlation import Correlated, CorrelationResults
from contracts.api.funnels import FunnelStep, FunnelTrend, TimeToConvert

WIDTH, HEIGHT = 640, 240
COLOURS = 6


class StepBar(msgspec.Struct, frozen=True):
    """One step. Shares: percentages of the first step and, but for that, of the one before."""

    number: int
    name: str
    count: int
    share: float
    share_of_previous: float | None
    dropped: int
    median_seconds: float | None


class StepsChart(msgspec.Struct, frozen=True, tag="steps"):
    """groups: (label, steps); without a breakdown one group whose label is None."""

    groups: tuple[tuple[str | None, tuple[StepBar, ...]], ...]


class Line(msgspec.Struct, frozen=True):
    """points: SVG coordinates; values: percentages, one per label."""

    label: str | None
    colour: int
    points: str
    values: tuple[float, ...]


class TrendsChart(msgspec.Struct, frozen=True, tag="trends"):
    """ticks: of the labels, those below the picture: the first, the one in the middle, the last."""

    labels: tuple[str, ...]
    ticks: tuple[str, ...]
    lines: tuple[Line, ...]
    highest: float


class Bin(msgspec.Struct, frozen=True):
    """x, y, width, height: of its SVG bar."""

    label: str
    count: int
    x: float
    y: float
    width: float
    height: float


class BinsChart(msgspec.Struct, frozen=True, tag="bins"):
    bins: tuple[Bin, ...]
    average: str
    median: str


class Signal(msgspec.Struct, frozen=True):
    """One row: so many of those who did this converted, so many did not."""

    name: str
    converted: int
    dropped: int
    odds_ratio: float


class SignalsTable(msgspec.Struct, frozen=True, tag="signals"):
    """A correlation: what tells of success, then what tells of failure."""

    signals: tuple[Signal, ...]
    skewed: bool


Chart = StepsChart | TrendsChart | BinsChart | SignalsTable


def chart_of(result: Raw) -> Chart | None:
    """What to draw; None when there is no result, or none of a shape that is drawn."""
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
            case {"events": _, "skewed": _}:
                return _signals(msgspec.convert(document, CorrelationResults))
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
        Line(
            label=_label(trend),
            colour=number % COLOURS,
            points=_points(trend.data, highest),
            values=tuple(trend.data),
        )
        for number, trend in enumerate(trends)
    )
    labels = tuple(trends[0].labels)
    return TrendsChart(labels, _ticks(labels), lines, highest)


def _ticks(labels: Sequence[str]) -> tuple[str, ...]:
    last = len(labels) - 1
    return tuple(labels[index] for index in sorted({0, last // 2, last}) if index >= 0)


def _points(values: Sequence[float], highest: float) -> str:
    if len(values) == 1:
        # One period has no line through it: its value, from side to side.
        values = (values[0], values[0])
    step = WIDTH / max(len(values) - 1, 1)
    return " ".join(
        f"{number * step:.1f},{HEIGHT - value / highest * HEIGHT:.1f}"
        for number, value in enumerate(values)
    )


def _bins(told: TimeToConvert) -> BinsChart:
    highest = max((count for _, count in told.bins), default=0) or 1
    width = WIDTH / max(len(told.bins), 1)
    return BinsChart(
        tuple(
            Bin(
                label=duration(start),
                count=count,
                x=round(number * width + 1, 1),
                y=round(HEIGHT - count / highest * HEIGHT, 1),
                width=round(max(width - 2, 1), 1),
                height=round(count / highest * HEIGHT, 1),
            )
            for number, (start, count) in enumerate(told.bins)
        ),
        duration(told.average_conversion_time),
        duration(told.median_conversion_time),
    )


def _signals(told: CorrelationResults) -> SignalsTable:
    return SignalsTable(tuple(map(_signal, told.events)), told.skewed)


def _signal(one: Correlated) -> Signal:
    return Signal(
        name=one.event.event.replace("::", " · "),
        converted=one.success_count,
        dropped=one.failure_count,
        odds_ratio=one.odds_ratio,
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


def percent(share: float) -> str:
    """`33.3 %`: every share on the page has one decimal."""
    return f"{share:.1f} %"


def duration(seconds: float | None) -> str:
    """`2 d 3 h`: the two greatest units; — for none."""
    if seconds is None:
        return "—"
    left = round(seconds)
    parts = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        number, left = divmod(left, size)
        if number:
            parts.append(f"{number} {unit}")
    return " ".join(parts[:2]) or "0 s"
