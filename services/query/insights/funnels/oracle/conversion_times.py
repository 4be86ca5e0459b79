"""The time_to_convert result: funnels.md section 7."""

from math import ceil, floor

import msgspec

from services.query.insights.funnels.oracle.people import Histories, outcomes
from services.query.insights.funnels.oracle.seen import MICROSECONDS
from services.query.insights.funnels.oracle.steps import mean_seconds, median_seconds, scaled
from services.query.insights.funnels.plan import FunnelPlan, TimesView


class Bins(msgspec.Struct, frozen=True):
    """bins: (from_seconds, actors), each [start, start + width)."""

    bins: tuple[tuple[int, int], ...]
    average_conversion_time: float | None
    median_conversion_time: float | None


def time_to_convert(plan: FunnelPlan, view: TimesView, histories: Histories) -> Bins:
    """Sample: "seconds from step from+1 to step to+1 on the reported attempt … zeros included"."""
    sample: list[int] = []
    for outcome in outcomes(plan, histories):
        since, until = outcome.attempt.at_us(view.from_step), outcome.attempt.at_us(view.to_step)
        if since is not None and until is not None:
            sample.append(until - since)
    starts = bin_starts(sample, view.bins)
    width = starts[1] - starts[0]
    counts = [sum(start <= us / MICROSECONDS < start + width for us in sample) for start in starts]
    return Bins(
        tuple((start, scaled(plan, count)) for start, count in zip(starts, counts, strict=True)),
        mean_seconds(sample),
        median_seconds(sample),
    )


def bin_starts(sample_us: list[int], bin_count: int | None) -> list[int]:
    """Where the b + 1 bins begin, in whole seconds.

    "b = binCount held to 1…90, or ceil(cube root of the sample size) held to 1…60; low =
    floor(min), high = ceil(max); width = ceil((high − low) / b), if 0 then 60." Nobody: [0, 60].
    """
    if not sample_us:
        return [0, 60]
    b = min(max(bin_count, 1), 90) if bin_count else min(_cube_root_up(len(sample_us)), 60)
    low, high = floor(min(sample_us) / MICROSECONDS), ceil(max(sample_us) / MICROSECONDS)
    width = ceil((high - low) / b) or 60
    return [low + i * width for i in range(b + 1)]


def _cube_root_up(n: int) -> int:
    """ceil(cube root), in integers: a float near a whole number may be rounded to either side."""
    return next(root for root in range(1, n + 1) if root**3 >= n)
