"""GET of one insight: what it shows, how fresh it is, and whom it refuses."""

import asyncio
from typing import Any
from uuid import UUID

import msgspec
import pytest
from msgspec import Raw

from contracts.events.insight import (
    InsightAddedToDashboard,
    InsightDeleted,
    InsightRenamed,
    InsightRestored,
)
from contracts.events.viewing import InsightViewed
from services.projector.read_models.insights import insight_projection
from tests.examples import BOB, FUNNEL, INSIGHT, created
from tests.services.projector.projecting import insight, viewing
from tests.services.query.reads.reading import Reading, reading

SHORT_ID = "aB3dE6gH"


async def test_an_insight_is_shown_whole(api: Reading) -> None:
    await api.projector.append(
        created(name="Sign-ups", query=FUNNEL), InsightAddedToDashboard(1, 5, "KPIs")
    )
    (renamed,) = await api.projector.append(InsightRenamed("Käufe", "Sign-ups"), actor=BOB)
    (viewed,) = await api.projector.append(InsightViewed(INSIGHT, 1), of=viewing())
    await api.projector.catch_up()
    answer = await api.get(f"insights/{INSIGHT}/")
    assert answer.status_code == 200
    body = answer.json()
    assert (body["id"], body["short_id"], body["name"]) == (INSIGHT, SHORT_ID, "Käufe")
    assert body["query"] == msgspec.json.decode(FUNNEL)
    assert body["filters"] == {}
    assert body["dashboards"] == [5]
    assert body["dashboard_tiles"] == [{"id": 1, "dashboard_id": 5, "deleted": False}]
    assert body["created_by"]["email"] == "alice@example.com"
    assert body["last_modified_by"]["first_name"] == "Bob"
    assert str(UUID(body["created_by"]["uuid"])) == body["created_by"]["uuid"]
    assert body["last_viewed_at"] == text(viewed.at)
    assert body["last_modified_at"] == text(renamed.at)
    assert body["timezone"] == "Europe/Berlin"
    assert (body["result"], body["is_cached"], body["alerts"]) == (None, False, [])
    assert len(body) == 37


def text(at: Any) -> str:
    return str(msgspec.json.decode(msgspec.json.encode(at)))


async def numbered(api: Reading) -> None:
    """As the command service numbers an insight before it is created."""
    await api.projector.execute(
        "INSERT INTO insight_ids (id, team_id, short_id) VALUES (7, 1, 'aB3dE6gH'),"
        " (8, 1, 'second00')"
    )


@pytest.mark.parametrize(
    "path",
    [
        f"/api/projects/1/insights/{INSIGHT}/",
        f"/api/projects/1/insights/{INSIGHT}",
        f"/api/projects/1/insights/{SHORT_ID}/",
        f"/api/projects/@current/insights/{SHORT_ID}",
        f"/api/environments/1/insights/{INSIGHT}/",
        f"/api/environments/@current/insights/{INSIGHT}",
    ],
)
async def test_an_insight_has_many_paths(api: Reading, path: str) -> None:
    await numbered(api)
    await api.projector.append(created())
    await api.projector.catch_up()
    assert (await api.get(path)).json()["id"] == INSIGHT


@pytest.mark.parametrize(
    "path",
    ["insights/8/", "insights/zzzzzzzz/", "insights/abc/", "insights/-7/", f"insights/{9**30}/"],
)
async def test_what_is_not_there_is_not_found(api: Reading, path: str) -> None:
    answer = await api.get(path)
    assert answer.status_code == 404
    assert answer.json() == {
        "type": "invalid_request",
        "code": "not_found",
        "detail": "Not found.",
        "attr": None,
    }


async def test_a_deleted_insight_is_not_found_until_it_is_restored(api: Reading) -> None:
    await api.projector.append(created(), InsightDeleted())
    await api.projector.catch_up()
    assert (await api.get(f"insights/{INSIGHT}/")).status_code == 404
    await api.projector.append(InsightRestored())
    await api.projector.catch_up()
    assert (await api.get(f"insights/{INSIGHT}/")).status_code == 200


async def test_an_insight_known_to_the_client_is_not_sent_again(api: Reading) -> None:
    await api.projector.append(created(name="A"))
    await api.projector.catch_up()
    first = await api.get(f"insights/{INSIGHT}/")
    tag = first.headers["ETag"]
    assert tag.startswith('"1-')
    again = await api.get(f"insights/{INSIGHT}/", headers={"If-None-Match": tag})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    await api.projector.append(InsightRenamed("B", "A"))
    await api.projector.catch_up()
    changed = await api.get(f"insights/{INSIGHT}/", headers={"If-None-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["ETag"].startswith('"2-')


async def test_an_answer_says_which_position_it_holds(api: Reading) -> None:
    await api.projector.append(created())
    (later,) = await api.projector.append(created(insight_id=8, short_id="second00"), of=insight(8))
    await api.projector.catch_up()
    answer = await api.get(f"insights/{INSIGHT}/")
    assert answer.headers["Insights-Position"] == str(later.position)
    assert "Insights-Stale" not in answer.headers


@pytest.mark.parametrize("reference", [str(INSIGHT), SHORT_ID])
async def test_a_write_is_visible_to_the_very_next_read(postgres_url: str, reference: str) -> None:
    async with reading(postgres_url, freshness_wait_seconds=20) as api:
        await numbered(api)
        await api.projector.append(created(name="A"))
        await api.projector.catch_up()
        await api.projector.append(InsightRenamed("B", "A"))
        # The read begins while the row is old, and ends once the projector has come along.
        asked = asyncio.create_task(api.get(f"insights/{reference}/"))
        await asyncio.sleep(0)
        await api.projector.catch_up()
        answer = await asked
        assert answer.json()["name"] == "B"
        assert "Insights-Stale" not in answer.headers


@pytest.mark.parametrize("path", [f"insights/{INSIGHT}/", "insights/", "insights/activity/"])
async def test_a_read_that_waited_in_vain_says_that_it_is_stale(api: Reading, path: str) -> None:
    await api.projector.append(created(name="A"))
    behind = await api.projector.catch_up()
    await api.projector.append(InsightRenamed("B", "A"))
    answer = await api.get(path)
    assert answer.status_code == 200
    assert '"A"' in answer.text
    assert answer.headers["Insights-Stale"] == "true"
    assert answer.headers["Insights-Position"] == str(behind)


async def test_nobody_waits_for_what_happens_to_another_insight(api: Reading) -> None:
    await api.projector.append(created(name="A"))
    await api.projector.catch_up()
    await api.projector.append(created(insight_id=8, short_id="second00"), of=insight(8))
    assert "Insights-Stale" not in (await api.get(f"insights/{INSIGHT}/")).headers


@pytest.mark.parametrize(
    "path",
    [
        f"insights/{INSIGHT}/",
        "insights/",
        f"insights/{INSIGHT}/sharing/",
        f"insights/{INSIGHT}/activity/",
        "insights/activity/",
        "insights/my_last_viewed/",
    ],
)
async def test_a_position_the_caller_has_seen_is_waited_for(postgres_url: str, path: str) -> None:
    async with reading(postgres_url, position_wait_seconds=0.05) as api:
        await api.projector.append(created(name="A"))
        reached = await api.projector.catch_up()
        seen = {"Insights-Position": str(reached)}
        assert (await api.get(path, headers=seen)).status_code == 200
        await api.projector.append(InsightRenamed("B", "A"))
        ahead = {"Insights-Position": str(reached + 1)}
        refused = await api.get(path, headers=ahead)
        assert refused.status_code == 503
        assert refused.json()["code"] == "unavailable"
        assert int(refused.headers["Retry-After"]) > 0
        await api.projector.catch_up()
        answer = await api.get(path, headers=ahead)
        assert answer.status_code == 200
        assert int(answer.headers["Insights-Position"]) >= reached + 1


async def test_a_read_waits_for_every_projection_it_rests_on(postgres_url: str) -> None:
    async with reading(postgres_url, position_wait_seconds=0.05) as api:
        await api.projector.append(created(name="A"))
        reached = await api.projector.runner(insight_projection()).catch_up()
        seen = {"Insights-Position": str(reached)}
        path = f"insights/{INSIGHT}/activity/"
        assert (await api.get(path, headers=seen)).status_code == 503
        await api.projector.catch_up()
        assert (await api.get(path, headers=seen)).json()["total_count"] == 1


@pytest.mark.parametrize("sent", ["x", "-1", "1.5", "", "9" * 30])
async def test_a_position_that_is_no_number_is_refused(api: Reading, sent: str) -> None:
    answer = await api.get("insights/", headers={"Insights-Position": sent})
    assert (answer.status_code, answer.json()["attr"]) == (400, "Insights-Position")


async def test_a_parked_insight_answers_503_and_stays_in_lists_as_it_was(api: Reading) -> None:
    await numbered(api)
    await api.projector.append(created(name="A"))
    (bad,) = await api.projector.append(InsightRenamed("B", "A"))
    (worse,) = await api.projector.append(created(insight_id=8, short_id="second00"), of=insight(8))
    await api.projector.execute("UPDATE log SET state = '{}' WHERE notification_id > 1")
    await api.projector.catch_up()
    for path, position in [
        (f"insights/{INSIGHT}/", bad.position),
        (f"insights/{SHORT_ID}/", bad.position),
        ("insights/8/", worse.position),
        ("insights/second00/", worse.position),
        (f"insights/{INSIGHT}/activity/", bad.position),
    ]:
        answer = await api.get(path)
        assert (answer.status_code, answer.json()["position"]) == (503, position), path
        assert set(answer.json()) >= {"type", "code", "detail", "attr"}
        assert "Retry-After" in answer.headers
    (listed,) = (await api.get("insights/")).json()["results"]
    assert listed["name"] == "A"


async def test_legacy_filters_are_shown_beside_the_node_they_mean(api: Reading) -> None:
    filters = Raw(b'{"insight":"FUNNELS","events":[{"id":"paid","type":"events","order":0}]}')
    await api.projector.append(created(filters=filters))
    await api.projector.catch_up()
    body = (await api.get(f"insights/{INSIGHT}/")).json()
    assert body["filters"] == msgspec.json.decode(filters)
    assert body["query"]["source"]["kind"] == "FunnelsQuery"
