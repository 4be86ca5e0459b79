"""Through which door somebody has read: shares, embeds, pages, and streams that go on."""

from pathlib import Path

from contracts.events.insight import InsightRenamed
from tests.services.query.reads_trail.rows import recorded
from tests.services.query.streams.streaming import streaming_service
from tests.whole import Whole


async def test_visitors_are_told_by_the_number_of_their_token(whole: Whole) -> None:
    made = await whole.create(name="A")
    one = f"{whole.insights}{made['id']}/"
    shared = await whole.client.patch(f"{one}sharing/", json={"enabled": True})
    token = shared.json()["access_token"]
    nobody = {"Authorization": ""}
    for path in (
        f"/shared/{token}",
        f"/shared/{token}.json",
        f"/embedded/{token}",
        f"{one}?sharing_access_token={token}",
        f"{whole.insights}777/?sharing_access_token={token}",
        "/shared/unknown",
    ):
        await whole.client.get(path, headers=nobody)
    rows = await recorded(whole.pool, 5)
    assert [(row["surface"], row["what"], row["status"]) for row in rows] == [
        ("share", "insight", 200),
        ("share", "insight_document", 200),
        ("embed", "insight", 200),
        ("share", "insight", 200),
        ("share", "insight", 404),
    ]
    (number,) = {row["token_id"] for row in rows}
    assert number is not None
    assert {(row["actor"], row["unlocked"], row["user_id"]) for row in rows} == {
        ("visitor", False, None)
    }
    assert all(row["items"] == [made["id"]] for row in rows)
    assert all(token not in str(row) for row in rows)


async def test_a_locked_share_is_read_once_it_is_opened(whole: Whole) -> None:
    made = await whole.create(name="A")
    sharing = f"{whole.insights}{made['id']}/sharing/"
    shared = await whole.client.patch(sharing, json={"enabled": True, "password_required": True})
    await whole.client.post(f"{sharing}passwords/", json={"raw_password": "correct horse"})
    token = shared.json()["access_token"]
    nobody = {"Authorization": ""}
    form = await whole.client.get(f"/shared/{token}", headers=nobody)
    assert form.status_code == 200
    refused = await whole.client.get(f"/shared/{token}.json", headers=nobody)
    assert refused.status_code == 401
    opened = await whole.client.post(
        f"/shared/{token}", data={"password": "correct horse"}, headers=nobody
    )
    cookies = {"Cookie": opened.headers["set-cookie"].partition(";")[0], **nobody}
    assert (await whole.client.get(f"/shared/{token}", headers=cookies)).status_code == 200
    (row,) = await recorded(whole.pool, 1)
    assert (row["surface"], row["unlocked"]) == ("share", True)


async def test_a_stream_is_told_as_it_begins_and_what_it_has_sent(
    postgres_url: str, tmp_path: Path
) -> None:
    async with streaming_service(postgres_url, reads_spool=str(tmp_path)) as service:
        for name in ("A", "B"):
            await service.projector.append(InsightRenamed(name=name, previous=None))
        async with service.stream("?after=0") as heard:
            await heard.facts(2)
            (begun,) = await recorded(service.projector.pool, 1)
            assert (begun["surface"], begun["what"], begun["items"]) == (
                "stream",
                "facts_stream",
                [],
            )
        rows = await recorded(service.projector.pool, 2)
        assert rows[1]["items"] == [1, 2]
        assert (await service.get("?after=1")).status_code == 200
        assert (await recorded(service.projector.pool, 3))[2]["items"] == [2, 2]
