"""Decides a command on a cohort: its facts, or a refusal."""

from collections.abc import Iterable
from typing import assert_never
from uuid import UUID

from msgspec import UNSET

from contracts.events.cohort import (
    MOST_PEOPLE,
    CohortCreated,
    CohortDeleted,
    CohortDescribed,
    CohortEvent,
    CohortFiltersChanged,
    CohortPeopleAdded,
    CohortRenamed,
    CohortRestored,
)
from contracts.json import same
from domain.cohort.commands import CohortCommand, CreateCohort, EditCohort
from domain.cohort.state import Cohort
from domain.errors import AlreadyExists, NotAList, NotFound


def decide(command: CohortCommand, cohort: Cohort | None) -> list[CohortEvent]:
    """Facts that follow; none when nothing would change. cohort: None when there is none.

    Raises AlreadyExists on a second creation, NotFound when it was never created or is deleted and
    not being restored, NotAList when people are to be added to a cohort that is not static.
    """
    match command:
        case CreateCohort():
            if cohort is not None:
                raise AlreadyExists
            return _create(command)
        case EditCohort():
            if cohort is None or (cohort.row.deleted and command.deleted is not False):
                raise NotFound
            return _edit(command, cohort)
        case _:
            assert_never(command)


def _create(command: CreateCohort) -> list[CohortEvent]:
    if command.people and not command.is_static:
        raise NotAList
    created = CohortCreated(
        command.cohort_id, command.name, command.description, command.is_static, command.filters
    )
    return [created, *_added(command.people, frozenset())]


def _edit(command: EditCohort, cohort: Cohort) -> list[CohortEvent]:
    row = cohort.row
    if command.people and not row.is_static:
        raise NotAList
    facts: list[CohortEvent] = []
    if row.deleted:
        facts.append(CohortRestored())
    if command.name is not UNSET and command.name != row.name:
        facts.append(CohortRenamed(command.name, row.name))
    if command.description is not UNSET and command.description != row.description:
        facts.append(CohortDescribed(command.description, row.description))
    if command.filters is not UNSET and not same(command.filters, row.filters):
        facts.append(CohortFiltersChanged(command.filters, row.filters))
    facts += _added(command.people, cohort.people)
    if command.deleted is True:
        facts.append(CohortDeleted())
    return facts


def _added(people: Iterable[UUID], known: frozenset[UUID]) -> list[CohortEvent]:
    """In facts that the log and the bus can hold."""
    new = [person for person in dict.fromkeys(people) if person not in known]
    return [
        CohortPeopleAdded(tuple(new[begin : begin + MOST_PEOPLE]))
        for begin in range(0, len(new), MOST_PEOPLE)
    ]
