"""Every view begins with its creation, has one, and takes every fact of its kind."""

from collections.abc import Callable
from functools import reduce
from typing import Any
from uuid import UUID

import pytest
from msgspec import Raw

from contracts.events.action import ActionCreated, ActionRenamed, ActionRestored
from contracts.events.cohort import (
    CohortCreated,
    CohortDeleted,
    CohortDescribed,
    CohortFiltersChanged,
    CohortPeopleAdded,
    CohortRenamed,
    CohortRestored,
)
from contracts.events.dashboard import (
    DashboardCreated,
    DashboardDeleted,
    DashboardDescribed,
    DashboardFiltersChanged,
    DashboardPinned,
    DashboardRenamed,
    DashboardRestored,
    DashboardTagged,
    DashboardUnpinned,
)
from contracts.events.insight import InsightRenamed
from contracts.events.project import ProjectRegistered, ProjectRenamed
from contracts.events.recorded import DomainEvent
from contracts.events.sharing import (
    SharePasswordAdded,
    SharePasswordRemoved,
    SharingPasswordNotRequired,
    SharingPasswordRequired,
    SharingSettingsChanged,
)
from contracts.json import EMPTY_OBJECT, NULL
from domain.action import view as action
from domain.cohort import view as cohort
from domain.dashboard import view as dashboard
from domain.insight import view as insight
from domain.project import view as project
from domain.sharing import view as sharing
from tests.examples import created, recorded

BOARD, COHORT = DashboardCreated(5), CohortCreated(5)
PASSWORD = SharePasswordAdded(7, 4, "x")
Project = Callable[[Any, Any], Any]
KINDS = [
    pytest.param(action.project, ActionCreated(5), ActionRenamed("B", None), id="action"),
    pytest.param(cohort.project, CohortCreated(5), CohortRenamed("B", None), id="cohort"),
    pytest.param(
        dashboard.project, DashboardCreated(5), DashboardRenamed("B", None), id="dashboard"
    ),
    pytest.param(insight.project, created(), InsightRenamed("B", None), id="insight"),
    pytest.param(
        project.project,
        ProjectRegistered("A", "UTC", 0, Raw(b"[]")),
        ProjectRenamed("B", "A"),
        id="project",
    ),
]


@pytest.mark.parametrize(("project_", "first", "second"), KINDS)
def test_nothing_comes_before_the_first_fact(
    project_: Project, first: DomainEvent, second: DomainEvent
) -> None:
    (fact,) = recorded([second])
    with pytest.raises(ValueError, match="does not begin with"):
        project_(None, fact)


@pytest.mark.parametrize(("project_", "first", "second"), KINDS)
def test_nothing_begins_twice(project_: Project, first: DomainEvent, second: DomainEvent) -> None:
    one, two = recorded([first, first])
    with pytest.raises(ValueError, match="twice"):
        project_(project_(None, one), two)


@pytest.mark.parametrize(("project_", "first", "second"), KINDS)
def test_the_second_fact_moves_the_name_and_the_version(
    project_: Project, first: DomainEvent, second: DomainEvent
) -> None:
    one, two = recorded([first, second])
    row = project_(project_(None, one), two)
    assert (row.name, row.version) == ("B", 2)


NEW = Raw(b'{"n":2}')


@pytest.mark.parametrize(
    ("project_", "past", "event", "field", "value"),
    [
        (cohort.project, [COHORT], CohortFiltersChanged(NEW, EMPTY_OBJECT), "filters", NEW),
        (dashboard.project, [BOARD], DashboardDescribed("why", ""), "description", "why"),
        (dashboard.project, [BOARD], DashboardFiltersChanged(NEW, EMPTY_OBJECT), "filters", NEW),
        (dashboard.project, [BOARD], DashboardTagged(("a",), ()), "tags", ("a",)),
        (dashboard.project, [BOARD, DashboardDeleted()], DashboardRestored(), "deleted", False),
        (sharing.project, [], SharingSettingsChanged(7, NEW, NULL), "settings", NEW),
        (sharing.project, [PASSWORD], SharePasswordRemoved(7, 4), "passwords", ()),
    ],
)
def test_a_fact_moves_its_field(
    project_: Project, past: list[Any], event: Any, field: str, value: object
) -> None:
    row = reduce(project_, recorded(past), None)
    (fact,) = recorded([event], after=len(past))
    assert getattr(row, field, None) != value
    assert getattr(project_(row, fact), field) == value


def test_a_restored_action_is_there_again() -> None:
    row = action.view(recorded([ActionCreated(5), ActionRestored()]))
    assert row is not None
    assert not row.deleted


def test_a_cohort_counts_its_people_and_goes_and_comes() -> None:
    people = CohortPeopleAdded((UUID(int=1), UUID(int=2)))
    history: list[DomainEvent] = [
        CohortCreated(5, "A"),
        CohortRenamed("B", "A"),
        CohortDescribed("why", ""),
        people,
    ]
    row = cohort.view(recorded([*history, CohortPeopleAdded((UUID(int=3),)), CohortDeleted()]))
    assert row is not None
    assert (row.name, row.description, row.count, row.deleted) == ("B", "why", 3, True)
    row = cohort.view(recorded([*history, CohortDeleted(), CohortRestored()]))
    assert row is not None
    assert (row.count, row.deleted) == (2, False)


def test_a_dashboard_is_pinned_and_unpinned() -> None:
    history: list[DomainEvent] = [DashboardCreated(5), DashboardPinned()]
    pinned, unpinned = (
        dashboard.view(recorded(h)) for h in (history, [*history, DashboardUnpinned()])
    )
    assert pinned is not None
    assert unpinned is not None
    assert (pinned.pinned, unpinned.pinned) == (True, False)


def test_a_share_asks_for_a_password_until_it_does_not() -> None:
    history: list[Any] = [SharingPasswordRequired(7)]
    asking = sharing.view(recorded(history))
    open_ = sharing.view(recorded([*history, SharingPasswordNotRequired(7)]))
    assert asking is not None
    assert open_ is not None
    assert (asking.password_required, open_.password_required) == (True, False)
