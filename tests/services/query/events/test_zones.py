"""A query in another zone is that of a project there."""

from datetime import UTC, datetime

import msgspec
import pytest

from contracts.queries.counted import CountedEventsNode, PeriodRange
from contracts.queries.errors import InvalidQuery
from contracts.queries.lifecycle import LifecycleQuery
from contracts.queries.nodes import CompareFilter
from contracts.queries.stickiness import StickinessQuery
from contracts.queries.trends import TrendsQuery
from services.query.events.facts import PlanningFacts
from services.query.events.zones import in_zone
from services.query.insights.lifecycle.planning import plan_lifecycle
from services.query.insights.stickiness.planning import plan_stickiness
from services.query.insights.trends.planning import plan_trends

HERE = PlanningFacts(team_id=7, now=datetime(2024, 3, 13, 23, 30, tzinfo=UTC))
ZONES = ("Asia/Kathmandu", "America/St_Johns", "Pacific/Apia", "UTC")
SERIES = (
    CountedEventsNode(
        event="a",
        properties=[{"key": "due", "operator": "is_date_before", "value": "2024-03-01"}],
    ),
)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("date_from", ["-7d", "-1mStart", "2024-02-29", "-5h"])
def test_a_query_in_another_zone_is_that_of_a_project_there(zone: str, date_from: str) -> None:
    there = msgspec.structs.replace(HERE, timezone=zone)
    named, plain = PeriodRange(date_from=date_from, timezone=zone), PeriodRange(date_from=date_from)
    compare = CompareFilter(compare=True)
    assert plan_lifecycle(LifecycleQuery(series=SERIES, dateRange=named), HERE) == plan_lifecycle(
        LifecycleQuery(series=SERIES, dateRange=plain), there
    )
    assert plan_stickiness(
        StickinessQuery(series=SERIES, dateRange=named, compareFilter=compare), HERE
    ) == plan_stickiness(
        StickinessQuery(series=SERIES, dateRange=plain, compareFilter=compare), there
    )
    assert plan_trends(
        TrendsQuery(series=SERIES, dateRange=named, compareFilter=compare), HERE
    ) == plan_trends(TrendsQuery(series=SERIES, dateRange=plain, compareFilter=compare), there)


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "utc+1", "../etc/passwd", "localtime"])
def test_an_unknown_zone_is_refused(name: str) -> None:
    with pytest.raises(InvalidQuery) as refused:
        in_zone(HERE, PeriodRange(timezone=name))
    assert refused.value.attr == "dateRange__timezone"
