"""Facts, pulled: pages, filters, limits, waiting, and who may."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from msgspec import Raw

from contracts.chain import BEGINNING, Link
from contracts.cursors import cursor_text, link_text
from contracts.events.dashboard import DashboardRenamed
from contracts.events.insight import InsightDescribed, InsightRenamed
from contracts.events.sharing import SharingEnabled, SharingSettingsChanged
from contracts.events.streams import dashboard_stream, insight_stream, sharing_stream
from contracts.events.viewing import InsightViewed
from contracts.fact_filters import FactFilter, parse_types
from services.common.accounts.administration import create_key
from services.common.http.budgets import Budgets, parse
from services.query.streams.feed import Feed
from services.query.streams.pull import PullRequest, pull
from tests.examples import INSIGHT, created
from tests.services.projector.projecting import viewing
from tests.services.query.streams.streaming import Streaming, streaming_service
from tests.waiting import seen

OTHER = 8


@pytest.fixture
async def service(postgres_url: str) -> AsyncIterator[Streaming]:
    async with streaming_service(postgres_url) as running:
        yield running


async def write(service: Streaming, names: int = 3) -> None:
    """Sequences 1 to 7, and renames of INSIGHT after them."""
    append = service.projector.append
    await append(created())
    await append(created(insight_id=OTHER, short_id="other000"), of=insight_stream(1, OTHER))
    await append(SharingEnabled(INSIGHT, 1), of=sharing_stream(1, INSIGHT))
    await append(InsightViewed(INSIGHT, 1), of=viewing(1))
    await append(InsightViewed(OTHER, 1), of=viewing(1))
    await append(DashboardRenamed("b", "a"), of=dashboard_stream(1, 3))
    await append(created(), of=insight_stream(2, INSIGHT))
    await append(InsightRenamed("Other", None), of=insight_stream(1, OTHER))
    for number in range(names):
        await append(InsightRenamed(str(number), None))


def sequences(answer: dict[str, list[dict[str, str]]]) -> list[int]:
    return [int(event["id"]) for event in answer["events"]]


async def test_a_page_has_the_facts_as_they_travel_and_says_how_to_go_on(
    service: Streaming,
) -> None:
    await write(service)
    first = await service.get("?limit=4")
    assert first.status_code == 200
    assert first.headers["content-type"] == "application/json"
    assert "etag" not in first.headers
    told, entries = first.json(), await service.entries()
    cursors = [cursor_text(entry.team_seq, entry.hash) for entry in entries]
    assert (told["through"], told["head"], told["first"]) == (cursors[3], cursors[-1], cursors[0])
    events = await service.events()
    assert b'{"events":[' + b",".join(events[:4]) + b"]," in first.content
    assert told["next"] == f"{service.url}/api/projects/1/facts/?after={told['through']}&limit=4"

    rest = (await service.client.get(told["next"], headers=service.headers())).json()
    assert sequences(told) + sequences(rest) == list(range(1, 9))
    last = (await service.client.get(rest["next"], headers=service.headers())).json()
    assert sequences(last) == [9, 10]
    end = (await service.client.get(last["next"], headers=service.headers())).json()
    assert (end["events"], end["through"]) == ([], cursors[-1])
    assert end["next"].endswith(f"?after={cursors[-1]}&limit=4")


async def test_lines_have_an_event_each_and_headers_tell_the_rest(service: Streaming) -> None:
    await write(service)
    for asked in (
        await service.get("?limit=3&format=ndjson"),
        await service.get("?limit=3", headers={"Accept": "application/x-ndjson"}),
    ):
        assert asked.headers["content-type"] == "application/x-ndjson"
        assert asked.content == b"".join(line + b"\n" for line in (await service.events())[:3])
        entries = await service.entries()
        through = cursor_text(3, entries[2].hash)
        assert asked.headers["Facts-Through"] == through
        assert asked.headers["Facts-Head"] == cursor_text(10, entries[-1].hash)
        link = asked.headers["Link"]
        assert link.startswith(f"<{service.url}/api/projects/1/facts/?")
        assert link.endswith(f'after={through}&limit=3>; rel="next"')


async def test_one_fact_is_asked_for_by_its_sequence(service: Streaming) -> None:
    await write(service)
    answer = await service.get("2/")
    assert answer.headers["content-type"] == "application/cloudevents+json"
    assert answer.content == (await service.events())[1] + b"\n"
    for nothing in ("0/", "11/", "x/", "99999999999999999999/"):
        assert (await service.get(nothing)).status_code == 404


FOUND = {
    "types=insight.*": [1, 2, 7, 8, 9, 10],
    "types=insight.created.v1,sharing.*": [1, 2, 3],
    "types=": list(range(1, 11)),
    "subject=insight/8": [2, 7],
    "subject=insight/8,dashboard/3": [2, 6, 7],
    f"insight={INSIGHT}": [1, 3, 4, 8, 9, 10],
    "insight=8": [2, 5, 7],
    f"insight={INSIGHT}&types=viewing.*": [4],
    "insight=999": [],
}


async def test_filters_choose_and_through_moves_on_over_the_rest(service: Streaming) -> None:
    await write(service)
    told = {query: (await service.get(f"?{query}")).json() for query in FOUND}
    assert {query: sequences(each) for query, each in told.items()} == FOUND
    assert {each["through"] for each in told.values()} == {told["types="]["head"]}
    before = (await service.get("?types=sharing.*&limit=1")).json()
    assert sequences(before) == [3]
    assert before["through"].startswith("3-")


async def test_an_insight_is_named_by_its_short_id_too(service: Streaming) -> None:
    async with service.projector.pool.connection() as conn:
        await conn.execute(
            "INSERT INTO insight_ids (id, team_id, short_id) OVERRIDING SYSTEM VALUE"
            " VALUES (%s, 1, 'aB3dE6gH')",
            (INSIGHT,),
        )
    await write(service)
    assert sequences((await service.get("?insight=aB3dE6gH")).json()) == [1, 3, 4, 8, 9, 10]


WRONG = {
    **dict.fromkeys(("limit=0", "limit=x", "limit=-1", "limit=", "limit=1.5"), "limit"),
    **dict.fromkeys(("wait=x", "wait=-1", "wait=nan"), "wait"),
    **dict.fromkeys(("format=xml", "format=csv"), "format"),
    **dict.fromkeys(("types=insigth.*", "types=insight"), "types"),
    **dict.fromkeys(("subject=x", "subject=insight/"), "subject"),
    **dict.fromkeys(("insight=nothing0", "insight=?"), "insight"),
    **dict.fromkeys(("after=x", "after=-1"), "after"),
}


async def test_what_is_not_as_it_must_be_is_named(service: Streaming) -> None:
    answers = {query: await service.get(f"?{query}") for query in WRONG}
    assert {answer.status_code for answer in answers.values()} == {400}
    named = {query: answer.json()["attr"] for query, answer in answers.items()}
    assert named == WRONG


async def test_more_than_a_thousand_are_a_thousand(service: Streaming) -> None:
    await service.projector.append(created())
    await service.projector.append(*(InsightRenamed(str(n), None) for n in range(1_100)))
    assert len((await service.get("?limit=5000")).json()["events"]) == 1_000
    assert len((await service.get()).json()["events"]) == 100


async def test_cursors_that_do_not_fit_the_log_are_refused(service: Streaming) -> None:
    await write(service)
    entries = await service.entries()
    head = cursor_text(10, entries[-1].hash)
    ahead = await service.get("?after=11")
    assert (ahead.status_code, ahead.json()["code"], ahead.json()["head"]) == (
        409,
        "cursor_ahead",
        head,
    )
    elsewhere = await service.get(f"?after={link_text(Link(3, bytes(32)))}")
    assert elsewhere.status_code == 409
    assert elsewhere.json() == {
        "type": "invalid_request",
        "code": "cursor_elsewhere",
        "detail": elsewhere.json()["detail"],
        "attr": "after",
        "sequence": 3,
        "hash": entries[2].hash.hex(),
    }
    assert (await service.get(f"?after={head}")).json()["events"] == []
    assert (await service.get("?after=now")).json()["through"] == head


async def test_a_page_has_four_mebibytes_at_most_and_one_event_at_least(
    service: Streaming,
) -> None:
    await service.projector.append(created())
    large = InsightDescribed("x" * 1_500_000, None)
    for _ in range(4):
        await service.projector.append(large)
    huge = Raw(b'{"a":"' + b"x" * 5_000_000 + b'"}')
    await service.projector.append(
        SharingSettingsChanged(INSIGHT, huge, Raw(b"null")), of=sharing_stream(1, INSIGHT)
    )
    pages, path = [], ""
    for _ in range(4):
        answer = await service.get(path)
        told = answer.json()
        pages.append(sequences(told))
        path = f"?after={told['through']}"
    assert pages == [[1, 2, 3], [4, 5], [6], []]


async def test_so_many_entries_are_looked_at_and_no_more(service: Streaming) -> None:
    await write(service)
    wanted = FactFilter(types=parse_types("dashboard.*"))
    asked = PullRequest(
        1, wanted, limit=10, form=lambda entry: entry.team_seq, size=int, most_looked_at=4
    )
    pool = service.projector.pool
    first = await pull(pool, asked, BEGINNING)
    assert (first.events, first.through.team_seq, first.at_end) == ([], 4, False)
    second = await pull(pool, asked, first.through)
    assert second.events == [6]
    assert (second.through.team_seq, second.looked_at) == (8, 4)


async def test_a_wait_ends_with_the_first_that_matches(service: Streaming) -> None:
    await write(service)
    asked = asyncio.create_task(service.get("?after=now&wait=30&types=sharing.*"))
    unfiltered = asyncio.create_task(service.get("?after=now&wait=30"))
    await asyncio.sleep(0.1)
    await service.projector.append(InsightRenamed("x", None))
    assert sequences((await unfiltered).json()) == [11]
    assert not asked.done()
    await service.projector.append(SharingEnabled(INSIGHT, 2), of=sharing_stream(1, INSIGHT))
    told = (await asked).json()
    assert sequences(told) == [12]
    assert told["through"].startswith("12-")


async def test_a_wait_without_an_event_ends_empty_and_moves_on(service: Streaming) -> None:
    await write(service)
    asked = asyncio.create_task(service.get("?after=now&wait=0.5&types=sharing.*"))
    await asyncio.sleep(0.1)
    await service.projector.append(InsightRenamed("x", None))
    told = (await asked).json()
    assert told["events"] == []
    assert told["through"].startswith("11-")


async def test_a_wait_does_not_hold_up_the_end_of_the_server(service: Streaming) -> None:
    asked = asyncio.create_task(service.get("?wait=30"))
    await seen(lambda: watched(service), bool)
    service.server.should_exit = True
    assert (await asked).json()["events"] == []


async def watched(service: Streaming) -> bool:
    feed: Feed = service.server.config.app.state.streams.feed  # type: ignore[union-attr]  # ours
    return bool(feed._projects)


async def test_facts_are_for_administrators_whose_key_has_the_scope(service: Streaming) -> None:
    await write(service)
    pool = service.projector.pool
    scoped = await create_key(pool, 1, scopes=["activity_log:read"])
    unscoped = await create_key(pool, 1, scopes=["insight:read"])
    for path in ("", "1/", "stream/"):
        member = await service.get(path, by="bob")
        assert (member.status_code, member.json()["code"]) == (403, "permission_denied")
        foreign = await service.get(path, by="carol")
        assert foreign.status_code == 403
        lacking = await service.client.get(
            f"/api/projects/1/facts/{path}", headers={"Authorization": f"Bearer {unscoped.key}"}
        )
        assert "activity_log:read" in lacking.json()["detail"]
        assert (await service.client.get(f"/api/projects/1/facts/{path}")).status_code == 401
    by_query = await service.client.get(
        f"/api/environments/1/facts/1/?personal_api_key={scoped.key}"
    )
    assert by_query.status_code == 200


async def test_a_position_that_was_seen_is_waited_for(postgres_url: str) -> None:
    async with streaming_service(postgres_url, position_wait_seconds=0.2) as service:
        await write(service)
        there = await service.get(headers={"Insights-Position": "11"})
        assert len(sequences(there.json())) == 10
        for path in ("", "1/", "stream/"):
            beyond = await service.get(path, headers={"Insights-Position": "12"})
            assert (beyond.status_code, beyond.json()["code"]) == (503, "unavailable")


async def test_a_pull_costs_one_request_of_the_budget(postgres_url: str) -> None:
    budgets = Budgets(others=parse("2/m"))
    async with streaming_service(postgres_url, budgets=budgets) as service:
        assert (await service.get("?wait=0.3")).status_code == 200
        assert (await service.get()).status_code == 200
        assert (await service.get()).status_code == 429
