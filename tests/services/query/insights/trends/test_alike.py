"""Which series are counted in one pass: those of the same event, of events and their numbers."""

from typing import Any

import pytest

from services.query.insights.trends.statement.alike import passes
from tests.trends.stories import VIEWED, counted, trends

LEFT = {"kind": "EventsNode", "event": "left"}
SUM = counted("sum", math_property="n")
PAID = counted("p90", math_property="m", properties=[{"key": "plan", "value": "paid"}])
OF_SESSIONS = counted("sum", math_property="$session_duration")
BROWSER = {"breakdownFilter": {"breakdown": "$browser"}}


def places(*series: dict[str, Any], **query: Any) -> list[list[int]]:
    plan = trends(*series, **query)
    return [[one.place for one in together] for together in passes(plan)]


def test_those_of_the_same_event_are_whatever_their_filters() -> None:
    assert places(VIEWED, SUM, PAID) == [[0, 1, 2]]
    assert places(VIEWED, LEFT, SUM, LEFT) == [[0, 2], [1, 3]]


@pytest.mark.parametrize("other", [counted("dau"), counted("first_time_for_user"), OF_SESSIONS])
def test_what_is_counted_otherwise_is_not(other: dict[str, Any]) -> None:
    assert places(VIEWED, other, SUM) == [[0, 2], [1]]


def test_with_a_breakdown_each_finds_its_own_values() -> None:
    assert places(VIEWED, SUM, **BROWSER) == [[0], [1]]
