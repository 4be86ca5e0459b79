"""Charts that pages draw of results: numbers and words, no markup. Each kind of insight makes its
own.
"""

import math
from collections.abc import Sequence

import msgspec

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


class ChartLine(msgspec.Struct, frozen=True):
    """points: SVG coordinates; values: one per label, percentages of a funnel's trend."""

    label: str | None
    colour: int
    points: str
    values: tuple[float, ...]


class TrendsChart(msgspec.Struct, frozen=True, tag="trends"):
    """ticks: of the labels, those below the picture: the first, the one in the middle, the last."""

    labels: tuple[str, ...]
    ticks: tuple[str, ...]
    lines: tuple[ChartLine, ...]
    highest: float


class Bar(msgspec.Struct, frozen=True):
    """x, y, width, height: of its SVG bar."""

    colour: int
    x: float
    y: float
    width: float
    height: float


class CountsChart(msgspec.Struct, frozen=True, tag="counts"):
    """Lines of numbers from `lowest`, which is 0 or less, up to `highest`.

    of: what the labels are (`Period`). zero: the SVG height of 0. bars: drawn instead of the lines.
    """

    of: str
    labels: tuple[str, ...]
    ticks: tuple[str, ...]
    lines: tuple[ChartLine, ...]
    lowest: float
    highest: float
    zero: float
    bars: tuple[Bar, ...] = ()


class TotalRow(msgspec.Struct, frozen=True):
    """share: its size in percent of the largest, for a bar."""

    label: str
    value: float
    share: float


class PieSlice(msgspec.Struct, frozen=True):
    """path: SVG, of a circle of radius 1 around the origin."""

    colour: int
    path: str


class TotalsChart(msgspec.Struct, frozen=True, tag="totals"):
    """One number each; a single one stands alone. slices: by row, of a pie beside the numbers."""

    rows: tuple[TotalRow, ...]
    slices: tuple[PieSlice, ...] = ()


class BoxMark(msgspec.Struct, frozen=True):
    """The spread of numbers in a period. values: min, p25, median, p75, max, mean.

    x, width: of its SVG box; heights: SVG, of the values but for the mean.
    """

    series: str
    label: str
    colour: int
    values: tuple[float, ...]
    x: float
    width: float
    heights: tuple[float, ...]


class BoxesChart(msgspec.Struct, frozen=True, tag="boxes"):
    """boxes: by series, then period. ticks: of the labels."""

    boxes: tuple[BoxMark, ...]
    series: tuple[str, ...]
    ticks: tuple[str, ...]
    lowest: float
    highest: float


class BinBar(msgspec.Struct, frozen=True):
    """x, y, width, height: of its SVG bar."""

    label: str
    count: int
    x: float
    y: float
    width: float
    height: float


class BinsChart(msgspec.Struct, frozen=True, tag="bins"):
    bins: tuple[BinBar, ...]
    average: str
    median: str


class SignalRow(msgspec.Struct, frozen=True):
    """One row: so many of those who did this converted, so many did not."""

    name: str
    converted: int
    dropped: int
    odds_ratio: float


class SignalsTable(msgspec.Struct, frozen=True, tag="signals"):
    """A correlation: what tells of success, then what tells of failure."""

    signals: tuple[SignalRow, ...]
    skewed: bool


Chart = StepsChart | TrendsChart | CountsChart | TotalsChart | BoxesChart | BinsChart | SignalsTable


def ticks(labels: Sequence[str]) -> tuple[str, ...]:
    """The first, the one in the middle, the last."""
    last = len(labels) - 1
    return tuple(labels[index] for index in sorted({0, last // 2, last}) if index >= 0)


def points(values: Sequence[float], highest: float, lowest: float = 0) -> str:
    """SVG coordinates of a line over the whole width. highest, lowest: the values at its edges."""
    if len(values) == 1:
        # One period has no line through it: its value, from side to side.
        values = (values[0], values[0])
    step = WIDTH / max(len(values) - 1, 1)
    return " ".join(
        f"{number * step:.1f},{_height(value, highest, lowest):.1f}"
        for number, value in enumerate(values)
    )


def counts(
    of: str, labels: Sequence[str], lines: Sequence[tuple[str | None, Sequence[float]]]
) -> CountsChart | None:
    """lines: (label, a number for each of `labels`); None where there is nothing to draw."""
    if not labels or not lines:
        return None
    every = [value for _, values in lines for value in values]
    lowest = min(0, *every)
    highest = max(0, *every) or (0 if lowest else 1)
    return CountsChart(
        of=of,
        labels=tuple(labels),
        ticks=ticks(labels),
        lines=tuple(
            ChartLine(label, number % COLOURS, points(values, highest, lowest), tuple(values))
            for number, (label, values) in enumerate(lines)
        ),
        lowest=lowest,
        highest=highest,
        zero=round(_height(0, highest, lowest), 1),
    )


def as_bars(chart: CountsChart, *, stacked: bool) -> CountsChart:
    """The same as bars, for each label one of every line: on top of each other, or side by side.

    Unchanged where numbers are negative.
    """
    if chart.lowest < 0:
        return chart
    every = [line.values for line in chart.lines]
    sums = [sum(values) for values in zip(*every, strict=True)]
    highest = (max(sums) or 1) if stacked else chart.highest
    step = WIDTH / len(chart.labels)
    width = step * 0.8 if stacked else step * 0.8 / len(chart.lines)
    bars = []
    for at in range(len(chart.labels)):
        below = 0.0
        for number, line in enumerate(chart.lines):
            height = line.values[at] / highest * HEIGHT
            x = at * step + step * 0.1 + (0 if stacked else number * width)
            y = HEIGHT - below - height
            bars.append(
                Bar(line.colour, round(x, 1), round(y, 1), round(width, 1), round(height, 1))
            )
            below += height if stacked else 0
    return msgspec.structs.replace(chart, highest=highest, bars=tuple(bars))


def totals(rows: Sequence[tuple[str, float]]) -> TotalsChart | None:
    """None where there is nothing to draw."""
    largest = max((abs(value) for _, value in rows), default=0) or 1
    found = tuple(TotalRow(label, value, 100 * abs(value) / largest) for label, value in rows)
    return TotalsChart(found) if found else None


def as_pie(chart: TotalsChart) -> TotalsChart:
    """The same as a pie, the first row from the top, clockwise. Unchanged where it can be none:
    a number is negative, or all are 0.
    """
    values = [row.value for row in chart.rows]
    whole = sum(values)
    if min(values) < 0 or not whole:
        return chart
    slices, before = [], 0.0
    for number, value in enumerate(values):
        slices.append(PieSlice(number % COLOURS, _slice(before / whole, (before + value) / whole)))
        before += value
    return msgspec.structs.replace(chart, slices=tuple(slices))


def _slice(start: float, end: float) -> str:
    """From and to: shares of the circle, from the top. In two arcs: one can't go all the way."""
    middle = (start + end) / 2
    arcs = " ".join(f"A 1 1 0 0 1 {_on_circle(share)}" for share in (middle, end))
    return f"M 0 0 L {_on_circle(start)} {arcs} Z"


def _on_circle(share: float) -> str:
    angle = 2 * math.pi * share
    return f"{math.sin(angle):.4f} {-math.cos(angle):.4f}"


def boxes(rows: Sequence[tuple[str, str, Sequence[float]]]) -> BoxesChart | None:
    """rows: (series, label, min … max and mean); None where there is nothing to draw."""
    if not rows:
        return None
    series = tuple(dict.fromkeys(name for name, _, _ in rows))
    labels = list(dict.fromkeys(label for _, label, _ in rows))
    lowest = min(0, *(values[0] for _, _, values in rows))
    highest = max(0, *(values[4] for _, _, values in rows)) or (0 if lowest else 1)
    step = WIDTH / len(labels)
    width = step * 0.8 / len(series)
    return BoxesChart(
        boxes=tuple(
            BoxMark(
                series=name,
                label=label,
                colour=series.index(name) % COLOURS,
                values=tuple(values),
                x=round(labels.index(label) * step + step * 0.1 + series.index(name) * width, 1),
                width=round(width, 1),
                heights=tuple(round(_height(value, highest, lowest), 1) for value in values[:5]),
            )
            for name, label, values in rows
        ),
        series=series,
        ticks=ticks(labels),
        lowest=lowest,
        highest=highest,
    )


def _height(value: float, highest: float, lowest: float) -> float:
    return HEIGHT - (value - lowest) / (highest - lowest) * HEIGHT


def percent(share: float) -> str:
    """`33.3 %`: every share on the page has one decimal."""
    return f"{share:.1f} %"


def count(number: float) -> str:
    """`1,234`; what is no whole number has two decimals at most."""
    return f"{number:,.2f}".rstrip("0").rstrip(".")


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
