"""Reported attempts (paths.py) into the histogram of how long they took between two steps.

Columns: `side`, `bin` (from 0), `actors`, `low`, `width` (whole seconds), `bins`, `average`,
`median`. Two sides that are compared share their bins, which are made from both samples. A side
has no rows if no attempt has both steps.
"""

from services.common.clickhouse.relation import Relation, union
from services.common.clickhouse.statement import Bindings
from services.query.insights.funnels.plan import TimesView
from services.query.insights.funnels.statement.totals import MEDIAN, mean, total


def time_to_convert(view: TimesView, bindings: Bindings, *sides: Relation) -> Relation:
    """sides: relations of paths.py."""
    samples = [_sample(view, paths, side) for side, paths in enumerate(sides)]
    bins = f"least(greatest({bindings.bind(view.bins or 0, 'Int64')}, 1), 90)"
    if not view.bins:
        # The rounded root is exact or one too small: ceil of the float would be wrong for cubes.
        root = "toInt64(round(cbrt(n)))"
        bins = f"least({root} + ({root} * {root} * {root} < n), 60)"
    averages = ", ".join(
        mean(total("d", f"side = {side}"), f"countIf(side = {side})") for side in range(len(sides))
    )
    medians = ", ".join(
        f"{MEDIAN}If(0.5)(d, side = {side}) / 1000000" for side in range(len(sides))
    )
    measured = (
        union(*samples)
        .named("samples")
        .group(
            n="count()",
            low="intDiv(min(d), 1000000)",
            high="intDiv(max(d) + 999999, 1000000)",
            averages=f"[{averages}]",
            medians=f"[{medians}]",
            sample="groupArray((side, d))",
        )
        .having("n > 0")
    )
    with_bins = measured.named("measured").add(bins=bins).named("bins")
    widths = with_bins.add(widths="intDiv(high - low + bins - 1, bins)").named("widths")
    binned = widths.only(
        *("low", "bins", "averages", "medians"),
        width="if(widths = 0, 60, widths)",
        s="arrayJoin(sample)",
        side="s.1",
        bin="intDiv(s.2 - low * 1000000, width * 1000000)",
    )
    counted = binned.named("binned").group(
        *("side", "bin", "low", "width", "bins"),
        actors="count()",
        average="any(averages[side + 1])",
        median="any(medians[side + 1])",
    )
    columns = ("side", "bin", "actors", "low", "width", "bins", "average", "median")
    return counted.in_order(*columns).order("side", "bin")


def _sample(view: TimesView, paths: Relation, side: int) -> Relation:
    """`d`: microseconds between the two steps, of every attempt that has both."""
    since, until = f"times[{view.from_step}]", f"times[{view.to_step}]"
    both = paths.where(f"{since} > 0").where(f"{until} > 0")
    return both.only(side=f"{side}", d=f"toInt64({until} - {since})")
