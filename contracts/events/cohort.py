"""Facts of one cohort's stream. Each change records both sides.

A static cohort is the people that were added; any other is all persons that its `filters` fit when
a query runs, so that no fact tells its members.
"""

from uuid import UUID

from msgspec import Raw

from contracts.events.fact import Fact
from contracts.json import EMPTY_OBJECT

MOST_PEOPLE = 5_000
"""In one fact; a longer list is several."""


class CohortCreated(Fact, frozen=True, tag="cohort.created.v1"):
    cohort_id: int
    name: str | None = None
    description: str = ""
    is_static: bool = False
    filters: Raw = EMPTY_OBJECT


class CohortRenamed(Fact, frozen=True, tag="cohort.renamed.v1"):
    name: str | None
    previous: str | None


class CohortDescribed(Fact, frozen=True, tag="cohort.described.v1"):
    description: str
    previous: str


class CohortFiltersChanged(Fact, frozen=True, tag="cohort.filters_changed.v1"):
    filters: Raw
    previous: Raw


class CohortPeopleAdded(Fact, frozen=True, tag="cohort.people_added.v1"):
    """person_ids: those that were not in it yet."""

    person_ids: tuple[UUID, ...]


class CohortDeleted(Fact, frozen=True, tag="cohort.deleted.v1"):
    """Soft: queries that name it are refused until it is restored."""


class CohortRestored(Fact, frozen=True, tag="cohort.restored.v1"):
    pass


CohortEvent = (
    CohortCreated
    | CohortRenamed
    | CohortDescribed
    | CohortFiltersChanged
    | CohortPeopleAdded
    | CohortDeleted
    | CohortRestored
)
