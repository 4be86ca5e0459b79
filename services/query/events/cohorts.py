"""Cohorts of a query; dynamic ones as conditions on a person: who is in is decided when it runs.

So it is never out of date, and nothing has to be recomputed when a person changes; a query pays for
it what a filter on person properties costs.
"""

from collections.abc import Iterable

from contracts.queries.cohorts import check_all
from contracts.queries.properties import PropertyGroup
from services.query.events.breakdown import Cohorts
from services.query.events.conditions import AnyCondition, AnyOf
from services.query.events.facts import PlanningFacts
from services.query.events.filters import cohort_id, of_group

NEVER = AnyOf()
_ATTR = "cohort"
_ALL_USERS = ("all", 0, "0")


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


def chosen(values: Iterable[str | int], facts: PlanningFacts, attr: str) -> Cohorts:
    """The cohorts of a breakdown, in the order asked, each once; "all" and 0 are all users.

    Raises InvalidQuery for an unknown one.
    """
    found: dict[int, str] = {}
    for value in values:
        if value in _ALL_USERS:
            found.setdefault(0, "all users")
        else:
            number = cohort_id(value, facts, attr)
            found.setdefault(number, facts.cohorts[number])
    return tuple(found.items())
