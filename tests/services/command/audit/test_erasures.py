"""Erasures as owners ask for them: what is refused, what is tried, and what becomes of one."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from contracts.events.recorded import UserActor
from contracts.events.streams import erasure_stream
from services.common.accounts import administration
from services.common.log.proving import verify
from services.common.log.store import EventStore
from services.common.postgres import erasures
from tests.services.command.audit.asking import TEXT, Asking, Killed

NOBODY: dict[str, Any] = {"reason": "x", "users": []}


async def test_only_owners_may(asking: Asking) -> None:
    await asking.insight(name=TEXT)
    async with asking.world.pool.connection() as conn:
        await conn.execute("UPDATE organization_members SET level = 8")
    for method, path in (
        ("POST", "audit/erasures/"),
        ("GET", "audit/erasures/"),
        ("GET", "audit/erasures/1/"),
        ("POST", "audit/holds/"),
        ("GET", "audit/holds/"),
        ("DELETE", "audit/holds/1/"),
    ):
        body = {"text": TEXT, "reason": "x"}
        answer = await asking.world.client.request(method, f"{asking.root}{path}", json=body)
        assert answer.status_code == 403, (method, path)


async def test_a_key_needs_the_scope(asking: Asking) -> None:
    await asking.insight(name=TEXT)
    headers = await asking.world.key_with("activity_log:read", "insight:write")
    answer = await asking.post("audit/erasures/", {"text": TEXT}, headers=headers)
    assert answer.status_code == 403


UNREADABLE: list[tuple[dict[str, Any], str]] = [
    ({}, "entries"),
    ({"entries": [1], "text": "abc"}, "text"),
    ({"entries": []}, "entries"),
    ({"entries": [0]}, "entries"),
    ({"entries": ["x"]}, "entries"),
    ({"text": "ab"}, "text"),
    ({"text": 3}, "text"),
    ({"user": "x"}, "user"),
    ({"person": ""}, "person"),
    ({"text": TEXT, "reason": "x" * 201}, "reason"),
]


async def test_what_can_not_be_read_is_named(asking: Asking) -> None:
    await asking.insight(name=TEXT)
    for asked, attr in UNREADABLE:
        answer = await asking.post("audit/erasures/", asked)
        assert (answer.status_code, answer.json()["attr"]) == (400, attr), answer.text
    for sent, attr in (({}, "reason"), ({"reason": ""}, "reason"), (NOBODY, "users")):
        answer = await asking.post("audit/holds/", sent)
        assert (answer.status_code, answer.json()["attr"]) == (400, attr), answer.text


async def test_what_is_nowhere_is_not_found(asking: Asking) -> None:
    await asking.insight(name="Harmless")
    for asked in ({"entries": [1, 99]}, {"text": TEXT}, {"user": 999}, {"person": "nobody"}):
        await asking.refused(404, "not_found", **asked)
    answer = await asking.world.client.get(f"{asking.root}audit/erasures/999/")
    assert answer.status_code == 404


async def test_an_entry_without_contents_has_nothing_to_erase(asking: Asking) -> None:
    number = await asking.insight(name=TEXT)
    await asking.post(f"insights/{number}/viewed/", None)
    body = await asking.refused(400, "invalid_input", entries=[2])
    assert body["attr"] == "entries"


async def test_entries_that_say_the_same_are_named_unless_only_these_are_meant(
    asking: Asking,
) -> None:
    number = await asking.insight(name="First")
    one = f"{asking.root}insights/{number}/"
    await asking.world.client.patch(one, json={"name": TEXT})
    await asking.world.client.patch(one, json={"name": "Third"})
    body = await asking.refused(409, "also_in", entries=[2])
    assert body["also_in"] == [1, 3]
    body = await asking.refused(409, "also_in", entries=[1, 2])
    assert body["also_in"] == [3]
    assert await asking.asked(entries=[2], only=True)
    assert await asking.asked(entries=[1, 2, 3])


async def test_a_dry_run_tells_what_would_go_and_does_nothing(asking: Asking) -> None:
    number = await asking.insight(name="First", description=TEXT.upper())
    await asking.world.client.patch(f"{asking.root}insights/{number}/", json={"tags": [TEXT]})
    answer = await asking.post("audit/erasures/?dry_run=true", {"text": TEXT})
    assert answer.status_code == 200
    assert [(e["sequence"], e["type"], e["fields"]) for e in answer.json()["entries"]] == [
        (1, "insight.created.v1", ["name", "description"]),
        (2, "insight.tagged.v1", ["tags"]),
    ]
    assert answer.json()["entries"][0]["subject"] == f"insight/{number}"
    assert answer.json()["places"][0] == "log"
    assert await asking.get("audit/erasures/") == {"results": [], "next": None}
    await asking.go_on()
    assert await asking.log_has(TEXT)


async def test_an_erasure_becomes_logical_and_is_its_own_receipt(asking: Asking) -> None:
    await asking.insight(name=TEXT)
    await asking.insight(name="Other")
    number = await asking.asked(text=TEXT, reason="She asked.")
    body = await asking.get(f"audit/erasures/{number}/")
    assert (body["state"], body["waits_for"], body["reason"]) == ("requested", "log", "She asked.")
    await asking.go_on()
    assert not await asking.log_has(TEXT)
    body = await asking.get(f"audit/erasures/{number}/")
    assert (body["state"], body["waits_for"]) == ("requested", "rows")
    await asking.project()
    await asking.go_on()
    body = await asking.get(f"audit/erasures/{number}/")
    assert body["state"] == "logical"
    assert body["waits_for"] is None
    assert [each["state"] for each in body["states"]] == ["requested", "logical"]
    assert body["requested_by"]["id"] == asking.world.user_id
    (entry,) = body["entries"]
    assert (entry["sequence"], entry["type"]) == (1, "insight.created.v1")
    assert entry["fields"] == ["name"]
    assert body["counts"]["log"] == 1
    assert any("Backups" in each for each in body["remains"])
    assert (await asking.get("audit/erasures/"))["results"] == [body]


async def test_what_is_to_go_is_gone_from_its_own_row_and_never_was_in_the_log(
    asking: Asking,
) -> None:
    await asking.insight(name=TEXT)
    number = await asking.asked(text=TEXT.lower(), reason="She asked.")
    task = await erasures.one(asking.world.pool, number)
    assert task is not None
    assert task.subject.text == TEXT.lower()
    async with asking.world.pool.connection() as conn:
        cursor = await conn.execute("SELECT convert_from(state, 'UTF8') FROM log")
        facts = [text for (text,) in await cursor.fetchall()]
    assert sum(TEXT.casefold() in text.casefold() for text in facts) == 1
    await asking.project()
    await asking.go_on()
    await asking.project()
    await asking.go_on()
    task = await erasures.one(asking.world.pool, number)
    assert task is not None
    assert (task.state, task.subject_text) == ("logical", None)


async def test_the_chain_holds_before_and_after(asking: Asking) -> None:
    number = await asking.insight(name=TEXT)
    await asking.world.client.patch(f"{asking.root}insights/{number}/", json={"name": "B"})
    before = [each async for each in verify(asking.url)][-1]
    await asking.asked(text=TEXT)
    await asking.go_on()
    after = [each async for each in verify(asking.url)][-1]
    assert not await asking.log_has(TEXT)
    assert before != after


PLACES = ("log", "project", "rows", "stream", "webhooks", "results")


@pytest.mark.parametrize("point", ["locked", "judged", "committed", *PLACES])
async def test_whoever_dies_between_two_places_another_goes_on(asking: Asking, point: str) -> None:
    number = await asking.insight(name=TEXT)
    await asking.world.client.patch(f"{asking.root}insights/{number}/", json={"name": "B"})
    erasure = await asking.asked(text=TEXT)
    with pytest.raises(Killed):
        await asking.again_and_again(crash=point)
    assert await asking.log_has(TEXT) == (point in ("locked", "judged"))
    for _ in range(2):
        await asking.go_on()
        await asking.project()
    body = await asking.get(f"audit/erasures/{erasure}/")
    assert body["state"] == "logical"
    assert [entry["sequence"] for entry in body["entries"]] == [1, 2]
    assert not await asking.log_has(TEXT)
    assert [each async for each in verify(asking.url)]


async def test_a_place_that_fails_is_told_and_taken_up_again(asking: Asking) -> None:
    await asking.insight(name=TEXT)
    number = await asking.asked(text=TEXT)
    async with asking.world.pool.connection() as conn:
        await conn.execute("ALTER TABLE results RENAME TO hidden")
    await asking.go_on()
    await asking.project()
    await asking.go_on()
    body = await asking.get(f"audit/erasures/{number}/")
    assert (body["state"], body["failed"]["place"]) == ("failed", "results")
    assert "results" in body["failed"]["reason"]
    async with asking.world.pool.connection() as conn:
        await conn.execute("ALTER TABLE hidden RENAME TO results")
    await asking.go_on()
    assert (await asking.get(f"audit/erasures/{number}/"))["state"] == "failed"
    await erasures.resume(asking.world.pool, number)
    await asking.go_on()
    assert (await asking.get(f"audit/erasures/{number}/"))["state"] == "logical"


async def test_what_receivers_answered_goes_once_none_is_on_its_way(asking: Asking) -> None:
    await asking.insight(name=TEXT)
    async with asking.world.pool.connection() as conn:
        await conn.execute("INSERT INTO webhook_ids (id, team_id) VALUES (7, 1), (8, 2)")
        for webhook, sequence, response in (
            (7, 1, "ok"),
            (7, 5, f"got {TEXT.upper()}"),
            (7, 6, "else"),
            (8, 1, "another project's"),
        ):
            await conn.execute(
                "INSERT INTO webhook_attempts"
                " (webhook_id, sequence, lane, at, duration_ms, state, response)"
                " VALUES (%s, %s, 'insight/1', now(), 1, 'delivered', %s)",
                (webhook, sequence, response),
            )
        await conn.execute(
            "INSERT INTO webhook_pending (webhook_id, replay, sequence, lane)"
            " VALUES (7, 0, 1, 'insight/1')"
        )
    number = await asking.asked(text=TEXT)
    await asking.go_on(waiting=timedelta(hours=1))
    await asking.project()
    await asking.go_on(waiting=timedelta(hours=1))
    assert (await asking.get(f"audit/erasures/{number}/"))["waits_for"] == "webhooks"
    async with asking.world.pool.connection() as conn:
        await conn.execute("DELETE FROM webhook_pending")
    await asking.go_on(waiting=timedelta(hours=1))
    body = await asking.get(f"audit/erasures/{number}/")
    assert (body["state"], body["counts"]["webhooks"]) == ("logical", 2)
    async with asking.world.pool.connection() as conn:
        cursor = await conn.execute("SELECT response FROM webhook_attempts ORDER BY number")
        answers = [response for (response,) in await cursor.fetchall()]
    assert answers == [None, None, "else", "another project's"]


async def test_a_projects_first_name_goes_and_a_webhooks_url_is_changed_first(
    asking: Asking,
) -> None:
    pool, team_id = asking.world.pool, asking.world.project.id
    async with pool.connection() as conn:
        await conn.execute("UPDATE projects SET name = %s WHERE id = %s", (TEXT, team_id))
        await conn.execute(
            "INSERT INTO webhook_secrets (team_id, webhook_id, url) VALUES (%s, 7, %s)",
            (team_id, f"https://example.com/{TEXT}"),
        )
    refused = await asking.refused(409, "in_use", text=TEXT)
    assert "wh_7" in refused["detail"]
    async with pool.connection() as conn:
        await conn.execute("DELETE FROM webhook_secrets")
    number = await asking.asked(text=TEXT)
    await asking.again_and_again()
    body = await asking.get(f"audit/erasures/{number}/")
    assert (body["state"], body["entries"]) == ("logical", [])
    assert body["counts"]["project"] == 1
    async with pool.connection() as conn:
        cursor = await conn.execute("SELECT name FROM projects WHERE id = %s", (team_id,))
        assert await cursor.fetchone() == ("[erased]",)


async def test_an_entry_of_a_newer_version_stops_what_may_concern_it(asking: Asking) -> None:
    await asking.insight(name=TEXT)
    async with asking.world.pool.connection() as conn:
        await conn.execute("UPDATE log SET topic = 'insight.created.v9'")
        await conn.execute(
            "UPDATE log SET state = convert_to(replace(convert_from(state, 'UTF8'), '.v1', '.v9'),"
            " 'UTF8')"
        )
    await asking.refused(409, "unreadable", text=TEXT)
    await asking.refused(409, "unreadable", entries=[1])


async def test_a_request_whose_process_died_before_the_log_had_it_is_forgotten(
    asking: Asking,
) -> None:
    pool, world = asking.world.pool, asking.world
    subject = erasures.Subject(text=TEXT)
    actor = msgspec.json.encode(UserActor(world.user_id)).decode()
    number = await erasures.make(pool, world.project.id, "text", subject, actor, uuid4(), uuid4())
    await asking.insight(name=TEXT)
    await asking.go_on()
    assert await asking.log_has(TEXT)
    async with pool.connection() as conn:
        await conn.execute("UPDATE erasures SET made_at = now() - interval '1 hour'")
    await asking.go_on()
    assert await erasures.one(pool, number) is None


async def test_a_request_that_is_in_the_log_is_done_though_nobody_said_so(asking: Asking) -> None:
    await asking.insight(name=TEXT)
    number = await asking.asked(text=TEXT)
    async with asking.world.pool.connection() as conn:
        await conn.execute("UPDATE erasures SET asked = false")
    await asking.go_on()
    task = await erasures.one(asking.world.pool, number)
    assert task is not None
    assert task.asked
    assert not await asking.log_has(TEXT)


async def test_a_second_process_leaves_an_erasure_to_the_first(asking: Asking) -> None:
    await asking.insight(name=TEXT)
    number = await asking.asked(text=TEXT)
    await asyncio.gather(*(asking.go_on() for _ in range(3)))
    stream = erasure_stream(asking.world.project.id, number)
    async with EventStore.open(asking.url) as store:
        assert len(await store.load(stream)) == 2


async def test_another_project_has_erasures_and_holds_of_its_own(asking: Asking) -> None:
    await asking.insight(name=TEXT)
    number = await asking.asked(text=TEXT)
    organization = asking.world.foreign.organization_id
    await administration.create_user(asking.world.pool, "ada@example.com", organization, level=15)
    elsewhere = f"/api/projects/{asking.world.foreign.id}/audit/"
    async with asking.world.pool.connection() as conn:
        await conn.execute("NOTIFY recount_accounts, 'users'")
    client = asking.world.client
    assert (await client.get(f"{elsewhere}erasures/{number}/")).status_code == 404
    assert (await client.get(f"{elsewhere}erasures/")).json()["results"] == []
    assert (await client.post(f"{elsewhere}erasures/", json={"text": TEXT})).status_code == 404
