"""PostHog's doors to the activity log, and its add-on for Splunk as their client."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import pytest

from contracts.events.access import AccessGranted
from contracts.events.dashboard import DashboardCreated, DashboardRenamed, TileAdded
from contracts.events.insight import InsightRenamed, InsightSaved
from contracts.events.recorded import SystemActor
from contracts.events.streams import Stream, StreamKind
from contracts.events.viewing import InsightViewed
from contracts.events.webhook import WebhookCreated
from services.common.accounts import administration
from services.common.http.proxies import TrustedProxies
from tests.contracts.ocsf.validating import validated
from tests.examples import BOB, INSIGHT, TEAM, created
from tests.services.projector.projecting import dashboard, insight, viewing
from tests.services.projector.webhooks.delivering import SETTINGS as HOOK
from tests.services.query.reads.reading import BASE, Reading, reading

LOG, ADVANCED = "activity_log/", "advanced_activity_logs/"
SECOND = 3
"""The number of the other project of the organization."""


async def organization(api: Reading) -> str:
    return str((await api.get("/api/projects/1/")).json()["organization"])


async def two_projects(api: Reading) -> str:
    """Entries in two projects of the organization, and in one of others; the organization's id."""
    ours = await organization(api)
    project = await administration.create_project(api.projector.pool, UUID(ours), "Another")
    assert project.id == SECOND
    append = api.projector.append
    await append(created(name="A"))
    await append(DashboardCreated(3, "Growth"), of=dashboard(), actor=BOB)
    await append(created(insight_id=5, short_id="second00", name="B"), of=insight(5, SECOND))
    await append(created(insight_id=6, short_id="third000", name="C"), of=insight(6, team_id=2))
    await append(InsightRenamed("AA", "A"), InsightSaved(), actor=BOB)
    await append(InsightViewed(INSIGHT, 1), of=viewing())
    await append(
        WebhookCreated(3, HOOK, after=0, secret_id=1, public_key=""),
        of=Stream(StreamKind.WEBHOOK, TEAM, 3),
        actor=SystemActor(),
    )
    await api.projector.catch_up()
    return ours


async def log(api: Reading, path: str, *, by: str = "alice") -> dict[str, Any]:
    answer = await api.get(path, by=by)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def told(found: dict[str, Any]) -> list[str]:
    return [f"{each['scope']} {each['item_id']} {each['activity']}" for each in found["results"]]


ONE = ["Webhook wh_3 created", "Insight 7 updated", "Dashboard 3 created", "Insight 7 created"]
TILES = ["Dashboard 3 created", "Dashboard 3 updated"]
TWO = [*ONE[:2], "Insight 5 created", *ONE[2:]]


async def test_an_entry_is_as_posthog_has_it(api: Reading) -> None:
    ours = await two_projects(api)
    found = await log(api, f"{LOG}?user=2&scope=Insight")
    (entry,) = found["results"]
    assert (found["count"], found["next"], found["previous"]) == (1, None, None)
    UUID(entry.pop("id"))
    UUID(entry["user"].pop("uuid"))
    assert entry.pop("created_at")
    assert entry["user"].pop("distinct_id")
    assert entry == {
        "user": {
            "id": 2,
            "first_name": "Bob",
            "last_name": "",
            "email": "bob@example.com",
            "is_email_verified": True,
            "hedgehog_config": {},
            "role_at_organization": None,
        },
        "unread": False,
        "organization_id": ours,
        "was_impersonated": False,
        "is_system": False,
        "activity": "updated",
        "item_id": "7",
        "scope": "Insight",
        "detail": {
            "id": None,
            "changes": [
                {
                    "type": "Insight",
                    "action": "changed",
                    "field": "name",
                    "before": "A",
                    "after": "AA",
                }
            ],
            "merge": None,
            "trigger": None,
            "name": "AA",
            "short_id": "aB3dE6gH",
            "type": None,
        },
    }
    (webhook,) = (await log(api, f"{LOG}?scope=Webhook"))["results"]
    assert (webhook["user"], webhook["is_system"]) == (None, True)


@pytest.mark.parametrize("door", [LOG, ADVANCED])
async def test_everything_of_a_project_or_an_organization_newest_first(
    api: Reading, door: str
) -> None:
    ours = f"/api/organizations/{await two_projects(api)}/{door}"
    assert told(await log(api, door)) == ONE
    assert told(await log(api, ours)) == TWO
    assert told(await log(api, f"/api/organizations/@current/{door}")) == TWO
    assert (await log(api, f"{ours}?all=true"))["count"] == len(TWO) + 1
    # A member sees no webhooks, and no organization.
    assert told(await log(api, door, by="bob")) == ONE[1:]
    assert (await api.get(ours, by="bob")).status_code == 403
    assert (await api.get(ours, by="carol")).status_code == 404
    for path in (door, ours):
        first = await log(api, f"{path}?page_size=2")
        walked = told(first)
        while first["next"]:
            first = await log(api, first["next"].removeprefix(BASE))
            assert first["count"] == len(ONE if path == door else TWO)
            walked += told(first)
        assert walked == (ONE if path == door else TWO)
        numbered = await log(api, f"{path}?page_size=1&page=2")
        assert told(numbered) == [ONE[1]]
        assert numbered["next"].endswith("page=3")
        assert numbered["previous"].endswith("page=1")


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("ordering=created_at", ONE[::-1]),
        ("scopes=Dashboard,Webhook", [ONE[0], ONE[2]]),
        ("scopes=Dashboard&scopes=FeatureFlag", [ONE[2]]),
        ("activities=updated", [ONE[1]]),
        ("item_ids=7,wh_3", [ONE[0], ONE[1], ONE[3]]),
        ("is_system=true", [ONE[0]]),
        ("is_system=false", ONE[1:]),
        ("search_text=gROWth", [ONE[2]]),
        ("start_date=2999-01-01", []),
        ("start_date=2020-01-01T00:00:00Z&end_date=2999-01-01", ONE),
        ("end_date=2020-01-01T00:00:00%2B01:00", []),
        ("users=00000000-0000-0000-0000-000000000000", []),
    ],
)
async def test_the_advanced_door_has_posthogs_filters(
    api: Reading, query: str, wanted: list[str]
) -> None:
    await two_projects(api)
    found = await log(api, f"{ADVANCED}?{query}")
    assert (told(found), found["count"]) == (wanted, len(wanted))


async def test_users_are_named_by_their_uuids(api: Reading) -> None:
    await two_projects(api)
    me = (await api.get("/api/users/@me/", by="bob")).json()["uuid"]
    assert told(await log(api, f"{ADVANCED}?users={me}")) == [ONE[1], ONE[2]]
    assert told(await log(api, f"{LOG}?user={me}&scopes=Dashboard")) == [ONE[2]]


@pytest.mark.parametrize(
    "query",
    ["clients=x", "hogql_filter=x", "detail_filters=x", "schema=cef", "ordering=id", "users=bob",
     "start_date=monday"],
)  # fmt: skip
async def test_what_is_not_supported_is_refused_by_name(api: Reading, query: str) -> None:
    answer = await api.get(f"{ADVANCED}?{query}")
    assert (answer.status_code, answer.json()["attr"]) == (400, query.partition("=")[0])


async def test_what_is_hidden_from_a_member_is_in_no_answer(api: Reading) -> None:
    await two_projects(api)
    await api.projector.append(
        AccessGranted(INSIGHT, None, "none", None), of=Stream(StreamKind.ACCESS, TEAM, INSIGHT)
    )
    await api.projector.append(TileAdded(31, INSIGHT), of=dashboard())
    await api.projector.catch_up()
    found = await log(api, f"{ADVANCED}?all=true&ordering=created_at&follow=true", by="bob")
    assert (told(found), found["count"]) == (TILES, len(TILES))
    assert str(INSIGHT) not in str([each["detail"] for each in found["results"]])


# PostHog's Splunk add-on


@pytest.fixture
async def behind_a_proxy(postgres_url: str) -> AsyncIterator[Reading]:
    async with reading(postgres_url, proxies=TrustedProxies("*")) as api:
        yield api


class AddOn:
    """What it asks, what it checks of an answer, and what it remembers."""

    def __init__(self, api: Reading, organization_id: str, *, values: bool) -> None:
        self._api = api
        self._host = "recount.example"
        self._url = (
            f"https://{self._host}/api/organizations/{organization_id}/advanced_activity_logs/"
            "?schema=ocsf&ordering=created_at&follow=true&page_size=2"
            f"{'&include_values=true' if values else ''}&start_date=2020-01-01T00:00:00Z"
        )

    async def collect(self) -> list[dict[str, Any]]:
        """One run: page by page up to an empty one."""
        events: list[dict[str, Any]] = []
        while True:
            answer = await self._get()
            assert answer.status_code == 200, answer.text
            results = answer.json()["results"]
            following = urlsplit(answer.json()["next"])
            assert (following.scheme, following.netloc) == ("https", self._host)
            self._url = answer.json()["next"]
            if not results:
                return events
            events += results

    async def _get(self) -> httpx.Response:
        asked = urlsplit(self._url)
        return await self._api.get(
            f"{asked.path}?{asked.query}",
            headers={
                "X-Forwarded-Proto": "https",
                "X-Forwarded-Host": asked.netloc,
                "x-posthog-client": "splunk-add-on",
            },
        )


@pytest.mark.parametrize("values", [False, True])
async def test_the_splunk_add_on_collects_each_entry_once(
    behind_a_proxy: Reading, values: bool
) -> None:
    api = behind_a_proxy
    client = AddOn(api, await two_projects(api), values=values)
    events = [validated(event) for event in await client.collect()]
    entities = [(event["entity"]["type"], event["entity"]["uid"]) for event in events]
    assert entities == [
        ("Insight", "7"),
        ("Dashboard", "3"),
        ("Insight", "5"),
        ("Insight", "7"),
        ("Webhook", "wh_3"),
    ]
    times = [event["time"] for event in events]
    assert times == sorted(times)
    renamed = events[3]
    assert renamed["unmapped"] == {"changed_fields": ["name"]}
    assert renamed["actor"]["user"]["email_addr"] == "bob@example.com"
    assert renamed["entity"].get("data") == ({"name": "A"} if values else None)
    assert renamed.get("entity_result", {}).get("data") == ({"name": "AA"} if values else None)
    by_id = {each["id"]: each for each in (await log(api, f"{LOG}?page_size=1000"))["results"]}
    assert renamed["metadata"]["uid"] in by_id
    assert await client.collect() == []
    await api.projector.append(DashboardRenamed("Board", "Growth"), of=dashboard())
    await api.projector.append(InsightRenamed("BB", "B"), of=insight(5, SECOND))
    await api.projector.catch_up()
    later = await client.collect()
    assert [(event["entity"]["name"], event["activity_id"]) for event in later] == [
        ("Board", 3),
        ("BB", 3),
    ]
