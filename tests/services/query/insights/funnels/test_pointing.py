"""Which number a request for people points at, by what the funnel shows."""

from typing import Any

import pytest

from contracts.queries import reading
from contracts.queries.actors import ActorsQuery
from contracts.queries.errors import InvalidQuery
from contracts.queries.nodes import FunnelsActorsQuery
from services.query.insights.funnels.people.pointing import selection
from services.query.insights.funnels.people.selection import AtStep, InBin, InPeriod, Selection
from services.query.insights.funnels.planning import plan_funnel
from tests.services.query.insights.funnels.asking import FACTS, NOW, A, B


def pointed(viz: str, breakdown: dict[str, Any] | None = None, **asked: Any) -> Selection:
    source = {
        "kind": "FunnelsQuery",
        "series": [A, B],
        "funnelsFilter": {"funnelVizType": viz},
        "breakdownFilter": breakdown or {},
    }
    actors = {"kind": "FunnelsActorsQuery", "source": source, **asked}
    query = reading.read({"kind": "ActorsQuery", "source": actors})
    assert isinstance(query, ActorsQuery)
    assert isinstance(query.source, FunnelsActorsQuery)
    return selection(plan_funnel(query.source.source, FACTS), query.source)


BY_K = {"breakdown": "k"}
BY_COHORT = {"breakdown": [5, "all"], "breakdown_type": "cohort"}


def test_a_step_has_the_value_of_its_row() -> None:
    assert pointed("steps", funnelStep=2) == AtStep(step=2)
    of_row = pointed("steps", BY_K, funnelStep=2, funnelStepBreakdown=["x"])
    assert of_row == AtStep(step=2, value=("x",))


@pytest.mark.parametrize(("sent", "cohort"), [(5, 5), ("Friends", 5), ("all", 0), (0, 0)])
def test_a_cohort_is_pointed_at_by_id_or_name(sent: str | int, cohort: int) -> None:
    found = pointed("steps", BY_COHORT, funnelStep=1, funnelStepBreakdown=sent)
    assert found == AtStep(step=1, value=cohort)


def test_a_period_has_the_value_of_its_line() -> None:
    start = NOW.replace(hour=0, minute=0)
    found = pointed(
        "trends",
        BY_K,
        funnelTrendsEntrancePeriodStart=f"{start:%Y-%m-%d}",
        funnelTrendsDropOff=True,
        funnelStepBreakdown="x",
    )
    assert found == InPeriod(start=start, dropped_off=True, value=("x",))


@pytest.mark.parametrize("breakdown", [None, BY_K])
def test_times_tell_everybody_together(breakdown: dict[str, Any] | None) -> None:
    """A value, which clients send along, is passed over as the breakdown is."""
    bin_ = {"funnelConversionTimeFrom": 0, "funnelConversionTimeTo": 60}
    found = pointed("time_to_convert", breakdown, **bin_, funnelStepBreakdown="x")
    assert found == InBin(from_seconds=0, to_seconds=60)
    step = pointed("time_to_convert", breakdown, funnelStep=1, funnelStepBreakdown="x")
    assert step == AtStep(step=1)


@pytest.mark.parametrize(
    ("breakdown", "value", "detail"),
    [
        (None, "x", "This funnel has no breakdown."),
        (BY_K, ["x", "y"], "A row of this funnel has 1 values."),
        (BY_COHORT, "6", "This funnel has no such cohort."),
    ],
)
def test_a_row_that_the_answer_does_not_have_is_refused(
    breakdown: dict[str, Any] | None, value: object, detail: str
) -> None:
    with pytest.raises(InvalidQuery) as refused:
        pointed("steps", breakdown, funnelStep=1, funnelStepBreakdown=value)
    assert (refused.value.attr, refused.value.detail) == ("funnelStepBreakdown", detail)
