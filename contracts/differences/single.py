"""Sentences for any one fact, by itself.

What has versions is told by comparing rows; a fact has both sides of its change, so it is compared
as two rows that have nothing else.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, assert_never

import msgspec
from msgspec import Raw

from contracts.differences.difference import CREATED
from contracts.differences.facts import fact_sentences
from contracts.differences.rows import difference
from contracts.differences.words import count
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
from contracts.events.history import (
    HistoryEvent,
    InsightReverted,
    InsightsChangedInBulk,
    OperationsUndone,
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
from contracts.events.recorded import DomainEvent
from contracts.json import EMPTY_OBJECT, NULL
from contracts.read_models.action import ActionRow
from contracts.read_models.cohort import CohortRow
from contracts.read_models.dashboard import DashboardRow, DashboardTile
from contracts.read_models.insight import InsightRow, TileRow
from contracts.read_models.project import ProjectRow

Row = InsightRow | DashboardRow | ActionRow | CohortRow | ProjectRow

_DAWN = datetime(1970, 1, 1, tzinfo=UTC)
_NO_LIST = Raw(b"[]")
_INSIGHT = InsightRow(
    team_id=0,
    insight_id=0,
    short_id="",
    name=None,
    derived_name=None,
    description=None,
    filters=EMPTY_OBJECT,
    query=NULL,
    order=None,
    deleted=False,
    favorited=False,
    saved=False,
    is_sample=False,
    created_at=_DAWN,
    created_by=None,
    updated_at=_DAWN,
    last_modified_at=_DAWN,
    last_modified_by=None,
    version=0,
)
_DASHBOARD = DashboardRow(
    team_id=0,
    dashboard_id=0,
    name=None,
    description="",
    filters=EMPTY_OBJECT,
    restriction_level=21,
    pinned=False,
    created_at=_DAWN,
    created_by=None,
    updated_at=_DAWN,
    version=0,
)
_ACTION = ActionRow(
    team_id=0,
    action_id=0,
    name=None,
    description="",
    steps=_NO_LIST,
    created_at=_DAWN,
    created_by=None,
    updated_at=_DAWN,
    version=0,
)
_COHORT = CohortRow(
    team_id=0,
    cohort_id=0,
    name=None,
    description="",
    is_static=False,
    filters=EMPTY_OBJECT,
    created_at=_DAWN,
    created_by=None,
    updated_at=_DAWN,
    version=0,
)
_PROJECT = ProjectRow(
    team_id=0,
    name="",
    timezone="",
    week_start_day=0,
    test_account_filters=_NO_LIST,
    version=0,
)


def single_sentences(fact: DomainEvent) -> Sequence[str]:
    """None only where both sides of a change are the same, as an erasure can leave them."""
    if isinstance(fact, InsightEvent):
        return _insight(fact)
    if isinstance(fact, DashboardEvent):
        return _dashboard(fact)
    if isinstance(fact, ActionEvent):
        return _action(fact)
    if isinstance(fact, CohortEvent):
        return _cohort(fact)
    if isinstance(fact, ProjectEvent):
        return _project(fact)
    return _history(fact) if isinstance(fact, HistoryEvent) else fact_sentences(fact)


def _moved(row: Row, field: str, before: Any, after: Any) -> Sequence[str]:
    """What is said when this field alone moves."""
    sides: tuple[Any, Any] = (
        msgspec.structs.replace(row, **{field: before}),
        msgspec.structs.replace(row, **{field: after}),
    )
    return difference(*sides).sentences


def _insight(fact: InsightEvent) -> Sequence[str]:
    match fact:
        case InsightCreated():
            return CREATED.sentences
        case InsightRenamed(name=new, previous=old):
            return _moved(_INSIGHT, "name", old, new)
        case InsightDerivedNameChanged(derived_name=new, previous=old):
            return _moved(_INSIGHT, "derived_name", old, new)
        case InsightDescribed(description=new, previous=old):
            return _moved(_INSIGHT, "description", old, new)
        case InsightQueryChanged(query=new_query, previous=old_query):
            return _moved(_INSIGHT, "query", old_query, new_query)
        case InsightFiltersChanged(filters=new_filters, previous=old_filters):
            return _moved(_INSIGHT, "filters", old_filters, new_filters)
        case InsightTagged(tags=new_tags, previous=old_tags):
            return _moved(_INSIGHT, "tags", old_tags, new_tags)
        case InsightFavorited() | InsightUnfavorited():
            on = isinstance(fact, InsightFavorited)
            return _moved(_INSIGHT, "favorited", not on, on)
        case InsightSaved() | InsightUnsaved():
            on = isinstance(fact, InsightSaved)
            return _moved(_INSIGHT, "saved", not on, on)
        case InsightReordered(order=new_order, previous=old_order):
            return _moved(_INSIGHT, "order", old_order, new_order)
        case InsightAddedToDashboard(tile_id=tile, dashboard_id=number, dashboard_name=name):
            return _moved(_INSIGHT, "tiles", (), (TileRow(tile, number, False, name),))
        case InsightRemovedFromDashboard(tile_id=tile, dashboard_id=number, dashboard_name=name):
            return _moved(_INSIGHT, "tiles", (TileRow(tile, number, False, name),), ())
        case InsightDeleted() | InsightRestored():
            gone = isinstance(fact, InsightDeleted)
            return _moved(_INSIGHT, "deleted", not gone, gone)
        case _:
            assert_never(fact)


def _dashboard(fact: DashboardEvent) -> Sequence[str]:
    match fact:
        case DashboardCreated():
            return CREATED.sentences
        case DashboardRenamed(name=new, previous=old):
            return _moved(_DASHBOARD, "name", old, new)
        case DashboardDescribed(description=new, previous=old):
            return _moved(_DASHBOARD, "description", old, new)
        case DashboardFiltersChanged(filters=new_filters, previous=old_filters):
            return _moved(_DASHBOARD, "filters", old_filters, new_filters)
        case DashboardRestricted(restriction_level=new_level, previous=old_level):
            return _moved(_DASHBOARD, "restriction_level", old_level, new_level)
        case DashboardTagged(tags=new_tags, previous=old_tags):
            return _moved(_DASHBOARD, "tags", old_tags, new_tags)
        case DashboardPinned() | DashboardUnpinned():
            on = isinstance(fact, DashboardPinned)
            return _moved(_DASHBOARD, "pinned", not on, on)
        case TileAdded(tile_id=tile, insight_id=number):
            return _moved(_DASHBOARD, "tiles", (), (DashboardTile(tile, number),))
        case TileArranged():
            # The fact names the tile alone.
            return (f"Tile {fact.tile_id} looks different.",)
        case DashboardDeleted() | DashboardRestored():
            gone = isinstance(fact, DashboardDeleted)
            return _moved(_DASHBOARD, "deleted", not gone, gone)
        case _:
            assert_never(fact)


def _action(fact: ActionEvent) -> Sequence[str]:
    match fact:
        case ActionCreated():
            return CREATED.sentences
        case ActionRenamed(name=new, previous=old):
            return _moved(_ACTION, "name", old, new)
        case ActionDescribed(description=new, previous=old):
            return _moved(_ACTION, "description", old, new)
        case ActionStepsChanged(steps=new_steps, previous=old_steps):
            return _moved(_ACTION, "steps", old_steps, new_steps)
        case ActionDeleted() | ActionRestored():
            gone = isinstance(fact, ActionDeleted)
            return _moved(_ACTION, "deleted", not gone, gone)
        case _:
            assert_never(fact)


def _cohort(fact: CohortEvent) -> Sequence[str]:
    match fact:
        case CohortCreated():
            return CREATED.sentences
        case CohortRenamed(name=new, previous=old):
            return _moved(_COHORT, "name", old, new)
        case CohortDescribed(description=new, previous=old):
            return _moved(_COHORT, "description", old, new)
        case CohortFiltersChanged(filters=new_filters, previous=old_filters):
            return _moved(_COHORT, "filters", old_filters, new_filters)
        case CohortPeopleAdded(person_ids=people):
            return _moved(_COHORT, "count", 0, len(people))
        case CohortDeleted() | CohortRestored():
            gone = isinstance(fact, CohortDeleted)
            return _moved(_COHORT, "deleted", not gone, gone)
        case _:
            assert_never(fact)


def _project(fact: ProjectEvent) -> Sequence[str]:
    match fact:
        case ProjectRegistered():
            return CREATED.sentences
        case ProjectRenamed(name=new, previous=old):
            return _moved(_PROJECT, "name", old, new)
        case ProjectTimezoneChanged(timezone=new, previous=old):
            return _moved(_PROJECT, "timezone", old, new)
        case ProjectWeekStartChanged(week_start_day=new_day, previous=old_day):
            return _moved(_PROJECT, "week_start_day", old_day, new_day)
        case ProjectTestAccountFiltersChanged(filters=new_filters, previous=old_filters):
            return _moved(_PROJECT, "test_account_filters", old_filters, new_filters)
        case _:
            assert_never(fact)


def _history(fact: HistoryEvent) -> Sequence[str]:
    match fact:
        case OperationsUndone(operation_ids=undone):
            return (f"{count(len(undone), 'operation')} taken back.",)
        case InsightReverted(insight_id=number, version=version):
            return (f"Insight {number} is as it was at version {version}.",)
        case InsightsChangedInBulk(insight_ids=numbers):
            return (f"{count(len(numbers), 'insight')} changed in one.",)
        case _:
            assert_never(fact)
