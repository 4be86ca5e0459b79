"""Facts in, rows out; again, and nothing moves."""

from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Raw
from psycopg import sql

from contracts.events.access import AccessGranted, AccessRevoked, Grantee
from contracts.events.action import (
    ActionCreated,
    ActionDeleted,
    ActionRenamed,
    ActionRestored,
    ActionStepsChanged,
)
from contracts.events.cohort import (
    CohortCreated,
    CohortDeleted,
    CohortPeopleAdded,
    CohortRenamed,
)
from contracts.events.dashboard import DashboardCreated, DashboardDeleted, DashboardEvent, TileAdded
from contracts.events.history import InsightReverted, InsightsChangedInBulk, OperationsUndone
from contracts.events.insight import InsightEvent, InsightRenamed
from contracts.events.project import (
    ProjectRegistered,
    ProjectRenamed,
    ProjectTestAccountFiltersChanged,
    ProjectTimezoneChanged,
)
from contracts.events.recorded import DomainEvent
from contracts.events.sharing import (
    AccessTokenRotated,
    SharePasswordAdded,
    SharePasswordRemoved,
    SharingDisabled,
    SharingEnabled,
    SharingPasswordNotRequired,
    SharingPasswordRequired,
    SharingSettingsChanged,
)
from contracts.events.streams import Stream, StreamKind
from contracts.events.viewing import InsightViewed
from contracts.events.webhook import (
    WebhookChanged,
    WebhookCreated,
    WebhookDeleted,
    WebhookPaused,
)
from contracts.json import NULL
from domain.dashboard.view import view as dashboard_view
from domain.insight.commands import EditInsight
from domain.insight.view import view
from domain.sharing.view import view as sharing_view
from services.common.postgres.migrate import migrations
from services.projector import batch
from services.projector.app import projections
from tests.domain.histories import after, edits
from tests.examples import ALICE, BOB, FUNNEL, INSIGHT, TEAM, created
from tests.services.projector.projecting import Projecting, dashboard, insight, sharing, viewing
from tests.services.projector.webhooks.delivering import SETTINGS as HOOK

WEBHOOK: list[DomainEvent] = [
    WebhookCreated(3, HOOK, after=5, secret_id=2, public_key="whpk_x"),
    WebhookChanged(HOOK, HOOK),
    WebhookPaused(),
    WebhookDeleted(),
]
SHARED: list[DomainEvent] = [
    SharingEnabled(INSIGHT, token_id=1),
    SharingSettingsChanged(INSIGHT, Raw(b'{"legend":true}'), NULL),
    SharingPasswordRequired(INSIGHT),
    SharePasswordAdded(INSIGHT, password_id=5, note="Board"),
    AccessTokenRotated(INSIGHT, token_id=2, previous_token_id=1, grace_seconds=300),
    SharePasswordRemoved(INSIGHT, password_id=5),
    SharingPasswordNotRequired(INSIGHT),
    SharingDisabled(INSIGHT),
]
BOARD: list[DashboardEvent] = [
    DashboardCreated(dashboard_id=3, name="Growth"),
    TileAdded(tile_id=31, insight_id=INSIGHT),
    DashboardDeleted(tiles=(31,)),
]
RULES: list[DomainEvent] = [
    AccessGranted(INSIGHT, None, "viewer", None),
    AccessGranted(INSIGHT, Grantee(2, UUID(int=2)), "none", None),
    AccessGranted(INSIGHT, Grantee(2, UUID(int=2)), "editor", "none"),
    AccessRevoked(INSIGHT, None, "viewer"),
]
ACTION: list[DomainEvent] = [
    ActionCreated(action_id=5, name="Pays"),
    ActionStepsChanged(Raw(b'[{"event":"paid"}]'), Raw(b"[]")),
    ActionDeleted(),
    ActionRestored(),
]
COHORT: list[DomainEvent] = [
    CohortCreated(cohort_id=6, is_static=True),
    CohortPeopleAdded((UUID(int=1), UUID(int=2))),
    CohortPeopleAdded((UUID(int=3),)),
    CohortRenamed("Testers", None),
    CohortDeleted(),
]
SETTINGS: list[DomainEvent] = [
    ProjectRegistered("Shop", "UTC", 0, Raw(b"[]")),
    ProjectRenamed("Web shop", "Shop"),
    ProjectTimezoneChanged("Asia/Tokyo", "UTC"),
]
HISTORY: list[DomainEvent] = [
    OperationsUndone((UUID(int=1),)),
    InsightReverted(INSIGHT, version=3),
    InsightsChangedInBulk((INSIGHT, 8)),
]
EDITED = [
    EditInsight(name="Sign-ups", tags=("b", "A"), description="Weekly", order=3),
    EditInsight(derived_name="signed_up → paid", query=FUNNEL, favorited=True, saved=False),
    EditInsight(filters=Raw(b'{"insight":"FUNNELS"}'), favorited=False, saved=True),
    EditInsight(deleted=True),
    EditInsight(deleted=False, name=None),
]


async def test_an_insights_row_is_the_view_of_its_history(projector: Projecting) -> None:
    for event in after(EDITED):
        await projector.append(event)
    await projector.catch_up()
    assert await projector.insight() == view(await projector.store.load(insight()))  # type: ignore[arg-type]  # an insight's stream


async def test_a_sharing_row_is_the_view_of_its_history(projector: Projecting) -> None:
    for event in SHARED:
        await projector.append(event, of=sharing())
        await projector.catch_up()
        history = await projector.store.load(sharing())
        assert await projector.sharing() == sharing_view(history)  # type: ignore[arg-type]  # a sharing stream


async def test_a_dashboards_row_is_the_view_of_its_history(projector: Projecting) -> None:
    for event in BOARD:
        await projector.append(event, of=dashboard())
        await projector.catch_up()
        history = await projector.store.load(dashboard())
        assert await projector.dashboard() == dashboard_view(history)  # type: ignore[arg-type]  # a dashboard's stream


async def test_rules_stand_one_by_one_for_joins(projector: Projecting) -> None:
    for event in RULES:
        await projector.append(event, of=Stream(StreamKind.ACCESS, TEAM, INSIGHT))
    await projector.catch_up(size=3)
    rules = await projector.rows("SELECT insight_id, user_id, level FROM access_rules")
    assert rules == [{"insight_id": INSIGHT, "user_id": 2, "level": 2}]


async def test_the_people_of_a_list_and_what_a_cohort_or_action_names(
    projector: Projecting,
) -> None:
    made_of = Raw(b'{"properties":[{"type":"cohort","key":"id","value":[6,7]}]}')
    steps = Raw(b'[{"properties":[{"type":"cohort","key":"id","value":"8"}]}]')
    for event in COHORT:
        await projector.append(event, of=Stream(StreamKind.COHORT, TEAM, 6))
    await projector.append(
        CohortCreated(cohort_id=9, filters=made_of), of=Stream(StreamKind.COHORT, TEAM, 9)
    )
    await projector.append(
        ActionCreated(action_id=5, steps=steps), of=Stream(StreamKind.ACTION, TEAM, 5)
    )
    await projector.catch_up(size=2)
    members = await projector.rows("SELECT person_id FROM cohort_members ORDER BY person_id")
    assert [row["person_id"].int for row in members] == [1, 2, 3]
    cohorts = await projector.rows("SELECT cohort_id, cohorts, deleted FROM cohorts ORDER BY 1")
    assert cohorts == [
        {"cohort_id": 6, "cohorts": [], "deleted": True},
        {"cohort_id": 9, "cohorts": [6, 7], "deleted": False},
    ]
    assert await projector.rows("SELECT cohorts FROM actions") == [{"cohorts": [8]}]


async def test_changes_of_definitions_are_kept_with_their_time_and_who_made_them(
    projector: Projecting,
) -> None:
    action: Stream[DomainEvent] = Stream(StreamKind.ACTION, TEAM, 5)
    steps = Raw(b'[{"event":"paid"}]')
    await projector.append(ActionCreated(action_id=5, steps=steps), of=action)
    await projector.append(ActionRenamed("Paid", None), of=action)
    (changed,) = await projector.append(
        ActionStepsChanged(Raw(b"[]"), previous=steps), of=action, actor=BOB
    )
    await projector.append(ActionDeleted(), of=action)
    for event in COHORT:
        await projector.append(event, of=Stream(StreamKind.COHORT, TEAM, 6))
    project: Stream[DomainEvent] = Stream(StreamKind.PROJECT, TEAM, 0)
    await projector.append(ProjectRegistered("Shop", "UTC", 0, Raw(b"[]")), of=project)
    await projector.append(
        ProjectTestAccountFiltersChanged(Raw(b"[1]"), previous=Raw(b"[]")), of=project
    )
    await projector.catch_up(size=2)
    kept = await projector.rows("SELECT * FROM definition_changes ORDER BY position")
    whats = [row["what"] for row in kept]
    assert whats[:2] == ["steps_changed", "deleted"]
    assert whats[-1] == "test_account_filters_changed"
    assert {"filters_changed", "people_added", "deleted"} & set(whats[2:-1])
    assert (kept[0]["at"], kept[0]["user_id"], kept[0]["team_id"]) == (changed.at, 2, TEAM)
    assert {row["stream_id"] for row in kept[:2]} == {action.id}
    # Where the catalog was there before the table, the migration has put the same into it.
    (filled,) = (one.text for one in migrations() if one.number == 26)
    async with projector.pool.connection() as conn:
        await conn.execute("DELETE FROM definition_changes")
        await conn.execute(filled[filled.index("INSERT INTO") :].encode())
    again = await projector.rows("SELECT * FROM definition_changes ORDER BY position")
    assert again == kept


async def test_views_move_forward_per_user_and_insight(projector: Projecting) -> None:
    await projector.append(InsightViewed(INSIGHT, 1), InsightViewed(8, 1), of=viewing())
    (again,) = await projector.append(InsightViewed(INSIGHT, 1), of=viewing())
    (other,) = await projector.append(InsightViewed(INSIGHT, 2), of=viewing(2), actor=BOB)
    await projector.catch_up()
    seen = {
        (row["user_id"], row["insight_id"]): row["viewed_at"]
        for row in await projector.rows("SELECT * FROM last_viewed WHERE team_id = %s", TEAM)
    }
    assert set(seen) == {(1, INSIGHT), (1, 8), (2, INSIGHT)}
    assert seen[1, INSIGHT] == again.at
    assert seen[2, INSIGHT] == other.at


async def test_what_history_says_of_itself_is_for_the_history_alone(projector: Projecting) -> None:
    await projector.append(*HISTORY, of=Stream(StreamKind.HISTORY, TEAM, 0))
    await projector.catch_up()
    rows = await projector.everything()
    kept = {name for name, found in rows.items() if found}
    assert kept == {"checkpoints", "operation_triggers", "operations_undone"}


EVERY_KIND: list[tuple[Stream[DomainEvent], DomainEvent]] = [
    *((insight(), event) for event in after(EDITED)),
    *((sharing(), event) for event in SHARED),
    (viewing(), InsightViewed(INSIGHT, ALICE.user_id)),
    *((dashboard(), event) for event in BOARD),
    *((Stream(StreamKind.ACCESS, TEAM, INSIGHT), event) for event in RULES),
    *((Stream(StreamKind.ACTION, TEAM, 5), event) for event in ACTION),
    *((Stream(StreamKind.COHORT, TEAM, 6), event) for event in COHORT),
    *((Stream(StreamKind.PROJECT, TEAM, 0), event) for event in SETTINGS),
    *((Stream(StreamKind.HISTORY, TEAM, 0), event) for event in HISTORY),
]


async def test_every_kind_of_fact_delivered_twice_changes_nothing(projector: Projecting) -> None:
    for stream, event in EVERY_KIND:
        (fact,) = await projector.append(event, of=stream)
        await projector.catch_up()
        once = await projector.everything()
        for projection in projections():
            async with projector.pool.connection() as conn:
                again = await batch.apply(conn, projection, fact.position - 1, [fact])
            assert again is None, "the checkpoint must refuse a position it has passed"
        assert await projector.everything() == once


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
async def test_the_size_of_batches_makes_no_difference(projector: Projecting, size: int) -> None:
    for stream, event in EVERY_KIND:
        await projector.append(event, of=stream)
    await projector.catch_up(size=size)
    at_once = await projector.everything()
    await forget(projector)
    await projector.catch_up()
    assert await projector.everything() == at_once


@given(st.lists(st.lists(edits, max_size=6), min_size=1, max_size=4), st.integers(1, 9))
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
async def test_rows_equal_views_whatever_was_done(
    projector: Projecting, insights: list[list[EditInsight]], size: int
) -> None:
    await start_over(projector)
    histories: list[list[InsightEvent]] = [after(commands) for commands in insights]
    while any(histories):
        for number, history in enumerate(histories):
            if history:
                await projector.append(numbered(history.pop(0), number), of=insight(number))
    await projector.catch_up(size=size)
    for number in range(len(insights)):
        stored = await projector.store.load(insight(number))
        assert await projector.insight(number) == view(stored)  # type: ignore[arg-type]  # an insight's stream


def numbered(event: InsightEvent, number: int) -> InsightEvent:
    """The creation of this insight rather than of INSIGHT."""
    if hasattr(event, "short_id"):
        return msgspec.structs.replace(event, insight_id=number, short_id=f"short{number:03}")
    return event


async def forget(projector: Projecting) -> None:
    """Empty every read model, as if nothing had been projected yet."""
    for name in [table.name for each in projections() for table in each.tables]:
        await projector.execute(sql.SQL("TRUNCATE {}").format(sql.Identifier(name)))
    await projector.execute("TRUNCATE parked_streams")
    await projector.execute("UPDATE checkpoints SET position = 0")


async def start_over(projector: Projecting) -> None:
    await forget(projector)
    await projector.execute("TRUNCATE log, log_heads, receipts")


async def test_columns_for_lists_say_what_the_row_says(projector: Projecting) -> None:
    await projector.append(created(name="Käufe", derived_name="ABC", query=FUNNEL))
    await projector.append(InsightRenamed(name="STRASSE \x1f ß", previous="Käufe"))
    await projector.catch_up()
    (row,) = await projector.rows("SELECT * FROM insights")
    wanted: dict[str, Any] = {
        "name_key": "strasse \x1f ss",
        "names_text": "strasse   ss\x1fabc",
        "words_text": "",
        "kind": "FUNNELS",
        "has_query": True,
        "deleted": False,
        "version": 2,
    }
    assert {name: row[name] for name in wanted} == wanted
