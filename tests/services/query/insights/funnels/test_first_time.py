"""Steps that count only an actor's first event ever (`math`: first_time_for_user)."""

from datetime import timedelta
from uuid import UUID

import msgspec
import pytest

from contracts.api.funnels import FunnelStep
from services.common.clickhouse import ClickHouse
from services.query.insights.funnels.compute import compute
from services.query.insights.funnels.plan import Order
from tests.funnels.engine import store
from tests.funnels.stories import START, Event, funnel, parse

pytestmark = pytest.mark.anyio


def history(text: str, first_uuid: int) -> tuple[Event, ...]:
    return tuple(
        msgspec.structs.replace(event, uuid=UUID(int=first_uuid + place))
        for place, event in enumerate(parse(text))
    )


@pytest.mark.parametrize(
    ("order", "counts"),
    # Strict: the second A is an event like any other, and stands between.
    [("ordered", [1, 1]), ("strict", [1, 0]), ("unordered", [2, 1])],
)
async def test_later_events_of_the_name_are_unrelated(
    clickhouse: ClickHouse, order: Order, counts: list[int]
) -> None:
    before_the_dates = (UUID(int=1), history("A0 A20 B25", 10))
    within_them = (UUID(int=2), history("A30 A32 B35", 20))
    await store(clickhouse, 1, [before_the_dates, within_them])
    plan = funnel("A B", names=("A", "B"), team_id=1, order=order)
    first, second = plan.steps
    plan = msgspec.structs.replace(
        plan,
        date_from=START + timedelta(seconds=10),
        steps=(msgspec.structs.replace(first, first_time="first_time_for_user"), second),
    )
    answer = await compute(clickhouse, plan, has_overrides=False)
    rows = msgspec.convert(answer.results, list[FunnelStep])
    assert [row.count for row in rows] == counts
