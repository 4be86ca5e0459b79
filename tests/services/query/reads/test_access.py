"""Who sees what: rules are kept in the statement, so that pages and counts stay exact."""

from itertools import product
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.events.access import AccessGranted, AccessRevoked, Grantee, Level
from contracts.events.dashboard import DashboardCreated, DashboardRestricted
from contracts.events.insight import InsightAddedToDashboard, InsightRenamed
from contracts.events.recorded import DomainEvent
from contracts.events.streams import Stream, StreamKind
from contracts.events.viewing import InsightViewed
from contracts.read_models.access import AccessRow, AccessRule
from services.common.accounts.accounts import ApiKey, Project, User
from services.common.http.caller import Caller
from services.common.insights.access import LEVELS, level_of
from services.query.reads.access import LEVEL, VISIBLE, VISIBLE_OF_ALL
from tests.examples import BOB, INSIGHT, START, TEAM, created
from tests.services.projector.projecting import dashboard, insight, viewing
from tests.services.query.reads.reading import Reading

OF_BOB = Grantee(2, UUID("00000000-0000-4000-8000-000000000002"))
OTHER = 8


def access(number: int = INSIGHT) -> Stream[DomainEvent]:
    return Stream(StreamKind.ACCESS, TEAM, number)


async def two_insights(api: Reading) -> None:
    """INSIGHT and OTHER, both Alice's."""
    await api.projector.append(created(name="A"))
    await api.projector.append(
        created(name="B", insight_id=OTHER, short_id="other123"), of=insight(OTHER)
    )


async def seen(api: Reading, path: str = f"insights/{INSIGHT}/", **options: Any) -> int:
    return (await api.get(path, by="bob", **options)).status_code


async def test_what_a_rule_hides_is_nowhere_and_403_by_id(api: Reading) -> None:
    await two_insights(api)
    await api.projector.append(InsightViewed(INSIGHT, 2), of=viewing(2), actor=BOB)
    await api.projector.append(AccessGranted(INSIGHT, None, "none", None), of=access())
    await api.projector.catch_up()
    page = (await api.get("insights/", by="bob")).json()
    assert ([row["id"] for row in page["results"]], page["count"]) == ([OTHER], 1)
    assert await api.ids("insights/?search=A", by="bob") == []
    assert (await api.get("insights/my_last_viewed/", by="bob")).json() == []
    activity = (await api.get("insights/activity/?all=true", by="bob")).json()
    assert {entry["item_id"] for entry in activity["results"]} == {str(OTHER)}
    assert activity["total_count"] == 1
    for path in ("", "activity/", "sharing/", "access_controls/", "global_access_controls/"):
        assert await seen(api, f"insights/{INSIGHT}/{path}") == 403
    assert await api.ids("insights/", by="alice") == [OTHER, INSIGHT]
    assert (await api.get(f"insights/{INSIGHT}/", by="alice")).status_code == 200


async def test_a_members_own_rule_stands_above_what_everyone_has(api: Reading) -> None:
    await two_insights(api)
    await api.projector.append(
        AccessGranted(INSIGHT, None, "none", None),
        AccessGranted(INSIGHT, OF_BOB, "viewer", None),
        of=access(),
    )
    await api.projector.catch_up()
    body = (await api.get(f"insights/{INSIGHT}/", by="bob")).json()
    assert body["user_access_level"] == "viewer"
    levels = (await api.get("insights/", by="bob")).json()["results"]
    assert {row["id"]: row["user_access_level"] for row in levels} == {
        INSIGHT: "viewer", OTHER: "editor",
    }  # fmt: skip


async def test_a_projects_rule_hides_all_but_what_is_ones_own_or_granted(api: Reading) -> None:
    await two_insights(api)
    await api.projector.append(created(insight_id=9, short_id="bobs1234"), of=insight(9), actor=BOB)
    await api.projector.append(AccessGranted(None, None, "none", None), of=access(0))
    await api.projector.append(AccessGranted(OTHER, OF_BOB, "editor", None), of=access(OTHER))
    await api.projector.catch_up()
    assert await api.ids("insights/", by="bob") == [9, OTHER]
    assert await seen(api) == 403


async def test_a_count_that_was_kept_is_counted_again_when_a_rule_moves(api: Reading) -> None:
    await two_insights(api)
    await api.projector.catch_up()
    counts = []
    for fact in (
        None,
        AccessGranted(INSIGHT, None, "none", None),
        AccessRevoked(INSIGHT, None, "none"),
    ):
        if fact is not None:
            await api.projector.append(fact, of=access())
            await api.projector.catch_up()
        counts.append((await api.get("insights/", by="bob")).json()["count"])
    assert counts == [2, 1, 2]


async def test_a_closed_dashboard_shows_in_the_levels(api: Reading) -> None:
    await api.projector.append(DashboardCreated(dashboard_id=3, name="Growth"), of=dashboard())
    await api.projector.append(created(), InsightAddedToDashboard(31, 3, "Growth"))
    await api.projector.append(DashboardRestricted(37, 21), of=dashboard())
    await api.projector.catch_up()
    for by, privilege in (("alice", 37), ("bob", 21)):
        for body in (
            (await api.get(f"insights/{INSIGHT}/", by=by)).json(),
            (await api.get("insights/", by=by)).json()["results"][0],
        ):
            assert body["effective_restriction_level"] == 37
            assert body["effective_privilege_level"] == privilege


async def test_of_a_closed_and_an_open_dashboard_the_highest_levels_show(api: Reading) -> None:
    """PostHog: the restriction of the closed one, and the right that the open one leaves to all."""
    await api.projector.append(DashboardCreated(dashboard_id=3, name="Open"), of=dashboard(3))
    closed = DashboardCreated(dashboard_id=4, name="Closed", restriction_level=37)
    await api.projector.append(closed, of=dashboard(4))
    on_both = (InsightAddedToDashboard(31, 3, "Open"), InsightAddedToDashboard(41, 4, "Closed"))
    await api.projector.append(created(), *on_both)
    await api.projector.catch_up()
    for by in ("alice", "bob"):
        body = (await api.get(f"insights/{INSIGHT}/", by=by)).json()
        levels = (body["effective_restriction_level"], body["effective_privilege_level"])
        assert levels == (37, 37)


async def test_access_controls_are_the_rules_and_the_insight(api: Reading) -> None:
    await two_insights(api)
    (granted,) = await api.projector.append(
        AccessGranted(INSIGHT, OF_BOB, "viewer", None), of=access()
    )
    await api.projector.append(AccessGranted(None, None, "editor", None), of=access(0))
    await api.projector.catch_up()
    body = (await api.get(f"insights/{INSIGHT}/access_controls/")).json()
    assert (body["id"], body["name"], body["user_access_level"]) == (INSIGHT, "A", "manager")
    assert body["user_can_edit_access_levels"] is True
    assert body["available_access_levels"] == ["none", "viewer", "editor", "manager"]
    (rule,) = body["access_controls"]
    assert rule["created_at"][:23] == granted.at.isoformat()[:23]
    assert {name: rule[name] for name in rule if not name.endswith("_at")} == {
        "access_level": "viewer", "resource": "insight", "resource_id": str(INSIGHT),
        "organization_member": str(OF_BOB.member_id), "role": None, "created_by": 1,
    }  # fmt: skip
    for path in ("global_access_controls", "resource_access_controls"):
        whole = (await api.get(f"insights/{OTHER}/{path}/", by="bob")).json()
        assert [rule["resource_id"] for rule in whole["access_controls"]] == [None]
        assert whole["user_can_edit_access_levels"] is False


async def test_a_rule_set_just_now_is_waited_for_and_no_others_fact_is(api: Reading) -> None:
    await two_insights(api)
    await api.projector.catch_up()
    await api.projector.append(InsightRenamed("C", "B"), of=insight(OTHER))
    fresh = await api.get(f"insights/{INSIGHT}/", by="bob")
    assert "insights-stale" not in fresh.headers
    await api.projector.append(AccessGranted(INSIGHT, None, "none", None), of=access())
    stale = await api.get(f"insights/{INSIGHT}/", by="bob")
    assert stale.headers["insights-stale"] == "true"


async def test_members_are_listed_with_the_ids_that_rules_name(api: Reading) -> None:
    page = (await api.get("/api/organizations/@current/members/")).json()
    assert [(row["user"]["email"], row["level"]) for row in page["results"]] == [
        ("alice@example.com", 8), ("bob@example.com", 1),
    ]  # fmt: skip
    assert all(UUID(row["id"]) for row in page["results"])


CHOICES: list[Level | None] = [None, *LEVELS]


@pytest.mark.parametrize("created_by", [1, 2, None])
async def test_the_statement_and_the_rule_give_the_same_level(
    api: Reading, created_by: int | None
) -> None:
    """Every combination of what the project and the insight say to everyone and to Bob."""
    caller = _bob()
    for whole_levels in product(CHOICES, repeat=2):
        whole = _row(0, *whole_levels)
        owns = {n: _row(n, *each) for n, each in enumerate(product(CHOICES, repeat=2), start=1)}
        await api.projector.execute("DELETE FROM access_rules")
        for row in (whole, *owns.values()):
            for rule in row.rules:
                await api.projector.execute(
                    "INSERT INTO access_rules VALUES (1, %s, %s, %s)",
                    row.insight_id,
                    rule.grantee.user_id if rule.grantee else 0,
                    LEVELS.index(rule.level),
                )
        async with api.projector.pool.connection() as conn:
            cursor = await conn.execute(
                f"SELECT i.insight_id, {LEVEL}, {VISIBLE}, {VISIBLE_OF_ALL}"
                " FROM (SELECT n AS insight_id, 1::bigint AS team_id, %(created_by)s::bigint AS"
                " created_by FROM generate_series(1, 25) n) AS i",
                {"created_by": created_by, "team_id": 1, "user_id": 2, "administrator": False},
            )
            found = [
                (number, LEVELS[level], *seen) for number, level, *seen in await cursor.fetchall()
            ]
        expected = [
            (number, level_of(created_by, own, whole, caller)) for number, own in owns.items()
        ]
        assert len(expected) == 25
        assert sorted(found) == [
            (number, level, level != "none", level != "none") for number, level in expected
        ]


def _row(number: int, everyone: Level | None, bob: Level | None) -> AccessRow:
    rules = [(None, everyone), (OF_BOB, bob)]
    return AccessRow(
        team_id=1,
        insight_id=number,
        rules=tuple(
            AccessRule(
                grantee=grantee, level=level, created_by=1, created_at=START, updated_at=START
            )
            for grantee, level in rules
            if level is not None
        ),
    )


def _bob() -> Caller:
    organization = uuid4()
    user = User(
        id=2,
        uuid=uuid4(),
        distinct_id="bob",
        email="bob@example.com",
        first_name="Bob",
        last_name="",
        is_email_verified=True,
        current_team_id=1,
        memberships={organization: 1},
    )
    key = ApiKey(
        id="k",
        user_id=2,
        label="",
        scopes=["*"],
        scoped_teams=[],
        scoped_organizations=[],
        created_at=START,
        last_used_at=None,
    )
    project = Project(
        id=1,
        uuid=uuid4(),
        organization_id=organization,
        name="One",
        api_token="phc_",
        timezone="UTC",
        week_start_day=0,
        test_account_filters=[],
        created_at=START,
    )
    return Caller(user=user, key=key, project=project, operation_id=uuid4(), correlation_id=uuid4())
