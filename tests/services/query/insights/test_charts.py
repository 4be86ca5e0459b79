"""What pages draw of numbers."""

import re

import pytest

from services.query.insights.charts import TotalsChart, as_pie, totals


def pie(*values: float) -> TotalsChart:
    drawn = totals([(f"row {value:g}", value) for value in values])
    assert drawn is not None
    return as_pie(drawn)


def ends(path: str) -> list[tuple[float, float]]:
    """The points of a slice on its circle: where it begins, its middle, where it ends."""
    found = re.findall(r"(-?[0-9.]+) (-?[0-9.]+)(?= A| Z)", path)
    return [(float(x), float(y)) for x, y in found]


def test_slices_of_a_pie_follow_each_other_from_the_top_all_the_way_round() -> None:
    half, quarter, last = pie(2, 1, 1).slices
    assert ends(half.path) == [(0, -1), (1, 0), (0, 1)]
    assert [ends(part.path)[0] for part in (quarter, last)] == [(0, 1), (-1, 0)]
    assert ends(last.path)[-1] == (0, -1)
    assert [part.colour for part in (half, quarter, last)] == [0, 1, 2]


def test_one_number_alone_goes_all_the_way_by_its_middle() -> None:
    (slice_,) = pie(7).slices
    assert ends(slice_.path) == [(0, -1), (0, 1), (0, -1)]


@pytest.mark.parametrize("values", [(1, -1), (0, 0)])
def test_what_has_no_shares_is_no_pie(values: tuple[float, ...]) -> None:
    chart = pie(*values)
    assert (chart.slices, len(chart.rows)) == ((), 2)
