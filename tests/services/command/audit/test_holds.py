"""Legal holds: what they cover is not erased."""

from services.common.postgres import erasures
from tests.services.command.audit.asking import TEXT, Asking


async def test_a_hold_keeps_what_it_covers(asking: Asking) -> None:
    number, user_id = await asking.insight(name=TEXT), asking.world.user_id
    for hold in ({}, {"insights": [number]}, {"users": [user_id, 98_765]}):
        made = await asking.post("audit/holds/", {"reason": "A lawsuit", **hold})
        assert made.status_code == 201, made.text
        body = made.json()
        assert (body["reason"], body["lifted_at"]) == ("A lawsuit", None)
        assert body["placed_by"]["id"] == user_id
        assert (await asking.get("audit/holds/"))["results"][0] == body
        refused = await asking.refused(409, "held", text=TEXT)
        assert refused["hold_id"] == body["id"]
        for status in (204, 404):
            url = f"{asking.root}audit/holds/{body['id']}/"
            assert (await asking.world.client.delete(url)).status_code == status
        assert (await asking.get("audit/holds/"))["results"][0]["lifted_at"] is not None
    for elsewhere in ({"insights": [98_765]}, {"users": [98_765]}):
        await asking.post("audit/holds/", {"reason": "Another", **elsewhere})
    assert await asking.asked(text=TEXT)


async def test_a_hold_that_comes_after_the_request_stops_it(asking: Asking) -> None:
    await asking.insight(name=TEXT)
    number = await asking.asked(text=TEXT)
    hold = (await asking.post("audit/holds/", {"reason": "A lawsuit"})).json()["id"]
    await asking.go_on()
    body = await asking.get(f"audit/erasures/{number}/")
    assert (body["state"], body["failed"]["place"]) == ("failed", "log")
    assert await asking.log_has(TEXT)
    await asking.world.client.delete(f"{asking.root}audit/holds/{hold}/")
    await erasures.resume(asking.world.pool, number)
    await asking.go_on()
    assert not await asking.log_has(TEXT)
