"""Legacy requests for the people behind a number: what they point at, and what points nowhere."""

from typing import Any

import pytest

from contracts.queries.errors import InvalidQuery
from contracts.queries.legacy_actors import (
    convert_correlation,
    convert_correlation_people,
    convert_people,
)
from contracts.queries.nodes import ActionsNode, EventsNode

TWO_STEPS: dict[str, Any] = {"events": [{"id": "a", "order": 0}, {"id": "b", "order": 1}]}
TRENDS = {"funnel_viz_type": "trends"}
TIMES = {"funnel_viz_type": "time_to_convert"}


@pytest.mark.parametrize(
    ("filters", "attr"),
    [
        ({}, "funnel_step"),
        ({"funnel_step": 0}, "funnel_step"),
        ({"funnel_step": -1}, "funnel_step"),
        ({"funnel_custom_steps": ["x"]}, "funnel_custom_steps"),
        ({"funnel_custom_steps": 1}, "funnel_custom_steps"),
        (TRENDS, "entrance_period_start"),
        ({**TRENDS, "entrance_period_start": "2024-01-10"}, "drop_off"),
        (TIMES, "funnel_step"),
        ({**TIMES, "funnel_conversion_time_from": 1}, "funnel_conversion_time_to"),
        ({**TIMES, "funnel_conversion_time_to": 1}, "funnel_conversion_time_from"),
    ],
)
def test_what_points_at_nobody_is_refused_by_name(filters: dict[str, Any], attr: str) -> None:
    with pytest.raises(InvalidQuery) as refused:
        convert_people({**TWO_STEPS, **filters})
    assert refused.value.attr == attr


def test_each_way_to_point_at_people_is_read() -> None:
    by_step = convert_people({**TWO_STEPS, "funnel_step": "-2", "funnel_step_breakdown": ""})
    assert (by_step.funnelStep, by_step.funnelStepBreakdown) == (-2, "")
    by_last = convert_people({**TWO_STEPS, "funnel_custom_steps": '[1, "2"]'})
    assert (by_last.funnelStep, by_last.funnelCustomSteps) == (None, (1, 2))
    entered = {"entrance_period_start": "2024-01-10", "drop_off": "true"}
    by_period = convert_people({**TWO_STEPS, **TRENDS, **entered})
    assert by_period.funnelTrendsEntrancePeriodStart == "2024-01-10"
    assert by_period.funnelTrendsDropOff is True
    bounds = {"funnel_conversion_time_from": 1, "funnel_conversion_time_to": "2"}
    by_bin = convert_people({**TWO_STEPS, **TIMES, **bounds})
    assert (by_bin.funnelConversionTimeFrom, by_bin.funnelConversionTimeTo) == (1, 2)


@pytest.mark.parametrize(
    ("filters", "attr", "detail"),
    [
        ({"funnel_correlation_type": "odd"}, "funnel_correlation_type", '"odd" is not a valid'),
        ({"funnel_correlation_type": "properties"}, None, "Property Correlation expects"),
        (
            {"funnel_correlation_type": "event_with_properties"},
            None,
            "Event Property Correlation expects",
        ),
        (
            {"funnel_correlation_exclude_event_names": [5]},
            "funnel_correlation_exclude_event_names",
            "funnel_correlation_exclude_event_names is a list of names.",
        ),
    ],
)
def test_a_correlation_that_asks_for_nothing_is_refused(
    filters: dict[str, Any], attr: str | None, detail: str
) -> None:
    with pytest.raises(InvalidQuery) as refused:
        convert_correlation({**TWO_STEPS, **filters})
    assert refused.value.attr == attr
    assert refused.value.detail.startswith(detail)


def test_a_bare_name_is_a_list_of_one() -> None:
    query = convert_correlation(
        {
            **TWO_STEPS,
            "funnel_correlation_type": "properties",
            "funnel_correlation_names": "plan",
            "funnel_correlation_exclude_names": '["a", "b"]',
        }
    )
    assert query.funnelCorrelationNames == ("plan",)
    assert query.funnelCorrelationExcludeNames == ("a", "b")


def test_the_people_of_a_correlation_have_an_event_or_properties() -> None:
    query = convert_correlation_people(
        {
            **TWO_STEPS,
            "funnel_correlation_person_entity": '{"id": "left", "type": "events"}',
            "funnel_correlation_person_converted": "false",
        }
    )
    assert isinstance(query.funnelCorrelationPersonEntity, EventsNode)
    assert query.funnelCorrelationPersonEntity.event == "left"
    assert query.funnelCorrelationPersonConverted is False
    action = {"id": 3, "type": "actions"}
    query = convert_correlation_people({**TWO_STEPS, "funnel_correlation_person_entity": action})
    assert query.funnelCorrelationPersonEntity == ActionsNode(id=3)
    for entity, attr in ((None, None), ({}, None), ([1], "funnel_correlation_person_entity")):
        with pytest.raises(InvalidQuery) as refused:
            convert_correlation_people({**TWO_STEPS, "funnel_correlation_person_entity": entity})
        assert refused.value.attr == attr
