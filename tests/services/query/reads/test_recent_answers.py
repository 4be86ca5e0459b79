"""Remembered answers: whatever moves, they are what would be read anew; and they are remembered."""

import asyncio
import random
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, LiteralString

import pytest
from psycopg_pool import PoolClosed

from contracts.events.access import AccessEvent, AccessGranted, AccessRevoked
from contracts.events.dashboard import DashboardCreated, DashboardRestricted
from contracts.events.insight import (
    InsightAddedToDashboard,
    InsightDeleted,
    InsightEvent,
    InsightRemovedFromDashboard,
    InsightRenamed,
    InsightRestored,
    InsightTagged,
)
from contracts.events.streams import Stream, StreamKind
from contracts.events.viewing import InsightViewed
from services.common.accounts.accounts import MAX_AGE_SECONDS, Accounts
from services.common.insights.access import LEVELS
from services.common.postgres.database import Pool, pool
from services.projector.app import projections
from services.projector.read_models.insights import insight_projection
from services.projector.rebuild import rebuild
from services.query.reads.read_position import FreshValue
from services.query.reads.recent_answers import RecentAnswers
from tests.examples import BOB, FUNNEL, TEAM, created
from tests.services.projector.projecting import dashboard, insight, viewing
from tests.services.query.reads.reading import Reading, reading

INSIGHTS = (1, 2, 3)
PATHS = (
    "insights/",
    "insights/?basic=true",
    "insights/?search=funnel",
    "insights/?tags=%5B%22growth%22%5D",
    "insights/?order=-name&limit=2",
    "insights/?format=csv",
    "insights/?refresh=force_cache",
    *(f"insights/{number}/" for number in INSIGHTS),
    "insights/short002/",
    "insights/1/?from_dashboard=3",
)
STEPS = 40
LOOKS = 4

Move = Callable[[Reading, random.Random], Awaitable[None]]


async def _stored(api: Reading) -> None:
    for number in INSIGHTS:
        await api.projector.append(
            created(
                insight_id=number, short_id=f"short00{number}", name=f"Funnel {number}",
                query=FUNNEL,
            ),
            of=insight(number),
        )  # fmt: skip
    await api.projector.append(DashboardCreated(dashboard_id=3), of=dashboard())
    await api.projector.catch_up()


async def _change(api: Reading, dice: random.Random) -> None:
    """One insight, by one fact; the projections may hear of it later."""
    events: Sequence[InsightEvent] = (
        InsightRenamed(f"Funnel {dice.random()}", None),
        InsightTagged((dice.choice(["growth", "board"]),), ()),
        InsightAddedToDashboard(31, 3, "Growth"),
        InsightRemovedFromDashboard(31, 3, "Growth"),
        InsightDeleted(),
        InsightRestored(),
    )
    await api.projector.append(dice.choice(events), of=insight(dice.choice(INSIGHTS)))


async def _rule(api: Reading, dice: random.Random) -> None:
    number = dice.choice((0, *INSIGHTS))
    level = dice.choice(LEVELS)
    events: Sequence[AccessEvent] = (
        AccessGranted(number or None, None, level, None),
        AccessRevoked(number or None, None, level),
    )
    await api.projector.append(dice.choice(events), of=Stream(StreamKind.ACCESS, TEAM, number))


async def _restriction(api: Reading, dice: random.Random) -> None:
    await api.projector.append(DashboardRestricted(dice.choice((21, 37)), 21), of=dashboard())


async def _view(api: Reading, dice: random.Random) -> None:
    await api.projector.append(InsightViewed(dice.choice(INSIGHTS), 2), of=viewing(2), actor=BOB)


# Of the query that all three insights have. A result may be refreshed by a clock that goes wrong.
# SETTINGS: what the project has.
KEPT: LiteralString = """
    INSERT INTO results (
        team_id, key, settings, dependencies, clock, body, reached, facts, started_at,
        last_refresh, cost_seconds
    )
    SELECT team_id, query_key, decode('SETTINGS', 'hex'), '', '',
        convert_to(format('{"results":[%s]}', random()), 'UTF8'), 0, 0, now(),
        '2026-01-01Z'::timestamptz + random() * interval '20 days', 0
    FROM insights WHERE insight_id = 1
    ON CONFLICT (team_id, key) DO UPDATE
    SET body = excluded.body, last_refresh = results.last_refresh - interval '1 day'"""
THROWN_AWAY: LiteralString = "DELETE FROM results"
BEGUN: LiteralString = """
    INSERT INTO jobs (id, team_id, key, settings, computation, start_time, expiration_time)
    SELECT gen_random_uuid(), team_id, query_key, decode('SETTINGS', 'hex'), '', now(), now()
    FROM insights WHERE insight_id = 1
    ON CONFLICT (team_id, key, settings) WHERE end_time IS NULL
    DO UPDATE SET expiration_time = now()"""
PICKED_UP: LiteralString = "UPDATE jobs SET pickup_time = now() WHERE end_time IS NULL"
ENDED: LiteralString = "UPDATE jobs SET end_time = now() WHERE end_time IS NULL"
FORGOTTEN: LiteralString = "DELETE FROM jobs"
STATEMENTS = (KEPT, KEPT, THROWN_AWAY, BEGUN, PICKED_UP, ENDED, FORGOTTEN)


async def _result_or_job(api: Reading, dice: random.Random) -> None:
    await _executed(api, dice.choice(STATEMENTS))


async def _executed(api: Reading, statement: LiteralString) -> None:
    project = await Accounts(api.projector.pool, api.projector.url).project(TEAM)
    assert project is not None
    await api.projector.execute(statement.replace("SETTINGS", project.settings.hex()))


async def _project(api: Reading, dice: random.Random) -> None:
    """One projection alone, to the log's end."""
    await api.projector.runner(dice.choice(list(projections()))).catch_up()


async def _all_projections(api: Reading, dice: random.Random) -> None:
    await api.projector.catch_up()


async def _rows_were_wrong(api: Reading, dice: random.Random) -> None:
    """A row that the log does not say, and the rebuild that puts it right."""
    await api.projector.execute("UPDATE insights SET favorited = NOT favorited")
    await rebuild(api.projector.url, api.projector.store, insight_projection())


MOVES: Sequence[Move] = (
    _change, _change, _rule, _restriction, _view, _view, _result_or_job, _result_or_job, _project,
    _all_projections, _all_projections, _all_projections, _rows_were_wrong,
)  # fmt: skip


async def _looks_alike(api: Reading, path: str, by: str, count: int) -> None:
    """As it is answered, and as it is when it was never asked for before."""
    before = await api.get(path, by=by)
    again = await api.get(f"{path}{'&' if '?' in path else '?'}anew={count}", by=by)
    assert again.status_code == before.status_code
    assert re.sub(rf"[&?]anew={count}", "", again.text) == re.sub(r"\?(?=[\",])", "", before.text)
    for name in ("insights-position", "insights-stale"):
        assert again.headers.get(name) == before.headers.get(name)


@pytest.mark.parametrize("seed", range(2))
async def test_what_is_remembered_is_what_would_be_read(api: Reading, seed: int) -> None:
    await _stored(api)
    dice = random.Random(seed)
    for step in range(STEPS):
        await dice.choice(MOVES)(api, dice)
        for look in range(LOOKS):
            path, by = dice.choice(PATHS), dice.choice(("alice", "bob"))
            await _looks_alike(api, path, by, step * LOOKS + look)


async def test_each_move_that_no_fact_tells_is_seen_at_once(api: Reading) -> None:
    await _stored(api)
    walk = (KEPT, KEPT, BEGUN, PICKED_UP, BEGUN, ENDED, BEGUN, FORGOTTEN, THROWN_AWAY)
    for count, statement in enumerate(walk):
        before = [(await api.get(path)).text for path in ("insights/", "insights/2/")]
        await _executed(api, statement)
        after = [(await api.get(path)).text for path in ("insights/", "insights/2/")]
        assert all(one != other for one, other in zip(before, after, strict=True)), statement
        await _looks_alike(api, "insights/", "alice", count)


async def test_a_rebuild_is_seen_at_once(api: Reading) -> None:
    await _stored(api)
    right = (await api.get("insights/")).text
    await _changed_by_nobody(api)
    wrong = (await api.get("insights/?order=order")).text
    await rebuild(api.projector.url, api.projector.store, insight_projection())
    assert (await api.get("insights/?order=order")).text == right != wrong


async def _changed_by_nobody(api: Reading) -> None:
    """What no fact tells is what a read anew would find."""
    await api.projector.execute("""UPDATE insights SET row = '{"name":"Somebody''s"}'""")


@pytest.mark.parametrize("path", ["insights/", "insights/1/"])
async def test_an_answer_is_given_again_while_nothing_moves(api: Reading, path: str) -> None:
    await _stored(api)
    first = await api.get(path)
    await _changed_by_nobody(api)
    again = await api.get(path)
    assert (again.text, again.headers["etag"]) == (first.text, first.headers["etag"])
    known = await api.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (known.status_code, known.content) == (304, b"")
    assert (await api.get(path, by="bob")).text != first.text
    await api.projector.append(InsightViewed(1, 2), of=viewing(2), actor=BOB)
    await api.projector.catch_up()
    assert (await api.get(path)).text != first.text


@pytest.mark.parametrize(
    "path",
    ["insights/?date_from=-7d", "insights/?date_to=2099-01-01", "insights/?refresh=blocking"],
)
async def test_what_hangs_on_the_hour_or_may_compute_is_not_remembered(
    api: Reading, path: str
) -> None:
    await _stored(api)
    await api.projector.execute("UPDATE insights SET query_key = NULL, kind = NULL")
    await api.projector.execute(
        "UPDATE insights SET row = jsonb_set(row::jsonb, '{query}', 'null')::json"
    )
    first = await api.get(path)
    await _changed_by_nobody(api)
    assert (await api.get(path)).text != first.text


async def test_a_position_that_is_not_reached_is_waited_for(postgres_url: str) -> None:
    async with reading(postgres_url, position_wait_seconds=0.05) as api:
        await _stored(api)
        first = await api.get("insights/")
        position = int(first.headers["insights-position"])
        behind = await api.get("insights/", headers={"Insights-Position": str(position + 1)})
        assert behind.status_code == 503


async def test_what_follows_in_other_projects_moves_the_position_alone(api: Reading) -> None:
    await _stored(api)
    first = await api.get("insights/")
    await api.projector.append(created(), of=insight(9, team_id=2))
    head = await api.projector.catch_up()
    await _changed_by_nobody(api)
    again = await api.get("insights/")
    assert again.text == first.text
    assert int(again.headers["insights-position"]) == head


async def test_a_users_new_name_is_shown_as_soon_as_it_is_told(api: Reading) -> None:
    await _stored(api)

    async def name() -> Any:
        return (await api.get("insights/1/")).json()["created_by"]["first_name"]

    assert await name() == "Alice"
    await api.projector.execute("UPDATE users SET first_name = 'Alicia' WHERE id = 1")
    async with asyncio.timeout(MAX_AGE_SECONDS / 2):
        while await name() != "Alicia":
            pass


# Of a project in which nothing has happened.
UNMOVED = "0 0 0"


def _fresh(value: str, state: str | None = UNMOVED) -> FreshValue[str]:
    return FreshValue(value, 0, stale=False, state=state)


async def test_what_was_used_longest_ago_is_forgotten_first_when_there_is_too_much(
    empty_pool: Pool,
) -> None:
    known: RecentAnswers[str] = RecentAnswers(empty_pool, most_bytes=100)
    for asked in range(10):
        known.keep(asked, TEAM, _fresh(str(asked)), 10)
    assert await known.find(0, TEAM, None) == _fresh("0")
    known.keep(10, TEAM, _fresh("10"), 10)
    known.keep(11, TEAM, _fresh("one that is too large"), 13)
    there = [asked for asked in range(12) if await known.find(asked, TEAM, None)]
    assert there == [0, 2, 3, 4, 5, 6, 7, 8, 9, 10]


async def test_what_is_known_to_have_moved_asks_the_database_nothing(empty_pool: Pool) -> None:
    known: RecentAnswers[str] = RecentAnswers(empty_pool)
    known.keep("older", TEAM, _fresh("older"), 10)
    known.keep("newer", TEAM, _fresh("newer", "5 0 0"), 10)
    await empty_pool.close()
    assert await known.find("older", TEAM, None) is None
    with pytest.raises(PoolClosed):
        await known.find("newer", TEAM, None)


async def test_what_was_read_while_a_projection_was_behind_is_not_kept(empty_pool: Pool) -> None:
    known: RecentAnswers[str] = RecentAnswers(empty_pool)
    known.keep("behind", TEAM, _fresh("behind", None), 10)
    await empty_pool.close()
    assert await known.find("behind", TEAM, None) is None


@pytest.fixture
async def empty_pool(postgres_url: str) -> AsyncIterator[Pool]:
    async with pool(postgres_url, name="remembered") as connections:
        yield connections
