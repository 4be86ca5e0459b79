"""What pages draw of results: numbers and words, no markup. Each kind of insight makes its own."""

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
    """points: SVG coordinates; values: percentages, one per label."""

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


def ticks(labels: Sequence[str]) -> tuple[str, ...]:
    """The first, the one in the middle, the last."""
    last = len(labels) - 1
    return tuple(labels[index] for index in sorted({0, last // 2, last}) if index >= 0)


def points(values: Sequence[float], highest: float) -> str:
    """SVG coordinates of a line over the whole width. highest: the value at the top."""
    if len(values) == 1:
        # One period has no line through it: its value, from side to side.
        values = (values[0], values[0])
    step = WIDTH / max(len(values) - 1, 1)
    return " ".join(
        f"{number * step:.1f},{HEIGHT - value / highest * HEIGHT:.1f}"
        for number, value in enumerate(values)
    )


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
