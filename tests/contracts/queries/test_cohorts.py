"""Cohorts that are made of cohorts: none of itself, none larger than can be asked."""

from collections.abc import Iterable

import pytest
from msgspec import Raw

from contracts.queries.cohorts import IN_A_LOOP, TOO_LARGE, check_all, definition, named_cohorts
from contracts.queries.errors import InvalidQuery
from contracts.queries.properties import PropertyFilter, PropertyGroup

PLAN = PropertyFilter(key="plan", value="pro", type="person")


def of(numbers: Iterable[int]) -> PropertyGroup:
    found = [PropertyFilter(key="id", value=number, type="cohort") for number in numbers]
    return PropertyGroup("AND", (PLAN, PropertyGroup("OR", tuple(found))))


def refused(definitions: dict[int, PropertyGroup]) -> str:
    with pytest.raises(InvalidQuery) as raised:
        check_all(definitions)
    return raised.value.detail


@pytest.mark.parametrize("filters", ["{}", "null", "[]", '{"properties": null}'])
def test_a_cohort_without_properties_is_made_of_nothing(filters: str) -> None:
    assert definition(Raw(filters.encode())).values == ()


def test_a_cohort_is_made_of_persons_and_cohorts_alone() -> None:
    made = Raw(b'{"properties": {"type": "OR", "values": [{"type": "cohort", "value": 3}]}}')
    assert list(named_cohorts(definition(made))) == [3]
    of_events = Raw(b'{"properties": [{"key": "plan", "type": "event", "value": "pro"}]}')
    with pytest.raises(InvalidQuery, match="not of event") as raised:
        definition(of_events)
    assert raised.value.attr == "filters"


def test_cohorts_of_cohorts_that_end_somewhere_are_fine() -> None:
    check_all({1: of([2, 3]), 2: of([3]), 3: of([]), 4: of([99])})


@pytest.mark.parametrize(
    "definitions",
    [{1: of([1])}, {1: of([2]), 2: of([1])}, {9: of([1]), 1: of([2]), 2: of([3, 4]), 3: of([1])}],
)
def test_a_loop_is_refused_wherever_it_begins(definitions: dict[int, PropertyGroup]) -> None:
    assert refused(definitions) == IN_A_LOOP


def test_what_doubles_with_every_cohort_is_refused_before_it_is_written_out() -> None:
    assert refused({n: of([n - 1, n - 1]) for n in range(60)}) == TOO_LARGE


def test_a_chain_that_is_too_long_is_refused() -> None:
    check_all({n: of([n + 1]) for n in range(40)})
    assert refused({n: of([n + 1]) for n in range(80)}) == TOO_LARGE
    assert refused({n: of([n + 1]) for n in range(5000)}) == TOO_LARGE


def test_numbers_that_no_cohort_can_have_are_not_named() -> None:
    assert named_cohorts(of([3, 0, -1, 2**63])) == (3,)
