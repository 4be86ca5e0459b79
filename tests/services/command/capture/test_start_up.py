"""What SDKs ask when they start is answered as they need it."""

import pytest

from services.common.accounts import administration
from services.common.postgres.database import pool
from tests.services.command.capture.conftest import Shop

pytestmark = pytest.mark.anyio

ORIGIN = {"Origin": "https://a.example"}


async def test_posthog_js_is_told_where_events_go(shop: Shop) -> None:
    for path in (f"/array/{shop.token}/config", f"/array/{shop.token}/config/"):
        answer = await shop.client.get(path, headers=ORIGIN)
        assert answer.status_code == 200
        assert answer.json()["token"] == shop.token
        assert answer.json()["analytics"] == {"endpoint": "/e/"}
        assert answer.headers["access-control-allow-origin"] == "https://a.example"


async def test_there_is_nothing_to_load(shop: Shop) -> None:
    for path in (f"/array/{shop.token}/config.js", "/static/array.js", "/static/1.2/recorder.js"):
        answer = await shop.client.get(path, headers=ORIGIN)
        assert answer.status_code == 404
        assert answer.headers["access-control-allow-origin"] == "https://a.example"


@pytest.mark.parametrize("path", ["/flags/?v=2", "/decide/?v=3", "/flags"])
async def test_there_are_no_flags(shop: Shop, path: str) -> None:
    answer = await shop.post(path, {"token": shop.token, "distinct_id": "anna"}, headers=ORIGIN)
    assert answer.status_code == 200
    body = answer.json()
    assert (body["featureFlags"], body["flags"], body["errorsWhileComputingFlags"]) == (
        {},
        {},
        False,
    )
    assert body["supportedCompression"] == ["gzip", "gzip-js"]
    assert answer.headers["access-control-allow-origin"] == "https://a.example"


@pytest.mark.parametrize("path", ["/decide/", "/decide?v=1&ip=1"])
async def test_posthog_js_of_2021_reads_a_list_of_flags(shop: Shop, path: str) -> None:
    answer = await shop.post(path, {"token": shop.token, "distinct_id": "anna"})
    assert (answer.status_code, answer.json()["featureFlags"]) == (200, [])


async def test_recordings_are_thrown_away(shop: Shop) -> None:
    answer = await shop.client.post("/s/?compression=gzip", content=b"\x1f\x8b", headers=ORIGIN)
    assert (answer.status_code, answer.json()) == (200, {"status": 1})


NO_DEFINITIONS: dict[str, object] = {"flags": [], "group_type_mapping": {}, "cohorts": {}}
NO_PAGE: dict[str, object] = {"count": 0, "next": None, "previous": None, "results": []}


@pytest.mark.parametrize(
    ("path", "answered"),
    [
        ("/flags/definitions", NO_DEFINITIONS),
        ("/api/feature_flag/local_evaluation", NO_DEFINITIONS),
        ("/api/feature_flag", NO_PAGE),
    ],
    ids=("definitions", "local evaluation", "before 2022"),
)
async def test_server_sdks_find_no_flags_to_evaluate_with_a_personal_key(
    shop: Shop, postgres_url: str, path: str, answered: object
) -> None:
    assert (await shop.client.get(path)).status_code == 401
    async with pool(postgres_url) as connections:
        user_id = await administration.create_user(
            connections, "ada@example.com", shop.project.organization_id
        )
        issued = await administration.create_key(connections, user_id)
    for url in (f"{path}?token={shop.token}&send_cohorts", f"{path}/"):
        answer = await shop.client.get(url, headers={"Authorization": f"Bearer {issued.key}"})
        assert (answer.status_code, answer.json()) == (200, answered)
