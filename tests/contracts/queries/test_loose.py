"""What legacy requests spell in many ways is read in one; what cannot be meant is refused."""

from typing import Any

import pytest

from contracts.queries.cohorts import cohort_number
from contracts.queries.errors import InvalidQuery
from contracts.queries.legacy import spelled
from contracts.queries.legacy_shown import stored_filters
from contracts.queries.loose import json_value, text


@pytest.mark.parametrize(
    ("sent", "read"),
    [(None, None), ("", None), ("a", "a"), (5, "5"), (1.5, "1.5")],
)
def test_text_may_be_a_number(sent: Any, read: str | None) -> None:
    assert text({"a": sent}, "a") == read


@pytest.mark.parametrize("sent", [True, [], {}])
def test_what_is_no_text_is_refused_by_name(sent: Any) -> None:
    with pytest.raises(InvalidQuery) as refused:
        text({"a": sent}, "a")
    assert refused.value.attr == "a"


@pytest.mark.parametrize(
    ("sent", "plain", "read"),
    [
        ('["a"]', False, ["a"]),
        ({"a": 1}, False, {"a": 1}),
        ("", False, None),
        ("$browser", True, "$browser"),
        ("[odd", True, "[odd"),
        (' {"a": 1}', True, {"a": 1}),
    ],
)
def test_a_list_may_be_its_json_text_and_a_bare_name_a_value(
    sent: Any, plain: bool, read: Any
) -> None:
    assert json_value({"a": sent}, "a", plain_text=plain) == read


@pytest.mark.parametrize(
    ("sent", "code"),
    [("[odd", "invalid_input"), ('["\\u0000"]', "null_characters_not_allowed")],
)
def test_text_that_is_no_json_is_refused(sent: str, code: str) -> None:
    with pytest.raises(InvalidQuery) as refused:
        json_value({"a": sent}, "a")
    assert (refused.value.attr, refused.value.code) == ("a", code)


@pytest.mark.parametrize(
    ("sent", "number"),
    [
        (5, 5),
        ("5", 5),
        (5.0, 5),
        (5.5, None),
        (True, None),
        ("five", None),
        ("٥", None),
        ([], None),
    ],
)
def test_a_cohorts_number_is_a_number_or_its_digits(sent: object, number: int | None) -> None:
    assert cohort_number(sent) == number


@pytest.mark.parametrize("stored", [None, "", [], {}, '""', "{}"])
def test_filters_that_say_nothing_are_none(stored: Any) -> None:
    assert stored_filters(stored) == {}


def test_a_refusal_names_the_field_of_the_legacy_request() -> None:
    def attr(of: str | None) -> str | None:
        return spelled(InvalidQuery(of, "required", "x")).attr

    assert attr("funnelStepBreakdown") == "funnel_step_breakdown"
    assert attr("funnel_step") == "funnel_step"
    assert attr(None) is None
