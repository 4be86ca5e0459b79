"""Dynamic cohorts as conditions on a person: membership is decided when a query runs.

So it is never out of date, and nothing has to be recomputed when a person changes; a query pays for
it what a filter on person properties costs.
"""

from contracts.queries.cohorts import check_all
from contracts.queries.properties import PropertyGroup
from services.query.events.conditions import AnyCondition, AnyOf
from services.query.events.facts import PlanningFacts
from services.query.events.filters import of_group

NEVER = AnyOf()
_ATTR = "cohort"


def plan_cohorts(facts: PlanningFacts) -> tuple[tuple[int, AnyCondition], ...]:
    """Of every definition in `facts`, by cohort.

    Raises InvalidQuery for what is not served, and for a loop: a write closes none, but what is
    stored may have come there otherwise.
    """
    check_all(facts.definitions)
    return tuple(
        (number, _members(group, facts)) for number, group in sorted(facts.definitions.items())
    )


def _members(group: PropertyGroup, facts: PlanningFacts) -> AnyCondition:
    """A cohort that says nothing has no members."""
    return of_group(group, facts, _ATTR) if group.values else NEVER
