"""client-compat.md, REST tools: they look up names of events and properties before they query."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4, uuid5

import msgspec
import pytest

from contracts.product_events import column_key
from tests.contracts.api.talk import Api

pytestmark = pytest.mark.anyio

MONDAY = datetime(2026, 11, 2, 8, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
async def shop(api: Api) -> Api:
    """Some events of three names, a person and a group, each with properties of their own."""
    here = api.here
    await here.happened(("$pageview", "p", MONDAY), ("$pageview", "q", MONDAY + DAY), path="/")
    await here.happened(("signed up", "p", MONDAY + DAY))
    for event, properties in (
        ("Order paid", {"amount": 5, "currency": "EUR", "gift": True, "tax.rate": 0.19}),
        ("Order paid", {"amount": 5.5, "currency": "USD", "$lib": "web", "note": 1}),
        ("Order paid", {"note": "n"}),
        ("Order paid", {"distinct_id": "p", "$initial_referrer": "r", "$group_0": "acme"}),
        ("Order paid", {"$session_entry_host": "h", "$set_once": "{}"}),
    ):
        await _captured(api, event, MONDAY, properties)
    await here.clickhouse.insert(
        "persons",
        {
            "team_id": [here.project.id] * 2,
            "person_id": [uuid4(), uuid4()],
            "properties": [
                '{"email": "a@example.com", "age": 40, "$initial_referrer": "r"}',
                '{"gone": 1}',
            ],
            "sent": ["{}", "{}"],
            "is_identified": [True, True],
            "created_at": [MONDAY] * 2,
            "deleted": [False, True],
            "version": [1, 1],
        },
    )
    await here.clickhouse.insert(
        "groups",
        {
            "team_id": [here.project.id],
            "group_type_index": [1],
            "group_key": ["acme"],
            "properties": ['{"seats": 12}'],
            "sent": ["{}"],
            "created_at": [MONDAY],
            "version": [1],
        },
    )
    return api


async def _captured(api: Api, event: str, at: datetime, properties: dict[str, Any]) -> None:
    stored = {column_key(key): value for key, value in properties.items()}
    await api.here.clickhouse.insert(
        "events",
        {
            "team_id": [api.here.project.id],
            "event": [event],
            "timestamp": [at],
            "uuid": [uuid4()],
            "distinct_id": ["p"],
            "person_id": [uuid5(UUID(int=1), "p")],
            "properties": [msgspec.json.encode(stored).decode()],
            "sent": ["{}"],
            "inserted_at": [at],
        },
    )


async def names(api: Api, request: str) -> list[str]:
    answer = await api(f"GET {request}")
    answer.says(200)
    return [each["name"] for each in answer["results"]]


async def test_events_are_listed_by_the_day_they_were_last_seen_on(shop: Api) -> None:
    answer = await shop("GET event_definitions/")
    answer.says(200, count=3, next=None, previous=None)
    assert [each["name"] for each in answer["results"]] == ["$pageview", "signed up", "Order paid"]
    answer.says(200, results__0__last_seen_at="2026-11-03T08:00:00.000000Z", results__2__tags=[])
    answer.says(
        200, results__2__created_at="2026-11-02T08:00:00.000000Z", results__2__verified=False
    )
    assert len({UUID(each["id"]) for each in answer["results"]}) == 3
    again = await shop("GET event_definitions/")
    assert again.body == answer.body


async def test_events_are_found_by_words_in_any_order_and_case(shop: Api) -> None:
    assert await names(shop, "event_definitions/?search=paid+ORDER") == ["Order paid"]
    assert await names(shop, "event_definitions/?search=paid+signed") == []
    assert len(await names(shop, "event_definitions/?search=")) == 3


async def test_events_come_in_pages(shop: Api) -> None:
    first = await shop("GET event_definitions/?limit=2")
    first.says(200, count=3)
    assert "limit=2" in first["next"]
    assert "offset=2" in first["next"]
    assert await names(shop, "event_definitions/?limit=2&offset=2") == ["Order paid"]
    beyond = await shop("GET event_definitions/?offset=9")
    beyond.says(200, count=3, results=[], next=None)


async def test_an_event_is_found_by_its_id_and_by_its_whole_name(shop: Api) -> None:
    page = await shop("GET event_definitions/")
    assert len(page["results"]) == 3
    for listed in page["results"]:
        by_id = await shop(f"GET event_definitions/{listed['id']}/")
        by_name = await shop(f"GET event_definitions/by_name/?name={quote(listed['name'])}")
        assert (by_id.status, by_id.body) == (by_name.status, by_name.body) == (200, listed)
    part = await shop("GET event_definitions/by_name/?name=Order")
    part.refuses(404, "not_found", "Event definition with name 'Order' not found")
    (await shop("GET event_definitions/by_name/")).refuses(400, "required", attr="name")


async def test_a_property_is_found_by_its_id_whoevers_it_is(shop: Api) -> None:
    for owner, many in (("event", 7), ("person", 3), ("group&group_type_index=1", 1)):
        page = await shop(f"GET property_definitions/?type={owner}")
        assert len(page["results"]) == many, owner
        for listed in page["results"]:
            found = await shop(f"GET property_definitions/{listed['id']}/")
            assert (found.status, found.body) == (200, listed)


@pytest.mark.parametrize("kind", ["event_definitions", "property_definitions"])
async def test_a_definition_that_is_not_or_is_elsewhere_is_not_found(shop: Api, kind: str) -> None:
    (listed, *_) = (await shop(f"GET {kind}/"))["results"]
    for id_ in (uuid4(), "undefined"):
        (await shop(f"GET {kind}/{id_}/")).refuses(404, "not_found")
    eve = await shop.stranger()
    elsewhere = await shop(f"GET {shop.elsewhere}{kind}/{listed['id']}/", by=eve)
    elsewhere.refuses(404, "not_found")


async def test_properties_are_listed_by_name_with_their_types(shop: Api) -> None:
    answer = await shop("GET property_definitions/")
    kinds = {each["name"]: each["property_type"] for each in answer["results"]}
    assert kinds == {
        "$lib": "String",
        "amount": "Numeric",
        "currency": "String",
        "gift": "Boolean",
        "note": "String",
        "path": "String",
        "tax.rate": "Numeric",
    }
    assert list(kinds) == sorted(kinds)
    seen = {each["is_seen_on_filtered_events"] for each in answer["results"]}
    assert seen == {None}


@pytest.mark.parametrize("named", ["%5B%22$pageview%22%5D", "$pageview"], ids=("list", "name"))
async def test_properties_are_told_of_events(shop: Api, named: str) -> None:
    answer = await shop(f"GET property_definitions/?event_names={named}")
    seen = [each["name"] for each in answer["results"] if each["is_seen_on_filtered_events"]]
    assert (answer["count"], seen) == (7, ["path"])
    only = f"property_definitions/?event_names={named}&filter_by_event_names=True"
    assert await names(shop, only) == ["path"]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("is_numerical=true", ["amount", "tax.rate"]),
        ("is_numerical=false&exclude_core_properties=1", ["currency", "gift", "note", "path"]),
        ("properties=gift,note,none", ["gift", "note"]),
        ("properties=gift,note&excluded_properties=%5B%22note%22%5D", ["gift"]),
        ("search=RATE", ["tax.rate"]),
        ("type=person", ["$initial_referrer", "age", "email"]),
        ("type=group&group_type_index=1", ["seats"]),
        ("type=group&group_type_index=0", []),
        ("type=session", []),
    ],
)
async def test_properties_are_chosen(shop: Api, asked: str, found: list[str]) -> None:
    assert await names(shop, f"property_definitions/?{asked}") == found


async def test_properties_of_nothing_known_are_refused(shop: Api) -> None:
    answer = await shop("GET property_definitions/?type=planet")
    answer.refuses(400, "invalid_choice", '"planet" is not a valid choice.', attr="type")


async def test_definitions_of_another_project_are_its_own(shop: Api) -> None:
    eve = await shop.stranger()
    for kind in ("event_definitions", "property_definitions"):
        answer = await shop(f"GET {shop.elsewhere}{kind}/", by=eve)
        answer.says(200, count=0, results=[])
