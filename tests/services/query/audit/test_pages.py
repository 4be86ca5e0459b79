"""GET audit/, page by page: its shape, filters, formats, refusals."""

import csv
import io
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from contracts.chain import Link
from contracts.cursors import cursor_text, link_text
from services.common.accounts.administration import create_key
from tests import servers
from tests.contracts.ocsf.validating import validated
from tests.examples import INSIGHT
from tests.services.query.audit.auditing import get, sequences, write
from tests.services.query.streams.streaming import Streaming, streaming_service


@pytest.fixture(scope="module")
async def service(databases: servers.Databases) -> AsyncIterator[Streaming]:
    """One for all: they only read."""
    with databases.migrated() as url:
        async with streaming_service(url) as running:
            await write(running)
            await running.projector.catch_up()
            yield running


async def test_an_entry_says_who_did_what_to_what_and_how_it_is_proved(
    service: Streaming,
) -> None:
    answer = await get(service, "?after=8")
    entries = await service.entries()
    last = entries[-1]
    through = cursor_text(9, last.hash)
    assert answer.json() == {
        "entries": [
            {
                "sequence": 9,
                "position": last.position,
                "at": last.at.isoformat().replace("+00:00", "Z"),
                "type": "insight.renamed.v1",
                "version": 2,
                "item": {
                    "kind": "insight",
                    "id": INSIGHT,
                    "short_id": "aB3dE6gH",
                    "name": "Sign-ups",
                },
                "actor": {
                    "type": "user",
                    "user_id": 2,
                    "key_id": "bobs_key",
                    "first_name": "Bob",
                    "email": "bob@example.com",
                },
                "operation_id": str(last.operation_id),
                "correlation_id": str(last.correlation_id),
                "causation_id": None,
                "data": {
                    "type": "insight.renamed.v1",
                    "name": "Sign-ups",
                    "previous": "Visit to sign-up",
                },
                "erased": False,
                "hash": last.hash.hex(),
                "previous_hash": entries[-2].hash.hex(),
            }
        ],
        "through": through,
        "head": 9,
        "next": f"{service.url}/api/projects/1/audit/?after={through}",
    }
    assert answer.headers["Facts-Through"] == answer.headers["Facts-Head"] == through


async def test_things_and_people_are_called_as_they_are_today(service: Streaming) -> None:
    entries = (await get(service)).json()["entries"]
    called = [(entry["item"]["kind"], entry["item"]["name"]) for entry in entries]
    assert called == [
        ("insight", "Sign-ups"),
        ("insight", None),
        ("sharing", "Sign-ups"),
        ("viewing", "Bob"),
        ("dashboard", '=cmd()|"x"'),
        ("dashboard", '=cmd()|"x"'),
        ("access", "Sign-ups"),
        ("share_login", "Sign-ups"),
        ("insight", "Sign-ups"),
    ]
    assert entries[7]["actor"] == {"type": "system"}
    assert [entry["erased"] for entry in entries] == [False] * 9


async def test_what_no_row_tells_of_yet_is_called_as_it_was_made(postgres_url: str) -> None:
    async with streaming_service(postgres_url) as service:
        await write(service)
        entries = (await get(service)).json()["entries"]
    first = entries[0]["item"]
    assert (first["name"], first["short_id"]) == ("Visit to sign-up", "aB3dE6gH")


FOUND = {
    "": list(range(1, 10)),
    "types=insight.*": [1, 2, 9],
    "types=insight.created.v1,sharing.*": [1, 2, 3],
    "kinds=dashboard,access": [5, 6, 7],
    f"item={INSIGHT}": [1, 3, 4, 7, 8, 9],
    "item=dashboard/3": [5, 6],
    "item=insight/8": [2],
    "user=2": [4, 9],
    "user=7": [],
    "key_id=bobs_key": [9],
    "user=2&kinds=viewing": [4],
    "kinds=insight&types=sharing.*": [],
    "limit=2&after=7": [8, 9],
}


async def test_filters_choose_and_through_moves_on_over_the_rest(service: Streaming) -> None:
    told = {query: (await get(service, f"?{query}")).json() for query in FOUND}
    assert {query: sequences(each) for query, each in told.items()} == FOUND
    assert {each["through"] for each in told.values()} == {told[""]["through"]}


async def test_times_are_half_open(service: Streaming) -> None:
    at = [entry.at.isoformat().replace("+00:00", "Z") for entry in await service.entries()]

    async def found(query: str) -> list[int]:
        return sequences((await get(service, f"?{query}")).json())

    assert await found(f"from={at[2]}&to={at[5]}") == [3, 4, 5]
    assert await found(f"from={at[2]}&after=4") == [5, 6, 7, 8, 9]
    assert await found(f"to={at[0]}") == []
    assert await found("from=0001-01-01T00:00:00Z") == list(range(1, 10))
    assert await found("from=9999-12-31T23:59:59-05:00") == []
    first = (await get(service, f"?from={at[4]}&limit=1")).json()
    assert sequences(first) == [5]
    assert "from=" in first["next"]


async def test_pages_make_up_the_whole(service: Streaming) -> None:
    found: list[int] = []
    page = (await get(service, "?limit=2&kinds=insight,dashboard")).json()
    while page["entries"]:
        found += sequences(page)
        page = (await service.client.get(page["next"], headers=service.headers())).json()
    assert found == [1, 2, 5, 6, 9]


async def test_lines_are_the_entries_one_by_one(service: Streaming) -> None:
    page = (await get(service)).json()
    for answer in (
        await get(service, "?format=ndjson"),
        await get(service, accept="application/x-ndjson"),
    ):
        assert answer.headers["content-type"] == "application/x-ndjson"
        assert [json.loads(line) for line in answer.content.splitlines()] == page["entries"]
        assert answer.headers["Facts-Through"] == page["through"]
        assert (
            answer.headers["Link"]
            == f'<{answer.url.copy_merge_params({"after": page["through"]})}>; rel="next"'
        )


async def test_ocsf_events_are_valid_and_know_the_names(service: Streaming) -> None:
    answer = await get(service, "?format=ocsf")
    events = [validated(json.loads(line)) for line in answer.content.splitlines()]
    assert [event["metadata"]["sequence"] for event in events] == list(range(1, 10))
    assert [event["class_uid"] for event in events] == [
        *(3004, 3004, 3004, 3004, 3004, 3004, 3005, 3002, 3004)
    ]
    assert events[3]["entity"] == {
        "uid": str(INSIGHT),
        "type": "insight",
        "version": "1",
        "name": "Sign-ups",
        "data": {"short_id": "aB3dE6gH"},
    }
    assert events[6]["user"]["email_addr"] == "bob@example.com"
    assert events[8]["metadata"]["uid"].endswith("/1/9")


async def test_a_table_has_the_same_columns_and_no_formula(service: Streaming) -> None:
    for answer in (await get(service, "?format=csv"), await get(service, accept="text/csv")):
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        assert [row["sequence"] for row in rows] == [str(number) for number in range(1, 10)]
        assert rows[5]["item.name"] == '\'=cmd()|"x"'
        assert json.loads(rows[5]["data"])["name"] == '=cmd()|"x"'
        assert (rows[7]["actor.type"], rows[7]["actor.user_id"]) == ("system", "")
    nothing = await get(service, "?format=csv&types=webhook.*")
    assert nothing.content == answer.content.splitlines(keepends=True)[0]


WRONG = {
    **dict.fromkeys(("limit=0", "limit=x", "limit="), "limit"),
    **dict.fromkeys(("wait=x", "wait=-1"), "wait"),
    **dict.fromkeys(("format=xml", "format="), "format"),
    **dict.fromkeys(("follow=maybe", "follow=true", "follow=true&format=csv"), "follow"),
    **dict.fromkeys(("types=insigth.*", "types=insight"), "types"),
    **dict.fromkeys(("kinds=insigth", "kinds=insight,x"), "kinds"),
    **dict.fromkeys(("item=nothing0", "item=insight/", "item=?"), "item"),
    **dict.fromkeys(("user=x", "user=-1", "user=1.5"), "user"),
    **dict.fromkeys(("from=x", "from=2026-11-30", "from=2026-11-30T20:41:52"), "from"),
    **dict.fromkeys(("to=now", "follow=true&format=ocsf&to=2026-11-30T20:41:52Z"), "to"),
    **dict.fromkeys(("after=x", "after=-1", "follow=true&format=ocsf&after=x"), "after"),
}


async def test_what_is_not_as_it_must_be_is_named(service: Streaming) -> None:
    answers = {query: await get(service, f"?{query}") for query in WRONG}
    assert {query: answer.status_code for query, answer in answers.items()} == dict.fromkeys(
        WRONG, 400
    )
    assert {query: answer.json()["attr"] for query, answer in answers.items()} == WRONG


async def test_cursors_that_do_not_fit_the_log_are_refused(service: Streaming) -> None:
    for more in ("", "&format=ndjson&follow=true"):
        ahead = await get(service, f"?after=10{more}")
        assert (ahead.status_code, ahead.json()["code"]) == (409, "cursor_ahead")
        forked = await get(service, f"?after={link_text(Link(3, bytes(32)))}{more}")
        assert (forked.status_code, forked.json()["code"]) == (409, "cursor_elsewhere")


async def test_administrators_with_the_scope_may_and_nobody_else(service: Streaming) -> None:
    assert (await get(service, by="bob")).status_code == 403
    assert (await get(service, "?follow=true&format=ndjson", by="bob")).status_code == 403
    assert (await get(service, by="carol")).status_code == 403
    key = await create_key(service.projector.pool, 1, scopes=["insight:read"])

    async def asked(key: str) -> httpx.Response:
        headers: dict[str, Any] = {"Authorization": f"Bearer {key}"}
        return await service.client.get("/api/projects/1/audit/", headers=headers)

    assert (await asked(key.key)).status_code == 403
    assert (await asked("phx_nobody")).status_code == 401
    reading = await create_key(service.projector.pool, 1, scopes=["activity_log:read"])
    assert (await asked(reading.key)).status_code == 200


async def test_a_wait_and_a_head_without_news_are_empty(service: Streaming) -> None:
    assert (await get(service, "?after=now&wait=0.1")).json()["entries"] == []
    url = "/api/projects/1/audit/?follow=true&format=ocsf"
    head = await service.client.head(url, headers=service.headers())
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Facts-Head"].startswith("9-")
