"""The engine answers lifecycles as the reference does, and lists the people behind its numbers."""

import pytest

from services.common.clickhouse import ClickHouse
from tests.trends.fuzz import KINDS, run

pytestmark = pytest.mark.anyio


async def test_the_sql_and_the_reference_agree(clickhouse: ClickHouse) -> None:
    assert await run(clickhouse, KINDS["lifecycle"], "lifecycles", 300) is None
