"""The engine answers trends as the reference does: every math, display and breakdown."""

import pytest

from services.common.clickhouse import ClickHouse
from services.query.events import folds
from services.query.insights.trends.statement import ranking
from tests.trends.fuzz import KINDS, run

pytestmark = pytest.mark.anyio


async def test_the_sql_and_the_reference_agree(clickhouse: ClickHouse) -> None:
    assert await run(clickhouse, KINDS["trends"], "trends", 300) is None


async def test_they_agree_where_periods_are_too_many_for_a_mask(
    clickhouse: ClickHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folds, "BITS", 0)
    assert await run(clickhouse, KINDS["trends"], "many periods", 100) is None


async def test_they_agree_where_values_are_too_many_to_read(
    clickhouse: ClickHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranking, "MOST_VALUES", 0)
    monkeypatch.setattr(ranking, "_SLACK", 1)
    assert await run(clickhouse, KINDS["trends"], "many values", 300) is None
