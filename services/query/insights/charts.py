"""Charts that pages draw of results: numbers and words, no markup. Each kind of insight makes its
own.
"""

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


class CountsChart(msgspec.Struct, frozen=True, tag="counts"):
    """Lines of numbers from `lowest`, which is 0 or less, up to `highest`.

    of: what the labels are (`Period`). zero: the SVG height of 0.
    """

    of: str
    labels: tuple[str, ...]
    ticks: tuple[str, ...]
    lines: tuple[ChartLine, ...]
    lowest: float
    highest: float
    zero: float


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


Chart = StepsChart | TrendsChart | CountsChart | BinsChart | SignalsTable


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
