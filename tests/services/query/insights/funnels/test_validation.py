"""The rules of funnels.md section 2, in their words; then our own."""

from typing import Any

import pytest

from contracts.queries import legacy
from contracts.queries.errors import InvalidQuery
from services.query.insights.funnels.plan import FunnelPlan, StepsView
from services.query.insights.funnels.planning import plan_funnel
from tests.services.query.insights.funnels.asking import (
    BOUNDS,
    EXCLUSIONS,
    FACTS,
    INVALID_RANGE,
    OPTIONAL,
    RANGE,
    A,
    B,
    C,
    J,
    K,
    exclusion,
    filtered,
    funnel,
    optional,
    plan,
)

# The table, row by row


@pytest.mark.parametrize(
    ("series", "filter_", "code", "detail"),
    [
        ((A,), {}, "funnels_require_at_least_two_steps", "Funnels require at least two steps."),
        ((A, B, C), {"funnelFromStep": -1}, RANGE, f"funnelFromStep {BOUNDS} 0 and 1."),
        ((A, B, C), {"funnelFromStep": 2}, RANGE, f"funnelFromStep {BOUNDS} 0 and 1."),
        ((A, B, C), {"funnelToStep": 0}, RANGE, f"funnelToStep {BOUNDS} 1 and 2."),
        ((A, B, C), {"funnelToStep": 3}, RANGE, f"funnelToStep {BOUNDS} 1 and 2."),
        (
            (A, B, C),
            {"funnelFromStep": 1, "funnelToStep": 1},
            RANGE,
            "Funnel step range is invalid. funnelToStep should be greater than funnelFromStep.",
        ),
        (
            (A, B, C),
            {"exclusions": [exclusion()], "funnelOrderType": "unordered"},
            EXCLUSIONS,
            "Partial Exclusions not allowed in unordered funnels",
        ),
        (
            (A, B, C),
            {"exclusions": [exclusion(to_step=None)]},
            EXCLUSIONS,
            "Exclusion event needs to define funnel steps",
        ),
        (
            (A, B, C),
            {"exclusions": [exclusion(from_step=1)]},
            EXCLUSIONS,
            f"{INVALID_RANGE} End of range should be greater than start.",
        ),
        (
            (A, B, C),
            {"exclusions": [exclusion(from_step=2, to_step=3)]},
            EXCLUSIONS,
            f"{INVALID_RANGE} Start of range is greater than number of steps.",
        ),
        (
            (A, B, C),
            {"exclusions": [exclusion(to_step=3)]},
            EXCLUSIONS,
            f"{INVALID_RANGE} End of range is greater than number of steps.",
        ),
        (
            (A, B, C),
            {"exclusions": [exclusion("b")]},
            EXCLUSIONS,
            "Exclusion steps cannot contain an event that's part of funnel steps.",
        ),
        (
            (A, optional(B), C),
            {"funnelOrderType": "unordered"},
            OPTIONAL,
            "Optional funnel steps are only supported in funnels with step order Sequential or "
            'Strict and the graph type "Conversion Steps".',
        ),
        (
            (A, optional(B), C),
            {"funnelVizType": "trends"},
            OPTIONAL,
            "Optional funnel steps are only supported in funnels with step order Sequential or "
            'Strict and the graph type "Conversion Steps".',
        ),
        (
            (optional(A), B),
            {},
            OPTIONAL,
            "The first step of a funnel cannot be optional.",
        ),
        (
            (A, optional(B), B),
            {},
            OPTIONAL,
            "An optional step cannot be the same as the following required step.",
        ),
        (
            (A, B),
            {
                "funnelOrderType": "unordered",
                "breakdownAttributionType": "step",
                "breakdownAttributionValue": 1,
            },
            "invalid_input",
            "Only the first step can be used for breakdown attribution in unordered funnels",
        ),
        (
            (A, {"kind": "ActionsNode", "id": 9}),
            {},
            "invalid_input",
            "Action ID 9 does not exist!",
        ),
        (
            (A, B),
            {"funnelWindowIntervalUnit": "fortnight"},
            "invalid_input",
            "fortnight not supported",
        ),
    ],
)
def test_each_rule_answers_in_its_words(
    series: tuple[Any, ...], filter_: dict[str, Any], code: str, detail: str
) -> None:
    with pytest.raises(InvalidQuery) as raised:
        funnel(*series, **filter_)
    assert (raised.value.attr, raised.value.code, raised.value.detail) == (None, code, detail)


def test_an_unknown_breakdown_type_is_refused() -> None:
    with pytest.raises(InvalidQuery, match="Unsupported breakdown type: data_warehouse"):
        plan(breakdownFilter={"breakdown": "k", "breakdown_type": "data_warehouse"})


def test_the_first_broken_rule_answers() -> None:
    with pytest.raises(InvalidQuery) as raised:
        funnel(optional(A), B, funnelToStep=5, exclusions=[exclusion(to_step=None)])
    assert raised.value.code == RANGE
    with pytest.raises(InvalidQuery) as raised:
        funnel(optional(A), B, exclusions=[exclusion(to_step=None)])
    assert raised.value.code == EXCLUSIONS


def test_time_to_convert_names_the_steps_it_can_end_at() -> None:
    with pytest.raises(InvalidQuery) as raised:
        funnel(A, B, C, funnelVizType="time_to_convert", funnelToStep=3)
    assert raised.value.detail == (
        "Filter parameter funnel_to_step can only be one of 1, 2 for time to convert!"
    )


def test_an_exclusion_counts_as_a_step_only_when_it_holds_all_of_the_steps_filters() -> None:
    def excluded(step: Any, exclusion: Any) -> FunnelPlan:
        return funnel(A, step, exclusions=[exclusion])

    with pytest.raises(InvalidQuery):
        excluded(B, exclusion("b", properties=[K]))
    with pytest.raises(InvalidQuery):
        excluded(filtered(B, K), exclusion("b", properties=[J, K]))
    assert excluded(filtered(B, K), exclusion("b")).exclusions
    assert excluded(filtered(B, K), exclusion("b", properties=[J])).exclusions
    assert funnel(A, B, C, exclusions=[exclusion("c")]).exclusions


def test_an_excluded_action_is_compared_by_its_id() -> None:
    bought = {"kind": "ActionsNode", "id": 3}
    exclusion = {
        "kind": "ActionsNode",
        "id": 3,
        "funnelFromStep": 0,
        "funnelToStep": 1,
    }
    with pytest.raises(InvalidQuery) as raised:
        funnel(A, bought, exclusions=[exclusion])
    assert raised.value.code == EXCLUSIONS


def test_a_step_that_takes_whatever_an_optional_one_waits_for_cannot_follow_it() -> None:
    for after in (filtered(B, K, J), filtered(B, K), B):
        with pytest.raises(InvalidQuery):
            funnel(A, optional(filtered(B, K, J)), after)
    assert len(funnel(A, optional(B), filtered(B, K)).steps) == 3
    assert len(funnel(A, optional(filtered(B, J)), filtered(B, K)).steps) == 3


# Ours


@pytest.mark.parametrize(
    ("query", "attr"),
    [
        ({"funnelsFilter": {"funnelWindowInterval": -1}}, "funnelsFilter__funnelWindowInterval"),
        ({"funnelsFilter": {"funnelWindowInterval": 10**9}}, "funnelsFilter__funnelWindowInterval"),
        (
            {"funnelsFilter": {"breakdownAttributionType": "step"}},
            "funnelsFilter__breakdownAttributionValue",
        ),
        (
            {"funnelsFilter": {"breakdownAttributionType": "step", "breakdownAttributionValue": 3}},
            "funnelsFilter__breakdownAttributionValue",
        ),
        ({"funnelsFilter": {"funnelOrderType": "random"}}, "query__funnelsFilter__funnelOrderType"),
        ({"samplingFactor": 1.5}, "samplingFactor"),
        ({"samplingFactor": 0}, "samplingFactor"),
        ({"series": [A] * 65}, "series"),
        ({"funnelsFilter": {"exclusions": [exclusion()] * 65}}, "funnelsFilter__exclusions"),
        ({"aggregation_group_type_index": 5}, "aggregation_group_type_index"),
        ({"dateRange": {"date_from": "soon"}}, "date_from"),
        (
            {"breakdownFilter": {"breakdown": "k", "breakdown_limit": 0}},
            "breakdownFilter__breakdown_limit",
        ),
        ({"series": [A, {"kind": "DataWarehouseNode", "id": "t"}]}, "series"),
        (
            {"funnelsFilter": {"funnelAggregateByHogQL": "1 +"}},
            "funnelsFilter__funnelAggregateByHogQL",
        ),
    ],
)
def test_our_own_refusals_name_the_field(query: dict[str, Any], attr: str) -> None:
    with pytest.raises(InvalidQuery) as raised:
        plan(**query)
    assert raised.value.attr == attr


def test_sixty_four_steps_are_served() -> None:
    assert len(plan(*[A] * 64).steps) == 64


def test_a_legacy_funnel_may_have_one_step_but_not_none() -> None:
    one = plan_funnel(legacy.convert({"events": [{"id": "a"}]}), FACTS, legacy=True)
    assert (len(one.steps), one.view) == (1, StepsView())
    with pytest.raises(InvalidQuery, match="at least two steps"):
        plan_funnel(legacy.convert({}), FACTS, legacy=True)
