"""Who came to a shop and how far they got, with records, spoken to over HTTP."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID, uuid5

import msgspec
from httpx import Response

from contracts.product_events import property_texts
from tests.whole import PERSONS, Whole

NOON = datetime(2024, 1, 10, 12, tzinfo=UTC)
DATES = {"date_from": "2024-01-10", "date_to": "2024-01-16"}
SIGN_UP: dict[str, Any] = {
    "events": [{"id": "signed_up", "order": 0}, {"id": "paid", "order": 1}],
    **DATES,
}
NODE: dict[str, Any] = {
    "kind": "FunnelsQuery",
    "series": [
        {"kind": "EventsNode", "event": "signed_up"},
        {"kind": "EventsNode", "event": "paid"},
    ],
    "dateRange": DATES,
}
TRENDS = {"funnel_viz_type": "trends"}


class Event(msgspec.Struct, frozen=True):
    """hours: after NOON."""

    name: str
    who: str
    hours: float
    properties: Mapping[str, Any] = {}
    groups: Sequence[str] = ()


def person_id(name: str) -> UUID:
    return uuid5(PERSONS, name)


async def happened(
    whole: Whole, *events: Event, stored_after: timedelta = timedelta(), at_now: bool = False
) -> None:
    """As rows; the uuid of an event is made of what it is. stored_after: so long after it happened.

    at_now: hours are after now.
    """
    start = datetime.now(UTC) if at_now else NOON
    times = [start + timedelta(hours=event.hours) for event in events]
    texts = [property_texts(dict(event.properties)) for event in events]
    columns: dict[str, list[Any]] = {
        "team_id": [whole.project.id for _ in events],
        "event": [event.name for event in events],
        "timestamp": times,
        "uuid": [event_id(event) for event in events],
        "distinct_id": [event.who for event in events],
        "person_id": [person_id(event.who) for event in events],
        "group_0": [event.groups[0] if event.groups else "" for event in events],
        "properties": [stored for stored, _ in texts],
        "sent": [sent or stored for stored, sent in texts],
        "inserted_at": [at + stored_after for at in times],
    }
    await whole.clickhouse.insert("events", columns)


def event_id(event: Event) -> UUID:
    return uuid5(PERSONS, f"{event.name} {event.who} {event.hours}")


async def known(whole: Whole, **persons: Mapping[str, Any]) -> None:
    """Records of persons, by their one distinct id: in both databases, as the projector does."""
    team = whole.project.id
    async with whole.pool.connection() as conn:
        for name, properties in persons.items():
            await conn.execute(
                "INSERT INTO persons VALUES (%s, %s, %s, true, %s, 1)",
                (team, person_id(name), msgspec.json.encode(properties).decode(), NOON),
            )
            await conn.execute(
                "INSERT INTO person_distinct_ids VALUES (%s, %s, %s, 1)",
                (team, name, person_id(name)),
            )
    texts = [property_texts(dict(properties)) for properties in persons.values()]
    await whole.clickhouse.insert(
        "persons",
        {
            "team_id": [team for _ in persons],
            "person_id": [person_id(name) for name in persons],
            "properties": [stored for stored, _ in texts],
            "sent": [sent or stored for stored, sent in texts],
            "is_identified": [True for _ in persons],
            "created_at": [NOON for _ in persons],
            "deleted": [False for _ in persons],
            "version": [1 for _ in persons],
        },
    )


async def merged(whole: Whole, name: str, into: str) -> None:
    """`name` is part of `into` from now on."""
    team, old, new = whole.project.id, person_id(name), person_id(into)
    async with whole.pool.connection() as conn:
        await conn.execute("INSERT INTO person_overrides VALUES (%s, %s, %s, 2)", (team, old, new))
        await conn.execute("DELETE FROM persons WHERE person_id = %s", (old,))
        await conn.execute(
            "UPDATE person_distinct_ids SET person_id = %s, version = 2 WHERE person_id = %s",
            (new, old),
        )
    row: dict[str, list[Any]] = {
        "team_id": [team],
        "person_id": [old],
        "target_id": [new],
        "version": [2],
    }
    await whole.clickhouse.insert("person_overrides", row)


async def funnel(whole: Whole, **filters: Any) -> dict[str, Any]:
    answer = await whole.client.post(f"{whole.insights}funnel/", json={**SIGN_UP, **filters})
    return ok(answer)


async def people(whole: Whole, **filters: Any) -> dict[str, Any]:
    answer = await whole.client.post(f"{whole.root}persons/funnel/", json={**SIGN_UP, **filters})
    return ok(answer)


async def everybody(whole: Whole, url: str) -> list[dict[str, Any]]:
    """All that a URL of an answer leads to, page after page."""
    found: list[dict[str, Any]] = []
    following: str | None = url
    while following is not None:
        page = ok(await whole.client.get(following))
        found += page["results"][0]["people"]
        following = page["next"]
    return found


def ok(answer: Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def names(page: Mapping[str, Any]) -> set[str]:
    return {one["name"] for one in page["results"][0]["people"]}


def parameters(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
