"""Totals of a few actors joined to those of all others, medians included.

Two medians do not give the median of both. But m more times move it by at most m places, so the
m + 4 times of the many around their median are enough.
"""

from collections.abc import Iterable, Sequence

import msgspec

from services.query.insights.funnels.statement.totals import WHOLE

_MICROSECONDS = 1_000_000


class Partial(msgspec.Struct, frozen=True, array_like=True):
    """A row of totals.partial_totals. Times in microseconds, in order."""

    step: int
    count: int
    took: int
    timed: int
    open: int
    times: list[int]
    skipped: int
    tangled: list[str]


def joined(many: Iterable[Partial], few: Iterable[Partial]) -> list[tuple[object, ...]]:
    """Rows as of totals.totals.

    few: totals of the actors missing from `many`, with all their times.
    """
    others = {row.step: row for row in few}
    rows = [_joined(row, others.pop(row.step, None)) for row in many]
    return rows + [_joined(row, None) for row in others.values()]


def _joined(many: Partial, few: Partial | None) -> tuple[object, ...]:
    parts = [many] if few is None else [many, few]
    timed = sum(part.timed for part in parts)
    took = sum(part.took for part in parts)
    # Whole conversions include times of 0, steps do not.
    measured = sum(part.count if part.step == WHOLE else part.timed for part in parts)
    times = sorted(time for part in parts for time in part.times)
    return (
        many.step,
        sum(part.count for part in parts),
        took / timed / _MICROSECONDS if timed else None,
        _median(times, many.skipped, measured),
        sum(part.open for part in parts),
    )


def _median(times: Sequence[int], skipped: int, count: int) -> float | None:
    """The median in seconds of `count` times, the first `skipped` of which are not in `times`."""
    if not count:
        return None
    low, high = (count - 1) // 2 - skipped, count // 2 - skipped
    return (times[low] + times[high]) / 2 / _MICROSECONDS
