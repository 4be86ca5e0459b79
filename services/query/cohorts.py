"""Dynamic cohorts as conditions on a person: membership is decided when a query runs.

So it is never out of date, and nothing has to be recomputed when a person changes; a query pays for
it what a filter on person properties costs.
"""

from contracts.queries.errors import invalid_input
from contracts.queries.properties import PropertyGroup
from services.query.conditions import AllOf, AnyCondition, AnyOf, InCohort
from services.query.filters import of_group
from services.query.funnels.facts import PlanningFacts

NEVER = AnyOf()
_ATTR = "cohort"


def plan_cohorts(facts: PlanningFacts) -> tuple[tuple[int, AnyCondition], ...]:
    """Of every definition in `facts`, by cohort. Raises InvalidQuery for what is not served."""
    found = {number: _members(group, facts) for number, group in sorted(facts.definitions.items())}
    for number in found:
        _refuse_circle(number, found, ())
    return tuple(found.items())


def _members(group: PropertyGroup, facts: PlanningFacts) -> AnyCondition:
    """A cohort that says nothing has no members."""
    return of_group(group, facts, _ATTR) if group.values else NEVER


def _refuse_circle(number: int, found: dict[int, AnyCondition], above: tuple[int, ...]) -> None:
    if number in above:
        raise invalid_input(_ATTR, f"Cohort ID {number} is made of itself.")
    if number in found:
        for inner in _named(found[number]):
            _refuse_circle(inner, found, (*above, number))


def _named(condition: AnyCondition) -> set[int]:
    match condition:
        case AllOf(conditions=parts) | AnyOf(conditions=parts):
            return {number for part in parts for number in _named(part)}
        case InCohort(cohort_id=cohort_id):
            return {cohort_id}
        case _:
            return set()
