"""The cohort as readers see it."""

from collections.abc import Iterable
from functools import reduce
from typing import assert_never

from msgspec.structs import replace

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
from contracts.events.recorded import Recorded
from contracts.read_models.cohort import CohortRow


def project(row: CohortRow | None, recorded: Recorded[CohortEvent]) -> CohortRow:
    """The row after one more fact. Raises ValueError unless one creation comes first."""
    event = recorded.event
    if row is None:
        if not isinstance(event, CohortCreated):
            raise ValueError(f"stream {recorded.stream_id} does not begin with cohort.created")
        return CohortRow(
            team_id=recorded.team_id,
            cohort_id=event.cohort_id,
            name=event.name,
            description=event.description,
            is_static=event.is_static,
            filters=event.filters,
            created_at=recorded.at,
            created_by=recorded.user_id,
            updated_at=recorded.at,
            version=recorded.version,
        )
    return replace(_changed(row, event), version=recorded.version, updated_at=recorded.at)


def view(history: Iterable[Recorded[CohortEvent]]) -> CohortRow | None:
    """None: never created."""
    return reduce(project, history, None)


def _changed(row: CohortRow, event: CohortEvent) -> CohortRow:
    match event:
        case CohortCreated():
            raise ValueError(f"cohort {event.cohort_id} was created twice")
        case CohortRenamed(name=name):
            return replace(row, name=name)
        case CohortDescribed(description=description):
            return replace(row, description=description)
        case CohortFiltersChanged(filters=filters):
            return replace(row, filters=filters)
        case CohortPeopleAdded(person_ids=person_ids):
            return replace(row, count=row.count + len(person_ids))
        case CohortDeleted():
            return replace(row, deleted=True)
        case CohortRestored():
            return replace(row, deleted=False)
        case _:
            assert_never(event)
