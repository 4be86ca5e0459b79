"""Numbers under settings that have changed, and of clocks that were wrong."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString

import pytest

from services.query.results import cache
from tests.services.query.results.live import Live, counts, happened, live
from tests.waiting import seen
from tests.whole import SIGN_UP, Whole

NOT_STAFF = [{"key": "email", "value": "shop.example", "operator": "not_icontains"}]
STAFF = {"email": "ada@shop.example"}
CHANGES: list[dict[str, Any]] = [
    {"timezone": "Asia/Tokyo"},
    {"test_account_filters": NOT_STAFF},
]
SOURCE: dict[str, Any] = SIGN_UP["source"]  # type: ignore[assignment]  # a node
TESTED: dict[str, Any] = {**SOURCE, "filterTestAccounts": True}
AHEAD: LiteralString = """
    UPDATE results SET started_at = started_at + interval '700 days',
        last_refresh = last_refresh + interval '700 days'"""


@pytest.fixture
async def api(
    whole: Whole, postgres_url: str, nats_url: str, stream_prefix: str
) -> AsyncIterator[Live]:
    async with live(whole, postgres_url, nats_url, stream_prefix) as opened:
        yield opened


async def execute(api: Live, statement: LiteralString) -> None:
    async with api.whole.pool.connection() as conn:
        await conn.execute(statement)


async def get(api: Live, path: str) -> Any:
    answer = await api.whole.client.get(path if path[0] == "/" else f"{api.whole.root}{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def change(api: Live, settings: dict[str, Any]) -> None:
    """Of the project, by an administrator."""
    boss = await api.whole.member("boss@example.com", level=8)
    answer = await api.whole.client.patch(
        api.whole.root, json=settings, headers=await api.whole.key(user_id=boss)
    )
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("settings", CHANGES)
async def test_old_numbers_are_shown_nowhere_under_new_settings(
    api: Live, settings: dict[str, Any]
) -> None:
    await api.arrives(happened("signed_up", "ada", properties=STAFF))
    board = (await api.whole.client.post(f"{api.whole.root}dashboards/", json={})).json()["id"]
    made = await api.whole.create(query=TESTED, dashboards=[board])
    number = made["id"]
    shared = await api.whole.client.patch(
        f"{api.whole.insights}{number}/sharing/", json={"enabled": True}
    )
    token = shared.json()["access_token"]
    before = await get(api, f"insights/{number}/?refresh=blocking")
    job = await api.whole.client.post(
        f"{api.whole.root}query/", json={"query": TESTED, "refresh": "force_async"}
    )
    assert counts(before) == [1, 0]
    for path in (f"insights/{number}/", "insights/", f"dashboards/{board}/"):
        assert '"count":1' in str((await api.whole.client.get(f"{api.whole.root}{path}")).text)

    await change(api, settings)
    for path in (f"insights/{number}/", f"insights/{number}/?refresh=force_cache"):
        assert (await get(api, path))["result"] is None
    assert (await get(api, "insights/"))["results"][0]["result"] is None
    assert (await get(api, f"dashboards/{board}/"))["tiles"][0]["insight"]["result"] is None
    renamed = await api.whole.client.patch(f"{api.whole.insights}{number}/", json={"name": "B"})
    assert renamed.json()["result"] is None
    status = job.json()["query_status"]
    if status is not None:
        assert (await get(api, f"query/{status['id']}/"))["query_status"]["results"] is None
    wanted = [0, 0] if "test_account_filters" in settings else [1, 0]
    document = await get(api, f"/shared/{token}.json")
    assert [step["count"] for step in document["insight"]["result"]] == wanted
    assert counts(await get(api, f"insights/{number}/?refresh=blocking")) == wanted


async def test_a_job_that_ran_during_a_change_leaves_nothing_for_the_new_settings(
    api: Live,
) -> None:
    await api.arrives(happened("signed_up", "ada", properties=STAFF))
    node = {"query": TESTED, "refresh": "force_blocking"}

    async def run() -> Any:
        return (await api.whole.client.post(f"{api.whole.root}query/", json=node)).json()

    before = [asyncio.create_task(run()) for _ in range(4)]
    await change(api, {"test_account_filters": NOT_STAFF})
    after = await run()
    await asyncio.gather(*before)
    assert [step["count"] for step in after["results"]] == [0, 0]
    kept = await api.whole.client.post(f"{api.whole.root}query/", json={"query": TESTED})
    assert [step["count"] for step in kept.json()["results"]] == [0, 0]


async def test_a_result_of_a_clock_that_was_ahead_is_computed_again_and_replaced(
    api: Live,
) -> None:
    await api.funnel()
    await execute(api, AHEAD)
    mended = await api.funnel()
    assert mended["is_cached"] is False
    assert datetime.fromisoformat(mended["last_refresh"]) < datetime.now(UTC) + timedelta(hours=1)
    assert (await api.funnel())["is_cached"] is True


async def test_a_result_of_a_clock_that_was_ahead_does_not_spare_the_client(api: Live) -> None:
    made = await api.whole.create(query=SIGN_UP)
    path = f"insights/{made['id']}/"
    await get(api, f"{path}?refresh=blocking")
    await execute(api, AHEAD)
    shown = await get(api, path)
    soon = datetime.now(UTC) + timedelta(minutes=1)
    assert datetime.fromisoformat(shown["next_allowed_client_refresh"]) < soon
    assert (await get(api, f"{path}?refresh=force_blocking"))["is_cached"] is False


async def test_a_lease_that_a_clock_ahead_gave_is_taken_over(api: Live) -> None:
    await execute(
        api,
        "CREATE FUNCTION leased() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " NEW.lease_until = now() + interval '700 days'; RETURN NEW; END $$",
    )
    await execute(
        api,
        "CREATE TRIGGER leased BEFORE INSERT ON jobs FOR EACH ROW EXECUTE FUNCTION leased()",
    )
    assert counts(await api.funnel()) == [0, 0]


async def test_a_name_of_a_run_means_the_newest_whatever_its_clock_said(api: Live) -> None:
    async def named(date_from: str) -> Any:
        await api.funnel(client_query_id="mine", date_from=date_from)
        return (await get(api, "query/mine/"))["query_status"]

    first = await named("-3d")
    await execute(api, "UPDATE jobs SET start_time = start_time + interval '700 days'")
    assert (await named("-4d"))["id"] != first["id"]


async def test_jobs_of_a_clock_that_was_ahead_are_forgotten(api: Live) -> None:
    await api.funnel()
    await execute(
        api,
        "UPDATE jobs SET end_time = end_time + interval '700 days',"
        " expiration_time = expiration_time + interval '700 days'",
    )
    await api.whole.app.state.jobs.forget_expired()
    assert await api.computations() == 0


async def expiration(api: Live) -> Any:
    """Of the one job there is."""
    async with api.whole.pool.connection() as conn:
        return await (await conn.execute("SELECT expiration_time FROM jobs")).fetchone()


async def test_whoever_joins_a_run_that_began_before_their_event_gets_one_that_saw_it(
    api: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, go_on = asyncio.Event(), asyncio.Event()
    put = cache.put

    async def late(*kept: Any) -> None:
        began.set()
        await go_on.wait()
        await put(*kept)

    monkeypatch.setattr(cache, "put", late)
    first = asyncio.create_task(api.funnel())
    await began.wait()
    position = await api.arrives(happened("signed_up", "ada", timedelta(minutes=1)))
    lasts = await expiration(api)
    mine = asyncio.create_task(api.funnel({"Ingest-Position": str(position)}))
    # Whoever joins a job lets it be kept for longer.
    await seen(lambda: expiration(api), lambda now: now != lasts)
    go_on.set()
    await first
    assert counts(await mine) == [1, 0]
