"""The reference and the count by hand agree on real purchases."""

from uuid import UUID

import pytest

from services.query.insights.funnels.oracle import History, OracleEvent
from services.query.insights.funnels.oracle.seen import microseconds
from services.query.insights.funnels.oracle.steps import steps
from tests.cdnow import DATE_FROM, DATE_TO, PURCHASES, Conversion, purchases, three_purchases
from tests.funnels.stories import funnel

pytestmark = pytest.mark.skipif(not PURCHASES.exists(), reason="the data set is not beside us")


def test_the_data_set_is_whole() -> None:
    customers = purchases()
    assert len(customers) == 23_570
    assert sum(len(bought) for bought in customers.values()) == 69_659


@pytest.mark.parametrize("window_days", [30, 365])
@pytest.mark.parametrize("second_over", [None, 50.0])
def test_the_reference_counts_what_we_count_by_hand(
    window_days: int, second_over: float | None
) -> None:
    customers = purchases()
    plan = funnel("A A A", window=window_days * 86_400, date_from=DATE_FROM, date_to=DATE_TO)
    histories: dict[str, History] = {
        customer: tuple(
            OracleEvent(
                microseconds(purchase.at),
                UUID(int=number),
                frozenset({1, 2, 3} if not second_over or purchase.value > second_over else {1, 3}),
            )
            for number, purchase in enumerate(bought)
        )
        for customer, bought in customers.items()
    }

    (group,) = steps(plan, histories)

    counts = tuple(row.count for row in group.steps)
    medians = tuple(row.median_conversion_time for row in group.steps)
    assert Conversion(counts, medians) == three_purchases(  # type: ignore[arg-type]  # of three
        customers, window_days=window_days, second_over=second_over
    )
