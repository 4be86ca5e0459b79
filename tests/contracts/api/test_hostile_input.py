"""Whatever is sent to whatever operation, it is answered, and never by a 5xx."""

from typing import Any

import httpx
import pytest

from services.common.http.schema.document import document
from services.embedded.composition import application
from tests.contracts import hostile
from tests.contracts.api.talk import Api
from tests.contracts.test_openapi import Urls

DOCUMENT: dict[str, Any] = document(application(Urls()).routes, version="1")
PATHS = sorted(
    path for path in DOCUMENT["paths"] if path.startswith(("/api/", "/shared", "/embed"))
)


@pytest.fixture(scope="module")
async def places(api: Api) -> dict[str, str]:
    """What stands in paths: things that are there."""
    insight = await api.insight(name="A")
    sharing = f"insights/{insight['id']}/sharing/"
    shared = await api(f"PATCH {sharing}", {"enabled": True, "password_required": True})
    password = await api(f"POST {sharing}passwords/", {"raw_password": "open sesame"})
    return {
        "project": str(api.here.project.id),
        "organization": "@current",
        "insight": str(insight["id"]),
        "dashboard": str(await api.dashboard(name="D")),
        "action": str((await api("POST actions/", {"name": "A"}))["id"]),
        "cohort": str((await api("POST cohorts/", {"name": "C", "is_static": True}))["id"]),
        "definition": "00000000-0000-0000-0000-000000000001",
        "password": str(password["id"]),
        "job": "none",
        "token": shared["access_token"],
        "name": "none",
    }


async def asked(api: Api, hostile_: hostile.Hostile) -> int:
    """The status of the answer; httpx mends nothing of the URL on the way."""
    client = api.here.client
    key = client.headers["authorization"].encode()
    url = httpx.URL("http://recount.test/").copy_with(raw_path=hostile_.path.encode())
    request = httpx.Request(
        hostile_.method,
        url,
        headers=[*hostile_.headers, (b"authorization", key)],
        content=hostile_.body,
    )
    return (await client.send(request)).status_code


@pytest.mark.parametrize("path", PATHS)
async def test_no_input_makes_a_5xx(api: Api, places: dict[str, str], path: str) -> None:
    found: list[str] = []
    count = 0
    for each in hostile.requests(DOCUMENT, path, places):
        status = await asked(api, each)
        count += 1
        if status >= 500 and status != 503:
            found.append(f"{status}: {each.told}")
    assert count > 10
    assert not found, "\n".join(found)
