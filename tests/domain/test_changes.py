"""What each fact changed, field by field, as a 412 and the activity log tell it."""

from typing import Any
from uuid import UUID

import msgspec
import pytest
from msgspec import Raw

from contracts.events.access import AccessGranted, AccessRevoked
from contracts.events.action import (
    ActionCreated,
    ActionDeleted,
    ActionDescribed,
    ActionEvent,
    ActionRenamed,
    ActionRestored,
    ActionStepsChanged,
)
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
from contracts.events.dashboard import (
    DashboardCreated,
    DashboardDeleted,
    DashboardDescribed,
    DashboardEvent,
    DashboardFiltersChanged,
    DashboardPinned,
    DashboardRenamed,
    DashboardRestored,
    DashboardRestricted,
    DashboardTagged,
    DashboardUnpinned,
    TileAdded,
    TileArranged,
)
from contracts.events.insight import (
    InsightAddedToDashboard,
    InsightCreated,
    InsightDeleted,
    InsightDerivedNameChanged,
    InsightDescribed,
    InsightEvent,
    InsightFavorited,
    InsightFiltersChanged,
    InsightQueryChanged,
    InsightRemovedFromDashboard,
    InsightRenamed,
    InsightReordered,
    InsightRestored,
    InsightSaved,
    InsightTagged,
    InsightUnfavorited,
    InsightUnsaved,
)
from contracts.events.project import (
    ProjectEvent,
    ProjectRegistered,
    ProjectRenamed,
    ProjectTestAccountFiltersChanged,
    ProjectTimezoneChanged,
    ProjectWeekStartChanged,
)
from contracts.events.sharing import (
    AccessTokenRotated,
    SharePasswordAdded,
    SharePasswordRemoved,
    SharingDisabled,
    SharingEnabled,
    SharingEvent,
    SharingPasswordNotRequired,
    SharingPasswordRequired,
    SharingSettingsChanged,
)
from contracts.events.viewing import (
    InsightViewed,
    ShareLoginFailed,
    ShareLoginSucceeded,
    ViewingEvent,
)
from contracts.json import NULL
from contracts.read_models.activity import Change
from contracts.read_models.insight import TileRow
from domain.access import changes as access
from domain.action import changes as action
from domain.cohort import changes as cohort
from domain.dashboard import changes as dashboard
from domain.insight import changes as insight
from domain.insight.view import view
from domain.project import changes as project
from domain.sharing import changes as sharing
from domain.viewing import activity as viewing
from tests.examples import created, insight_history

ONE, TWO = Raw(b'{"n":1}'), Raw(b'{"n":2}')
SOMEBODY = UUID(int=5)
Line = tuple[str, str, Any, Any]
"""The action, the field, and what stood there before and after."""


def lines(changes: list[Change], of: str) -> list[Line]:
    assert {change.type for change in changes} <= {of}
    return [
        (change.action, change.field, *map(msgspec.json.decode, (change.before, change.after)))
        for change in changes
    ]


def tiles(*events: InsightEvent) -> tuple[TileRow, ...]:
    """An insight's, after these."""
    row = view(insight_history(*events))
    return row.tiles if row else ()


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (ActionCreated(5, "A"), []),
        (ActionRenamed("B", "A"), [("changed", "name", "A", "B")]),
        (ActionRenamed("B", None), [("created", "name", None, "B")]),
        (ActionRenamed(None, "A"), [("deleted", "name", "A", None)]),
        (ActionDescribed("why", ""), [("changed", "description", "", "why")]),
        (ActionStepsChanged(TWO, ONE), [("changed", "steps", {"n": 1}, {"n": 2})]),
        (ActionDeleted(), [("changed", "deleted", False, True)]),
        (ActionRestored(), [("changed", "deleted", True, False)]),
    ],
)
def test_what_a_fact_of_an_action_changed(event: ActionEvent, told: list[Line]) -> None:
    assert lines(action.changes(event), "Action") == told


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (CohortCreated(5, "A"), []),
        (CohortRenamed("B", "A"), [("changed", "name", "A", "B")]),
        (CohortDescribed("why", ""), [("changed", "description", "", "why")]),
        (CohortFiltersChanged(TWO, ONE), [("changed", "filters", {"n": 1}, {"n": 2})]),
        (CohortPeopleAdded((SOMEBODY,)), [("created", "person_ids", None, [str(SOMEBODY)])]),
        (CohortDeleted(), [("changed", "deleted", False, True)]),
        (CohortRestored(), [("changed", "deleted", True, False)]),
    ],
)
def test_what_a_fact_of_a_cohort_changed(event: CohortEvent, told: list[Line]) -> None:
    assert lines(cohort.changes(event), "Cohort") == told


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (DashboardCreated(5, "A"), []),
        (DashboardRenamed("B", "A"), [("changed", "name", "A", "B")]),
        (DashboardDescribed("why", ""), [("changed", "description", "", "why")]),
        (DashboardFiltersChanged(TWO, ONE), [("changed", "filters", {"n": 1}, {"n": 2})]),
        (DashboardRestricted(37, 21), [("changed", "restriction_level", 21, 37)]),
        (DashboardTagged(("a", "b"), ()), [("changed", "tags", [], ["a", "b"])]),
        (DashboardPinned(), [("changed", "pinned", False, True)]),
        (DashboardUnpinned(), [("changed", "pinned", True, False)]),
        (TileAdded(31, 7), [("created", "tiles", None, 31)]),
        (
            TileArranged(31, "red", TWO, None, ONE),
            [
                ("created", "tiles__color", None, "red"),
                ("changed", "tiles__layouts", {"n": 1}, {"n": 2}),
            ],
        ),
        (DashboardDeleted((31,), ()), [("changed", "deleted", False, True)]),
        (DashboardRestored(), [("changed", "deleted", True, False)]),
    ],
)
def test_what_a_fact_of_a_dashboard_changed(event: DashboardEvent, told: list[Line]) -> None:
    assert lines(dashboard.changes(event), "Dashboard") == told


ADDED = InsightAddedToDashboard(tile_id=31, dashboard_id=3, dashboard_name="Growth")
REMOVED = InsightRemovedFromDashboard(tile_id=31, dashboard_id=3, dashboard_name="Growth")
GROWTH = [{"id": 3, "name": "Growth"}]


@pytest.mark.parametrize(
    ("event", "told", "activity", "quiet"),
    [
        (InsightRenamed("B", None), [("created", "name", None, "B")], "updated", False),
        (
            InsightDerivedNameChanged("B", "A"),
            [("changed", "derived_name", "A", "B")],
            "updated",
            False,
        ),
        (InsightDescribed("why", "?"), [("changed", "description", "?", "why")], "updated", False),
        (InsightFiltersChanged(TWO, ONE), [("changed", "filters", {"n": 1}, {"n": 2})], "updated",
         False),
        (InsightQueryChanged(TWO, NULL), [("created", "query", None, {"n": 2})], "updated", False),
        (InsightTagged(("a",), ()), [("changed", "tags", [], ["a"])], "updated", False),
        (InsightFavorited(), [("changed", "favorited", False, True)], "updated", False),
        (InsightUnfavorited(), [("changed", "favorited", True, False)], "updated", False),
        (InsightSaved(), [("changed", "saved", False, True)], "updated", True),
        (InsightUnsaved(), [("changed", "saved", True, False)], "updated", True),
        (InsightReordered(2, None), [("created", "order", None, 2)], "updated", True),
        (ADDED, [("changed", "dashboards", [], GROWTH)], "updated", False),
        (InsightDeleted(), [("changed", "deleted", False, True)], "deleted", False),
        (InsightRestored(), [("changed", "deleted", True, False)], "restored", False),
    ],
)  # fmt: skip
def test_what_a_fact_of_an_insight_changed(
    event: InsightEvent, told: list[Line], activity: str, quiet: bool
) -> None:
    before, after = tiles(), tiles(event)
    assert lines(insight.changes(event, before, after), "Insight") == told
    assert (insight.activity_name(event), insight.is_quiet(event)) == (activity, quiet)


def test_a_creation_changes_no_field_and_a_removal_shows_both_lists() -> None:
    before, after = tiles(ADDED), tiles(ADDED, REMOVED)
    made: InsightCreated = created()
    assert (insight.changes(made, (), before), insight.activity_name(made)) == ([], "created")
    assert lines(insight.changes(REMOVED, before, after), "Insight") == [
        ("changed", "dashboards", GROWTH, [])
    ]
    assert insight.dashboards(()) == []


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (ProjectRegistered("A", "UTC", 0, ONE), []),
        (ProjectRenamed("B", "A"), [("changed", "name", "A", "B")]),
        (ProjectTimezoneChanged("Zulu", "UTC"), [("changed", "timezone", "UTC", "Zulu")]),
        (ProjectWeekStartChanged(1, 0), [("changed", "week_start_day", 0, 1)]),
        (
            ProjectTestAccountFiltersChanged(TWO, ONE),
            [("changed", "test_account_filters", {"n": 1}, {"n": 2})],
        ),
    ],
)
def test_what_a_fact_of_a_project_changed(event: ProjectEvent, told: list[Line]) -> None:
    assert lines(project.changes(event), "Project") == told


@pytest.mark.parametrize(
    ("event", "told", "activity", "quiet"),
    [
        (SharingEnabled(7, 1), [("changed", "sharing", None, True)], "sharing enabled", False),
        (SharingDisabled(7), [("changed", "sharing", None, False)], "sharing disabled", False),
        (
            SharingSettingsChanged(7, TWO, ONE),
            [("changed", "sharing_settings", {"n": 1}, {"n": 2})],
            "sharing changed",
            True,
        ),
        (
            SharingPasswordRequired(7),
            [("changed", "password_required", False, True)],
            "sharing changed",
            True,
        ),
        (
            SharingPasswordNotRequired(7),
            [("changed", "password_required", True, False)],
            "sharing changed",
            True,
        ),
        (
            SharePasswordAdded(7, 4, "note"),
            [("created", "share_passwords", None, 4)],
            "sharing changed",
            True,
        ),
        (
            SharePasswordRemoved(7, 4),
            [("deleted", "share_passwords", 4, None)],
            "sharing changed",
            True,
        ),
    ],
)
def test_what_a_fact_of_sharing_changed(
    event: SharingEvent, told: list[Line], activity: str, quiet: bool
) -> None:
    assert lines(sharing.changes(event), "Insight") == told
    assert sharing.activity_changes(event) == sharing.changes(event)
    assert (sharing.activity_name(event), sharing.is_quiet(event)) == (activity, quiet)


def test_a_rotation_names_no_token_and_has_no_changes_in_the_activity_log() -> None:
    rotated = AccessTokenRotated(7, 2, 1, 60)
    assert lines(sharing.changes(rotated), "Insight") == [("created", "access_token", None, None)]
    assert sharing.activity_changes(rotated) == []
    assert (sharing.activity_name(rotated), sharing.is_quiet(rotated)) == (
        "access token refreshed",
        False,
    )


def test_a_rule_of_access_has_a_level_or_none() -> None:
    granted, revoked = AccessGranted(7, None, "editor", "viewer"), AccessRevoked(7, None, "editor")
    assert lines(access.changes(granted), "Insight") == [
        ("changed", "access_level", "viewer", "editor")
    ]
    assert lines(access.changes(revoked), "Insight") == [
        ("deleted", "access_level", "editor", None)
    ]


@pytest.mark.parametrize(
    ("event", "activity", "quiet"),
    [
        (InsightViewed(7, 1), "viewed", True),
        (ShareLoginSucceeded(7, 4), "share_login_success", False),
        (ShareLoginFailed(7), "share_login_failed", False),
    ],
)
def test_views_and_visits_have_names_in_the_activity_log(
    event: ViewingEvent, activity: str, quiet: bool
) -> None:
    assert (viewing.activity_name(event), viewing.is_quiet(event)) == (activity, quiet)
