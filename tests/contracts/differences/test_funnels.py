"""The sentences of a funnel's changes, a row of the table each."""

from typing import Any

import pytest

from tests.contracts.differences.sides import event, funnel, said

CHROME = {"key": "$browser", "value": ["Chrome", "Safari"], "operator": "exact", "type": "event"}
SAFARI = {**CHROME, "value": "Safari"}
ONLY_CHROME = {**CHROME, "value": "Chrome"}
PLAN = {"key": "plan", "value": "pro", "operator": "is_not", "type": "person"}
ACTION = {"kind": "ActionsNode", "id": 5}


def excluding(event_name: str, since: int, until: int, **members: Any) -> dict[str, Any]:
    return event(event_name, funnelFromStep=since, funnelToStep=until, **members)


@pytest.mark.parametrize(
    ("before", "after", "sentences"),
    [
        (funnel("a", "b"), funnel("a", "b", "signed up"), ["Step 3 added: signed up."]),
        (funnel("a", "form opened", "b"), funnel("a", "b"), ["Step 2 removed: form opened."]),
        (funnel("a", "b"), funnel("new", "a", "b"), ["Step 1 added: new."]),
        (funnel("a", "b", "c"), funnel("a", "c", "b"), ["Step 2 moved to 3."]),
        (
            funnel("a", "clicked"),
            funnel("a", "opened"),
            ["Step 2 is now opened instead of clicked."],
        ),
        (
            funnel("a", event("clicked", name="clicked")),
            funnel("a", event("opened", name="opened", optionalInFunnel=True)),
            ["Step 2 is now opened instead of clicked.", "Step 2 is now optional."],
        ),
        (
            funnel("a", "b"),
            funnel("a", ACTION),
            ['Step 2 is now action "Paid" (5) instead of b.'],
        ),
        (
            funnel("a", "b"),
            funnel("a", "b", {**ACTION, "id": 6}),
            ["Step 3 added: action 6."],
        ),
        (
            funnel("a", "b"),
            funnel("a", "b", {"kind": "GroupNode", "nodes": [event("x"), event("y"), ACTION]}),
            ['Step 3 added: x, y or action "Paid" (5).'],
        ),
        (funnel("a"), funnel("a", event(None)), ["Step 2 added: any event."]),
        (
            funnel("a", "b"),
            funnel("a", event("b", optionalInFunnel=True)),
            ["Step 2 is now optional."],
        ),
        (
            funnel("a", event("b", optionalInFunnel=True)),
            funnel("a", "b"),
            ["Step 2 is no longer optional."],
        ),
        (
            funnel("a", "b"),
            funnel("a", event("b", custom_name="Bought")),
            ['Step 2 is now called "Bought".'],
        ),
        (
            funnel("a", "b"),
            funnel(event("a", math="first_time_for_user"), "b"),
            ["Step 1 counts first times instead of every event."],
        ),
    ],
)
def test_steps(before: object, after: object, sentences: list[str]) -> None:
    assert said(before, after) == sentences


@pytest.mark.parametrize(
    ("before", "after", "sentences"),
    [
        (None, [CHROME], ["Step 2 now also requires $browser = Chrome or Safari."]),
        ([CHROME], [], ["Step 2 no longer requires $browser = Chrome or Safari."]),
        ([ONLY_CHROME], [SAFARI], ["Step 2 requires $browser = Safari instead of Chrome."]),
        (
            [CHROME],
            {"type": "AND", "values": [{"type": "AND", "values": [CHROME, PLAN]}]},
            ["Step 2 now also requires the person's plan ≠ pro."],
        ),
        (
            [CHROME],
            {"type": "OR", "values": [CHROME, PLAN]},
            [
                "Step 2 now also requires $browser = Chrome or Safari or the person's plan ≠ pro.",
                "Step 2 no longer requires $browser = Chrome or Safari.",
            ],
        ),
        (
            None,
            [{"key": "id", "type": "cohort", "value": 3}],
            ['Step 2 now also requires being in cohort "Power users" (3).'],
        ),
        (
            None,
            [{"key": "age > 5", "type": "hogql"}, {"key": "sum", "value": 5, "operator": "gt"}],
            ["Step 2 now also requires `age > 5`.", "Step 2 now also requires sum > 5."],
        ),
        (
            None,
            [{"key": "email", "type": "person", "operator": "is_set"}],
            ["Step 2 now also requires the person's email to be set."],
        ),
        (
            None,
            [{"key": "size", "type": "group", "value": [1, 5], "operator": "between"}],
            ["Step 2 now also requires the group's (0) size between 1 and 5."],
        ),
        # Without an effect, and told all the same.
        (
            [CHROME],
            [{**CHROME, "label": "x"}],
            ['`source.series[1].properties[0].label` is "x".'],
        ),
    ],
)
def test_filters_of_a_step(before: Any, after: Any, sentences: list[str]) -> None:
    sides = (
        funnel("a", "b" if each is None else event("b", properties=each))
        for each in (before, after)
    )
    assert said(*sides) == sentences


@pytest.mark.parametrize(
    ("before", "after", "sentences"),
    [
        ([], [excluding("refund", 0, 2)], ["Steps 1 to 3 now also exclude refund."]),
        ([], [excluding("refund", 1, 2)], ["Step 2 now also excludes refund."]),
        ([excluding("refund", 0, 2)], [], ["Steps 1 to 3 no longer exclude refund."]),
        (
            [excluding("refund", 0, 2)],
            [excluding("refund", 1, 2)],
            ["Step 2 excludes refund instead of steps 1 to 3."],
        ),
        (
            [excluding("refund", 0, 1)],
            [excluding("refund", 0, 1, properties=[SAFARI])],
            ["The exclusion of refund now also requires $browser = Safari."],
        ),
    ],
)
def test_exclusions(before: Any, after: Any, sentences: list[str]) -> None:
    sides = (funnel("a", "b", "c", options={"exclusions": each}) for each in (before, after))
    assert said(*sides) == sentences


def test_a_step_inserted_before_an_exclusion_is_one_sentence() -> None:
    before = funnel("a", "b", "c", options={"exclusions": [excluding("refund", 1, 2)]})
    after = funnel("a", "new", "b", "c", options={"exclusions": [excluding("refund", 2, 3)]})
    assert said(before, after) == ["Step 2 added: new."]


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ({}, {"funnelWindowInterval": 7}, "Conversion window is 7 days instead of 14."),
        (
            {"funnelWindowInterval": 14, "funnelWindowIntervalUnit": "day"},
            {"funnelWindowInterval": 1, "funnelWindowIntervalUnit": "hour"},
            "Conversion window is 1 hour instead of 14 days.",
        ),
        (
            {},
            {"funnelOrderType": "strict"},
            "Steps must follow strictly (before: in order).",
        ),
        (
            {"funnelOrderType": "strict"},
            {"funnelOrderType": "unordered"},
            "Steps may follow in any order (before: strictly).",
        ),
        (
            {},
            {"breakdownAttributionType": "step", "breakdownAttributionValue": 1},
            "The breakdown takes the value of step 2 instead of the first touch.",
        ),
        (
            {"funnelVizType": "steps"},
            {"funnelVizType": "time_to_convert"},
            "Shown as time to convert instead of steps.",
        ),
        ({}, {"funnelFromStep": 1}, "Conversion counts from step 2 instead of the first."),
        ({"binCount": 5}, {"binCount": 9}, "Times fall into 9 bins instead of 5."),
        (
            {},
            {"funnelAggregateByHogQL": "properties.x"},
            "Counts values of `properties.x` instead of persons.",
        ),
        (
            {},
            {"funnelStepReference": "previous"},
            "Conversion is relative to the step before instead of the first step.",
        ),
        (
            {},
            {"hideIncompleteConversionWindowPeriods": True},
            "Periods whose conversion window still runs are now hidden.",
        ),
        ({"x": 2}, {"x": 3}, "`source.funnelsFilter.x` is 3 instead of 2."),
        ({"x": 2}, {}, "`source.funnelsFilter.x` removed (was 2)."),
        ({}, {"x": {"y": [1]}}, '`source.funnelsFilter.x` is {"y":[1]}.'),
        # The default, written out.
        ({}, {"funnelWindowInterval": 14}, "`source.funnelsFilter.funnelWindowInterval` is 14."),
    ],
)
def test_options(before: dict[str, Any], after: dict[str, Any], sentence: str) -> None:
    assert said(funnel("a", options=before), funnel("a", options=after)) == [sentence]
