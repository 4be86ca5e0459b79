"""Which forms a funnel takes whose events may match several steps."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest

from services.common.clickhouse import ClickHouse
from services.common.clickhouse.statement import Statement
from services.query.insights.funnels.plan import FunnelPlan
from services.query.insights.funnels.quick import quick_first
from services.query.insights.funnels.statement.actors import Forms
from services.query.insights.funnels.statement.funnel import compile_funnel
from tests.funnels.engine import store
from tests.funnels.stories import BY_PROPERTY, funnel, parse

pytestmark = pytest.mark.anyio


async def answered(
    clickhouse: ClickHouse, plan: FunnelPlan
) -> tuple[list[bool], Sequence[Sequence[Any]]]:
    """Which statements were asked for, the quick forms alone or not; and the rows."""
    tried: list[bool] = []

    def compiled(forms: Forms) -> Statement:
        tried.append(forms.quick_only)
        return compile_funnel(plan, has_overrides=False, forms=forms)

    return tried, await quick_first(clickhouse, plan, compiled, has_overrides=False)


@pytest.mark.parametrize(
    ("history", "asked", "converted"),
    [
        ("A0 AB5", [True], 1),
        # Only the uuids tell which of the two events is the visit.
        ("A0 AB0", [True, False], 1),
        ("AB0 AB0 B20", [True], 1),
        ("AB0", [True], 0),
    ],
)
async def test_all_forms_are_asked_when_the_quick_ones_cannot_tell(
    clickhouse: ClickHouse, history: str, asked: list[bool], converted: int
) -> None:
    await store(clickhouse, 1, [(UUID(int=7), tuple(parse(history)))])
    plan = funnel("A B", names=("A", "B", "AB"), team_id=1, breakdown=BY_PROPERTY)
    tried, rows = await answered(clickhouse, plan)
    assert tried == asked
    assert rows == await clickhouse.query(compile_funnel(plan, has_overrides=False))
    assert sum(row[4] for row in rows if row[3] == 2) == converted


async def test_funnels_without_such_events_have_one_form(clickhouse: ClickHouse) -> None:
    await store(clickhouse, 1, [(UUID(int=7), tuple(parse("A0 B0")))])
    plan = funnel("A B", names=("A", "B"), team_id=1, viz="time_to_convert")
    tried, rows = await answered(clickhouse, plan)
    assert tried == [False]
    assert len(rows) == 1
