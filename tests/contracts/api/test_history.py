"""What is taken back, and the past, as clients see them over the whole server."""

import asyncio
from typing import Any
from urllib.parse import urlsplit

from tests.contracts.api.talk import Answer, Api


async def told(api: Api, insight: int, after: Answer) -> tuple[Any, Any]:
    """The newest version's trigger, and the newest entry's."""
    version = await seen(api, f"GET insights/{insight}/versions/?limit=1", after)
    entry = await seen(api, f"GET insights/{insight}/activity/?limit=1", after)
    version.says(200)
    return version["results"][0]["trigger"], entry["results"][0]["detail"]["trigger"]


async def changed(api: Api, request: str, body: Any) -> str:
    """The operation of a command; every later read has seen it."""
    answer = await api(request, body)
    answer.says(200)
    return answer.headers["Insights-Operation"]


async def seen(api: Api, request: str, answer: Answer) -> Answer:
    position = answer.headers["Insights-Position"]
    return await api(request, headers={"Insights-Position": position})


async def test_undo_revert_and_bulk_say_what_led_to_them(api: Api) -> None:
    insight = (await api.insight(name="A"))["id"]
    renamed = await changed(api, f"PATCH insights/{insight}/", {"name": "B"})
    undone = await api(f"POST operations/{renamed}/undo/", {})
    undone.says(200, undone=[renamed], changes__0__sentences=['Renamed from "B" to "A".'])
    by = undone["operation_id"]
    first = await seen(api, f"GET operations/{renamed}/", undone)
    first.says(200, undone_by=[by], undoable=True, trigger=None)
    trigger = {"job_type": "undo", "job_id": renamed, "payload": {}}
    (await api(f"GET operations/{by}/")).says(200, trigger=trigger, undone_by=[])
    assert await told(api, insight, undone) == (trigger, trigger)
    reverted = await api(f"POST insights/{insight}/revert/", {"to": "v2"})
    reverted.says(200, name="B")
    trigger = {"job_type": "revert", "job_id": "v2", "payload": {}}
    await seen(api, f"GET operations/{reverted.headers['Insights-Operation']}/", reverted)
    assert await told(api, insight, reverted) == (trigger, trigger)
    sent = {"ids": [insight], "set": {"favorited": True}}
    bulk = await api("POST insights/bulk/", sent)
    trigger = {"job_type": "bulk", "job_id": bulk["operation_id"], "payload": {}}
    (await seen(api, f"GET operations/{bulk['operation_id']}/", bulk)).says(200, trigger=trigger)
    assert await told(api, insight, bulk) == (trigger, trigger)


async def test_the_past_is_asked_for_in_every_way_of_the_present(api: Api) -> None:
    made = await api.insight(name="A", tags=["corner"])
    insight, short = made["id"], made["short_id"]
    await changed(api, f"PATCH insights/{insight}/", {"name": "B"})
    alias = f"/api/environments/{api.here.project.id}/insights"
    then = await api(f"GET insights/{insight}/?as_of=v2")
    for path in (f"insights/{short}/", f"insights/{insight}", f"{alias}/{insight}/"):
        # Inside the operation that made and tagged it.
        (await api(f"GET {path}?as_of=v1")).refuses(404, "not_found")
        then = await api(f"GET {path}?as_of=v2")
        then.says(200, id=insight, name="A")
        assert then.headers["ETag"].startswith('"2')
    kept = {"If-None-Match": then.headers["ETag"]}
    again = await api(f"GET insights/{insight}/?as_of=v2", headers=kept)
    assert (again.status, again.headers["Insights-As-Of"]) == (
        304,
        then.headers["Insights-As-Of"],
    )
    head = await api(f"HEAD insights/{insight}/?as_of=v2")
    assert (head.status, head.headers["ETag"]) == (200, then.headers["ETag"])
    at = then.headers["Insights-As-Of"]
    table = await api(f'GET insights/?as_of={at}&tags=["corner"]', headers={"Accept": "text/csv"})
    assert table.status == 200
    assert table.headers["content-type"].startswith("text/csv")
    assert table.headers["Insights-As-Of"] == at
    for path, code in (
        (f"insights/?as_of=p{10**9}", "as_of_ahead"),
        (f"insights/{insight}/?as_of=2999-01-01", "as_of_ahead"),
        (f"insights/{insight}/viewers/?as_of=v1", "as_of_unsupported"),
        (f"insights/{insight}/versions/?as_of=p1", "as_of_unsupported"),
    ):
        await refuses(api, f"GET {path}", code)
    await refuses(api, f"PATCH insights/{insight}/?as_of=v1", "as_of_unsupported")


async def refuses(api: Api, request: str, code: str) -> None:
    answer = await api(request, {"name": "C"} if request.startswith("PATCH") else None)
    answer.refuses(400, code, attr="as_of", type="invalid_request")


async def test_a_deleted_insight_is_compared_and_a_hidden_one_is_not(api: Api) -> None:
    insight = (await api.insight(name="A"))["id"]
    gone = await api(f"PATCH insights/{insight}/", {"deleted": True})
    diff = await seen(api, f"GET insights/{insight}/diff/", gone)
    diff.says(200, sentences=["Deleted."])
    back = await api(f"GET insights/{insight}/diff/?from=now&to=v1")
    back.says(200, sentences=["Restored."])
    eve = await api.stranger()
    for path in ("versions/", "versions/1/", "diff/", "?as_of=v1"):
        (await api(f"GET insights/{insight}/{path}", by=eve)).refuses(403, "permission_denied")


async def test_pages_are_of_one_state_while_eight_writers_write(api: Api) -> None:
    tag = "walked"
    made = [(await api.insight(name=f"{n:02}", tags=[tag]))["id"] for n in range(24)]
    last = await api(f"PATCH insights/{made[0]}/", {"description": "Last."})
    position = last.headers["Insights-Position"]
    writing = True

    async def write(own: list[int]) -> int:
        written = 0
        while writing:
            for insight in own:
                name = {"name": f"{99 - insight % 50}-{written}"}
                (await api(f"PATCH insights/{insight}/", name)).says(200)
                written += 1
        return written

    writers = [asyncio.create_task(write(made[n::8])) for n in range(8)]
    link = f'insights/?limit=5&order=name&tags=["{tag}"]&as_of=p{position}'
    names: list[str] = []
    try:
        while link:
            page = await api(f"GET {link}")
            page.says(200, count=24)
            names += [each["name"] for each in page["results"]]
            after = urlsplit(page["next"] or "")
            assert not after.query or f"as_of=p{position}" in after.query
            link = f"{after.path}?{after.query}" if after.query else ""
    finally:
        writing = False
        written = await asyncio.gather(*writers)
    assert names == [f"{n:02}" for n in range(24)]
    assert sum(written) > 0
