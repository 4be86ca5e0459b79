"""What follows from a command on a cohort."""

from uuid import UUID

import pytest
from msgspec import Raw

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
from contracts.events.streams import StreamKind
from contracts.json import EMPTY_OBJECT
from domain.cohort.commands import CohortCommand, CreateCohort, EditCohort
from domain.cohort.decide import decide
from domain.cohort.state import fold
from domain.errors import AlreadyExists, NotAList, NotFound
from tests.domain.story import Past
from tests.examples import recorded, stream

ADA, BOB, CY = (UUID(int=number) for number in (1, 2, 3))
LIST = CohortCreated(cohort_id=6, name="Testers", is_static=True)
RULE = CohortCreated(cohort_id=6, name="Rich")
RICH = Raw(b'{"properties":{"type":"AND","values":[]}}')


def past(*events: CohortEvent) -> Past[CohortCommand, CohortEvent]:
    cohort = fold(recorded(events, of=stream(StreamKind.COHORT, 6)))
    return Past(lambda command: decide(command, cohort))


def test_a_static_cohort_is_created_with_its_people() -> None:
    command = CreateCohort(cohort_id=6, name="Testers", is_static=True, people=(ADA, BOB, ADA))
    past().when(command).then(LIST, CohortPeopleAdded((ADA, BOB)))
    past(LIST).when(command).then_refused(AlreadyExists)


def test_only_those_who_are_new_are_added() -> None:
    there = past(LIST, CohortPeopleAdded((ADA, BOB)))
    there.when(EditCohort(people=(BOB, CY))).then(CohortPeopleAdded((CY,)))
    there.when(EditCohort(people=(BOB, ADA))).then_nothing()


def test_a_long_list_is_several_facts() -> None:
    crowd = tuple(UUID(int=number) for number in range(MOST_PEOPLE + 1))
    past(LIST).when(EditCohort(people=crowd)).then(
        CohortPeopleAdded(crowd[:-1]), CohortPeopleAdded(crowd[-1:])
    )


def test_people_are_added_to_lists_alone() -> None:
    past(RULE).when(EditCohort(people=(ADA,))).then_refused(NotAList)
    past().when(CreateCohort(cohort_id=6, people=(ADA,))).then_refused(NotAList)


@pytest.mark.parametrize(
    ("command", "fact"),
    [
        (EditCohort(name=None), CohortRenamed(None, "Rich")),
        (EditCohort(description="Money"), CohortDescribed("Money", "")),
        (EditCohort(filters=RICH), CohortFiltersChanged(RICH, EMPTY_OBJECT)),
        (EditCohort(deleted=True), CohortDeleted()),
    ],
)
def test_each_change_is_recorded_beside_what_was_there(
    command: EditCohort, fact: CohortEvent
) -> None:
    past(RULE).when(command).then(fact)


def test_a_deleted_cohort_is_out_of_reach_until_it_is_restored() -> None:
    past().when(EditCohort(name="x")).then_refused(NotFound)
    past(RULE, CohortDeleted()).when(EditCohort(name="x")).then_refused(NotFound)
    past(RULE, CohortDeleted()).when(EditCohort(deleted=False)).then(CohortRestored())


def test_the_row_counts_who_was_added() -> None:
    cohort = fold(
        recorded(
            [LIST, CohortPeopleAdded((ADA,)), CohortPeopleAdded((BOB, CY))],
            of=stream(StreamKind.COHORT, 6),
        )
    )
    assert cohort is not None
    assert (cohort.row.count, cohort.people) == (3, frozenset({ADA, BOB, CY}))
