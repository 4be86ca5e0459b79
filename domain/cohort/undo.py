"""Takes an operation on a cohort back."""

from collections.abc import Sequence
from typing import Any, assert_never
from uuid import UUID

from msgspec import UNSET, Raw

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
from contracts.events.streams import Stream
from contracts.queries.cohorts import definition
from contracts.queries.errors import InvalidQuery
from domain.cohort.commands import EditCohort
from domain.cohort.view import project
from domain.history.judge import DELETED, Judge, Touch
from domain.history.placed import place
from domain.history.undoing import Undoing, UndoTerms


def undo(
    stream: Stream[CohortEvent],
    operation_id: UUID,
    past: Sequence[Recorded[CohortEvent]],
    terms: UndoTerms,
) -> Undoing[EditCohort]:
    """Whether the cohorts that its filters name go round in a circle is not looked at here."""
    placed = place(operation_id, past, project)
    if placed is None:
        return Undoing()
    judge = Judge(stream, placed, terms, touch)
    back: dict[str, Any] = {}
    if placed.before is None:
        back[DELETED] = True if judge.creation() else UNSET
    for field in judge.fields:
        if field == "filters":
            back[field] = judge.document(field, invalid_filters)
        else:
            back[field] = judge.plain(field)
    return judge.undoing(EditCohort(**back))


def touch(event: CohortEvent) -> Touch:
    match event:
        case CohortCreated() | CohortDeleted() | CohortRestored():
            return Touch(DELETED)
        case CohortRenamed():
            return Touch("name")
        case CohortDescribed():
            return Touch("description")
        case CohortFiltersChanged():
            return Touch("filters")
        case CohortPeopleAdded():
            return Touch("person_ids", "People are not taken out of a list again.")
        case _:
            assert_never(event)


def invalid_filters(filters: Raw) -> str | None:
    """Why a cohort can't be given these filters."""
    try:
        definition(filters)
    except InvalidQuery as cause:
        return cause.detail
    return None
