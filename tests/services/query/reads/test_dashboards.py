"""Dashboards are read with the insights that are on them and in sight."""

from msgspec import Raw

from contracts.events.access import AccessGranted
from contracts.events.dashboard import (
    DashboardCreated,
    DashboardDeleted,
    DashboardPinned,
    DashboardRestricted,
    TileAdded,
    TileArranged,
)
from contracts.events.insight import (
    InsightAddedToDashboard,
    InsightDeleted,
    InsightRemovedFromDashboard,
)
from contracts.events.streams import Stream, StreamKind
from contracts.json import EMPTY_OBJECT
from tests.examples import INSIGHT, TEAM, created
from tests.services.projector.projecting import dashboard, insight
from tests.services.query.reads.reading import Reading


async def growth(api: Reading) -> None:
    """Dashboard 3 with INSIGHT on tile 31 and insight 8 on tile 32."""
    await api.projector.append(
        DashboardCreated(dashboard_id=3, name="Growth", filters=Raw(b'{"date_from":"-7d"}')),
        TileAdded(31, INSIGHT),
        TileAdded(32, 8),
        TileArranged(31, "blue", Raw(b'{"sm":{"w":6}}'), None, EMPTY_OBJECT),
        of=dashboard(),
    )
    await api.projector.append(created(name="A"), InsightAddedToDashboard(31, 3, "Growth"))
    await api.projector.append(
        created(insight_id=8, short_id="other123"),
        InsightAddedToDashboard(32, 3, "Growth"),
        of=insight(8),
    )


async def test_a_dashboard_is_shown_with_its_tiles_in_their_order(api: Reading) -> None:
    await growth(api)
    await api.projector.catch_up()
    answer = await api.get("dashboards/3/")
    body = answer.json()
    assert (body["name"], body["filters"]) == ("Growth", {"date_from": "-7d"})
    assert body["created_by"]["email"] == "alice@example.com"
    assert [(tile["id"], tile["insight"]["id"]) for tile in body["tiles"]] == [
        (31, INSIGHT), (32, 8),
    ]  # fmt: skip
    first = body["tiles"][0]
    assert (first["color"], first["layouts"], first["deleted"]) == ("blue", {"sm": {"w": 6}}, False)
    shown = (await api.get(f"insights/{INSIGHT}/")).json()
    assert first["insight"] == shown
    assert answer.headers["etag"].startswith('"4-')


async def test_what_left_or_is_deleted_or_hidden_has_no_tile(api: Reading) -> None:
    await growth(api)
    await api.projector.append(InsightRemovedFromDashboard(31, 3, "Growth"))
    await api.projector.append(InsightDeleted(), of=insight(8))
    await api.projector.append(
        created(insight_id=9, short_id="hidden12"),
        InsightAddedToDashboard(33, 3, "Growth"),
        of=insight(9),
    )
    await api.projector.append(TileAdded(33, 9), of=dashboard())
    await api.projector.append(
        AccessGranted(9, None, "none", None), of=Stream(StreamKind.ACCESS, TEAM, 9)
    )
    await api.projector.catch_up()
    for by, tiles in (("alice", [33]), ("bob", [])):
        body = (await api.get("dashboards/3/", by=by)).json()
        assert [tile["id"] for tile in body["tiles"]] == tiles


async def test_the_list_has_pinned_ones_first_then_by_name(api: Reading) -> None:
    for number, name in ((1, "beta"), (2, "Alpha"), (3, "Zulu"), (4, "Gone")):
        await api.projector.append(
            DashboardCreated(dashboard_id=number, name=name), of=dashboard(number)
        )
    await api.projector.append(DashboardPinned(), of=dashboard(3))
    await api.projector.append(DashboardDeleted(), of=dashboard(4))
    await api.projector.append(created(), InsightAddedToDashboard(31, 2, "Alpha"))
    await api.projector.append(TileAdded(31, INSIGHT), of=dashboard(2))
    await api.projector.catch_up()
    page = (await api.get("dashboards/?limit=2")).json()
    assert ([row["name"] for row in page["results"]], page["count"]) == (["Zulu", "Alpha"], 3)
    assert [tile["insight"]["id"] for tile in page["results"][1]["tiles"]] == [INSIGHT]
    rest = (await api.get(page["next"].removeprefix("https://recount.example"))).json()
    assert ([row["name"] for row in rest["results"]], rest["next"]) == (["beta"], None)


async def test_levels_tell_who_may_edit(api: Reading) -> None:
    await growth(api)
    await api.projector.append(DashboardRestricted(37, 21), of=dashboard())
    await api.projector.catch_up()
    for by, privilege, level in (("alice", 37, "manager"), ("bob", 21, "viewer")):
        body = (await api.get("dashboards/3/", by=by)).json()
        assert body["effective_restriction_level"] == 37
        assert body["effective_privilege_level"] == privilege
        assert body["user_access_level"] == level


async def test_what_is_not_there_and_who_may_not(api: Reading) -> None:
    await growth(api)
    await api.projector.append(DashboardDeleted(), of=dashboard())
    await api.projector.catch_up()
    for path in ("dashboards/3/", "dashboards/4/", "dashboards/growth/"):
        assert (await api.get(path)).status_code == 404
    refused = await api.get("dashboards/", by="cohorts")
    assert refused.json()["detail"] == "API key missing required scope 'dashboard:read'"
