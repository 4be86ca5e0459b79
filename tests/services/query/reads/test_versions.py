"""Versions of things, one of them, and what differs between two moments."""

from typing import Any
from uuid import UUID

import pytest
from msgspec import Raw

from contracts.events.access import AccessGranted, Grantee
from contracts.events.action import ActionCreated, ActionRenamed
from contracts.events.cohort import CohortCreated, CohortRenamed
from contracts.events.dashboard import DashboardCreated, DashboardRenamed, TileAdded
from contracts.events.history import InsightReverted
from contracts.events.insight import (
    InsightAddedToDashboard,
    InsightDeleted,
    InsightQueryChanged,
    InsightRenamed,
    InsightTagged,
)
from contracts.events.project import ProjectRegistered, ProjectRenamed
from contracts.events.recorded import SystemActor
from contracts.events.streams import StreamKind
from contracts.json import NULL
from tests.examples import BOB, FUNNEL, created
from tests.services.query.reads.past import of, operation
from tests.services.query.reads.reading import BASE, Reading

INSIGHT = of(StreamKind.INSIGHT, 1)


@pytest.fixture
async def told(api: Reading) -> Reading:
    """Insight 1: made and tagged (version 2), renamed by Bob (3), put on dashboard 3 (4), given a
    query and returned to version 2 (5).
    """
    projector = api.projector
    made = created(insight_id=1, short_id="short001", name="A")
    await operation(projector, (INSIGHT, [made, InsightTagged(("t",), ())]))
    await operation(projector, (INSIGHT, [InsightRenamed("B", "A")]), by=BOB)
    board = of(StreamKind.DASHBOARD, 3)
    await operation(projector, (board, [DashboardCreated(dashboard_id=3, name="Growth")]))
    await operation(
        projector,
        (INSIGHT, [InsightAddedToDashboard(13, 3, "Growth")]),
        (board, [TileAdded(tile_id=13, insight_id=1)]),
    )
    await operation(
        projector,
        (INSIGHT, [InsightQueryChanged(FUNNEL, NULL)]),
        (of(StreamKind.HISTORY, 0), [InsightReverted(1, 2)]),
    )
    await projector.catch_up()
    return api


async def body(api: Reading, path: str, **options: Any) -> Any:
    answer = await api.get(path, **options)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_versions_are_one_per_operation_and_tile_the_stream(told: Reading) -> None:
    page = await body(told, "insights/1/versions/")
    assert (page["count"], page["next"], page["previous"]) == (4, None, None)
    shown = page["results"]
    assert [(each["first_version"], each["version"]) for each in shown] == [
        (5, 5),
        (4, 4),
        (3, 3),
        (1, 2),
    ]
    assert [each["activity"] for each in shown] == ["updated"] * 3 + ["created"]
    assert [each["position"] for each in shown] == [8, 6, 3, 2]
    assert [each["sequence"] for each in shown] == [8, 6, 3, 2]
    assert shown[2]["user"]["first_name"] == "Bob"
    assert shown[2]["sentences"] == ['Renamed from "A" to "B".']
    assert shown[2]["changes"] == [{"field": "name", "before": "A", "after": "B"}]
    assert shown[1]["sentences"] == ['Put on dashboard "Growth" (3).']
    assert (shown[3]["sentences"], shown[3]["changes"]) == (["Created."], [])
    assert shown[0]["trigger"] == {"job_type": "revert", "job_id": "v2", "payload": {}}
    assert [each["results_can_change"] for each in shown] == [True, False, False, True]
    assert shown[2]["trigger"] is None
    UUID(shown[0]["operation_id"])


async def test_versions_come_page_by_page_below_a_version(told: Reading) -> None:
    seen: list[int] = []
    link = "insights/1/versions/?limit=1"
    while link:
        page = await body(told, link)
        assert page["count"] == 4
        seen += [each["version"] for each in page["results"]]
        # A version that comes meanwhile moves nothing.
        await operation(told.projector, (INSIGHT, [InsightRenamed(f"{seen}", "A")]))
        link = (page["next"] or "").removeprefix(BASE)
        if link:
            await operation(told.projector, (INSIGHT, [InsightRenamed(f"{seen}!", "A")]))
    assert seen[:4] == [5, 4, 3, 2]


async def test_versions_can_be_filtered_and_patched(told: Reading) -> None:
    by_bob = await body(told, "insights/1/versions/?user=2")
    assert [each["version"] for each in by_bob["results"]] == [3]
    made = await body(told, "insights/1/versions/?activity=created")
    assert (made["count"], made["results"][0]["version"]) == (1, 2)
    assert (await body(told, "insights/1/versions/?activity=deleted"))["results"] == []
    patched = await body(told, "insights/1/versions/?limit=1&patch=true")
    (change,) = patched["results"][0]["changes"]
    assert change["field"] == "query"
    assert change["patch"]
    for wrong in ("activity=gone", "before=x", "user=x"):
        assert (await told.get(f"insights/1/versions/?{wrong}")).status_code == 400


async def test_one_version_shows_the_whole_as_it_was(told: Reading) -> None:
    third = await body(told, "insights/1/versions/3/")
    assert (third["version"], third["insight"]["name"]) == (3, "B")
    assert third["insight"]["dashboards"] == []
    assert (await body(told, "insights/1/versions/4/"))["insight"]["dashboards"] == [3]
    for missing in ("1", "6", "0", "x"):
        assert (await told.get(f"insights/1/versions/{missing}/")).status_code == 404


async def test_a_difference_between_moments_and_its_reverse(told: Reading) -> None:
    found = await body(told, "insights/1/diff/?from=v2&to=v4")
    assert (found["from"]["version"], found["to"]["version"]) == (2, 4)
    assert found["versions"] == [3, 4]
    assert found["sentences"] == ['Renamed from "A" to "B".', 'Put on dashboard "Growth" (3).']
    assert found["results_can_change"] is False
    back = await body(told, "insights/1/diff/?from=p6&to=s2")
    assert back["versions"] == [3, 4]
    assert [(each["field"], each["before"], each["after"]) for each in back["changes"]] == [
        (each["field"], each["after"], each["before"]) for each in found["changes"]
    ]
    newest = await body(told, "insights/1/diff/")
    assert (newest["from"]["version"], newest["to"]["version"]) == (4, 5)
    assert newest["changes"][0]["patch"]
    assert newest["results_can_change"] is True
    first = await body(told, "insights/1/diff/?to=v2")
    assert (first["from"], first["sentences"], first["versions"]) == (None, ["Created."], [2])
    same = await body(told, "insights/1/diff/?from=now")
    assert (same["changes"], same["versions"], same["results_can_change"]) == ([], [], False)


WRONG = [("from=3", 400), ("to=3", 400), ("from=p99", 400), ("from=v9", 404), ("to=v1", 404)]


async def test_wrong_ends_of_a_difference(told: Reading) -> None:
    for query, status in WRONG:
        answer = await told.get(f"insights/1/diff/?{query}")
        assert answer.status_code == status, query
        if status == 400:
            assert answer.json()["attr"] == query.partition("=")[0]


async def test_a_deleted_insight_has_versions_and_a_closed_one_none(told: Reading) -> None:
    await operation(told.projector, (INSIGHT, [InsightDeleted()]), by=SystemActor())
    await told.projector.catch_up()
    newest = (await body(told, "insights/1/versions/?limit=1"))["results"][0]
    assert newest["activity"] == "deleted"
    assert newest["user"] == {"first_name": "System", "is_system": True}
    assert (await body(told, "insights/1/versions/6/"))["insight"]["deleted"] is True
    assert (await body(told, "insights/1/diff/"))["sentences"] == ["Deleted."]
    rule = AccessGranted(1, Grantee(2, UUID(int=2)), "none", None)
    await operation(told.projector, (of(StreamKind.ACCESS, 1), [rule]))
    await told.projector.catch_up()
    for path in ("versions/", "versions/3/", "diff/"):
        assert (await told.get(f"insights/1/{path}", by="bob")).status_code == 403
        assert (await told.get(f"insights/2/{path}")).status_code == 404


async def test_every_kind_has_versions(told: Reading) -> None:
    action, cohort = of(StreamKind.ACTION, 1), of(StreamKind.COHORT, 1)
    settings = of(StreamKind.PROJECT, 0)
    projector = told.projector
    await operation(projector, (action, [ActionCreated(action_id=1, name="Pays")]))
    await operation(projector, (action, [ActionRenamed("Buys", "Pays")]))
    await operation(projector, (cohort, [CohortCreated(cohort_id=1, is_static=True, name="T")]))
    await operation(projector, (cohort, [CohortRenamed("Testers", "T")]))
    registered = ProjectRegistered("One", "Europe/Berlin", 0, Raw(b"[]"))
    await operation(projector, (settings, [registered]))
    await operation(projector, (settings, [ProjectRenamed("Shop", "One")]))
    board = of(StreamKind.DASHBOARD, 3)
    await operation(projector, (board, [DashboardRenamed("Sales", "Growth")]))
    await projector.catch_up()
    for path, member, sentence in (
        ("actions/1/", "action", 'Renamed from "Pays" to "Buys".'),
        ("cohorts/1/", "cohort", 'Renamed from "T" to "Testers".'),
        ("dashboards/3/", "dashboard", 'Renamed from "Growth" to "Sales".'),
        ("", "project", 'Renamed from "One" to "Shop".'),
    ):
        page = await body(told, f"{path}versions/")
        assert page["results"][0]["sentences"] == [sentence]
        assert page["results"][-1]["activity"] == "created"
        first = await body(told, f"{path}versions/{page['results'][1]['version']}/")
        assert f'"{first[member]["name"]}"' in sentence
    assert (await told.get("actions/9/versions/")).status_code == 404
    tiles = (await body(told, "dashboards/3/versions/"))["results"][1]
    assert "B" in tiles["sentences"][0]
