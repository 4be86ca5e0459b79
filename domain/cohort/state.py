"""The state that deciding on a cohort needs: its row, and its people."""

from collections.abc import Iterable
from functools import reduce
from uuid import UUID

import msgspec

from contracts.events.cohort import CohortEvent, CohortPeopleAdded
from contracts.events.recorded import Recorded
from contracts.read_models.cohort import CohortRow
from domain.cohort.view import project


class Cohort(msgspec.Struct, frozen=True):
    """people: of a static one, by the ids they were added under."""

    row: CohortRow
    people: frozenset[UUID] = frozenset()


def evolve(cohort: Cohort | None, recorded: Recorded[CohortEvent]) -> Cohort:
    """The cohort after one more fact. Raises ValueError when no creation comes first."""
    row = project(cohort.row if cohort else None, recorded)
    people = cohort.people if cohort else frozenset()
    if isinstance(recorded.event, CohortPeopleAdded):
        people = people.union(recorded.event.person_ids)
    return Cohort(row, people)


def fold(history: Iterable[Recorded[CohortEvent]]) -> Cohort | None:
    """None: never created."""
    return reduce(evolve, history, None)
