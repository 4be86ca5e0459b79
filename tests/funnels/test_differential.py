"""The SQL answers as the reference does: every order, view and attribution, random histories."""

import pytest

from services.common.clickhouse import ClickHouse
from services.query.insights.funnels import compute
from services.query.insights.funnels.statement import totals
from tests.funnels.fuzz import Course, Progress, run
from tests.funnels.shrink import shrink

pytestmark = pytest.mark.anyio


async def differ(clickhouse: ClickHouse, course: Course, cases: int) -> str | None:
    """The first mismatch, small and in words. A case is one history in one funnel."""
    found = await run(clickhouse, course, cases, Progress(cases, shown=False))
    return None if found is None else str(await shrink(clickhouse, found))


async def test_the_sql_and_the_reference_agree(clickhouse: ClickHouse) -> None:
    course = Course(seed=1, actors=300, funnels=10, long=100)
    assert await differ(clickhouse, course, cases=20_000) is None


async def test_they_agree_on_funnels_of_up_to_64_steps(clickhouse: ClickHouse) -> None:
    course = Course(seed=2, actors=300, funnels=6, long=1)
    assert await differ(clickhouse, course, cases=500) is None


@pytest.mark.parametrize("most", [0, 5])
async def test_they_agree_however_many_actors_need_the_slower_form(
    clickhouse: ClickHouse, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(compute, "MOST_TANGLED", most)
    monkeypatch.setattr(totals, "MOST_TANGLED", most)
    course = Course(seed=3, order="ordered", viz="steps", actors=200, funnels=8, long=100)
    assert await differ(clickhouse, course, cases=3_200) is None
