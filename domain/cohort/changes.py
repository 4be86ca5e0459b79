"""The changes that each fact of a cohort makes."""

from typing import assert_never

from contracts.events.cohort import (
    CohortCreated,
    CohortDeleted,
    CohortDescribed,
    CohortEvent,
    CohortFiltersChanged,
    CohortPeopleAdded,
    CohortRenamed,
    CohortRestored,
)
from contracts.read_models.activity import Change
from domain.changes import change


def changes(event: CohortEvent) -> list[Change]:
    """The fact's changes, by the names the fields have on the wire; none for the first one."""
    match event:
        case CohortRenamed():
            return [_change("name", event.previous, event.name)]
        case CohortDescribed():
            return [_change("description", event.previous, event.description)]
        case CohortFiltersChanged():
            return [_change("filters", event.previous, event.filters)]
        case CohortPeopleAdded():
            return [_change("person_ids", None, event.person_ids)]
        case CohortDeleted() | CohortRestored():
            deleted = isinstance(event, CohortDeleted)
            return [_change("deleted", not deleted, deleted)]
        case CohortCreated():
            return []
        case _:
            assert_never(event)


def _change(field: str, before: object, after: object) -> Change:
    return change(field, before, after, "Cohort")
