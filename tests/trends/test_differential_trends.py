"""The SQL answers as the reference does: every math, display and breakdown over random worlds."""

import pytest

from services.common.clickhouse import ClickHouse
from services.query.insights.trends.statement import numbers, windowed
from tests.funnels.fuzz import Progress
from tests.trends.fuzz import run

pytestmark = pytest.mark.anyio


async def differ(clickhouse: ClickHouse, seed: str, cases: int) -> str | None:
    """The first mismatch in words."""
    found = await run(clickhouse, seed, cases, Progress(cases, shown=False))
    return None if found is None else str(found)


async def test_the_sql_and_the_reference_agree(clickhouse: ClickHouse) -> None:
    assert await differ(clickhouse, "any", cases=300) is None


async def test_they_agree_where_periods_are_too_many_for_a_mask(
    clickhouse: ClickHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numbers, "MOST_BITS", 0)
    monkeypatch.setattr(windowed, "MOST_BITS", 0)
    assert await differ(clickhouse, "many periods", cases=100) is None
