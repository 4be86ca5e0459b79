"""Cursors against a real log, and against copies of it that were made by real means."""

from collections.abc import AsyncIterator

import pytest

from contracts.chain import BEGINNING, Link
from contracts.cursors import MalformedCursor, link_text
from services.common.log.cursors import (
    CursorAhead,
    CursorElsewhere,
    CursorGone,
    check_cursor,
    project_head,
    project_link,
)
from services.common.log.store import EventStore
from services.common.postgres.database import Pool, pool
from tests import servers
from tests.services.common.log.appends import append, created, insight, renamed, to


@pytest.fixture
async def connections(postgres_url: str) -> AsyncIterator[Pool]:
    async with pool(postgres_url) as opened:
        yield opened


async def write(url: str, *names: str, team_id: int = 1) -> list[Link]:
    """The first fact of an insight, and these names after it; the chain after each."""
    async with EventStore.open(url) as store:
        await store.append(
            append(to(insight(1, team_id), 0, created(), *(renamed(name) for name in names)))
        )
        entries = await store.project_entries(team_id, 0)
        return [Link(entry.team_seq, entry.hash) for entry in entries]


async def test_a_cursor_of_either_form_names_its_place(
    postgres_url: str, connections: Pool
) -> None:
    await write(postgres_url, team_id=2)
    links = await write(postgres_url, "a", "b")
    for link in links:
        assert await check_cursor(connections, 1, str(link.team_seq)) == link
        assert await check_cursor(connections, 1, link_text(link)) == link
    assert await check_cursor(connections, 1, "now") == links[-1]
    assert await check_cursor(connections, 1, "0") == BEGINNING
    assert await check_cursor(connections, 1, link_text(BEGINNING)) == BEGINNING
    assert await project_head(connections, 1) == links[-1]
    assert await project_link(connections, 1, 2) == links[1]
    assert await project_link(connections, 1, 4) is None


async def test_a_project_without_facts_has_a_beginning(connections: Pool) -> None:
    assert await check_cursor(connections, 1, "0") == BEGINNING
    assert await check_cursor(connections, 1, "now") == BEGINNING
    with pytest.raises(CursorAhead) as refused:
        await check_cursor(connections, 1, "1")
    assert refused.value.head == BEGINNING


async def test_what_is_no_cursor_is_refused(connections: Pool) -> None:
    with pytest.raises(MalformedCursor):
        await check_cursor(connections, 1, "yesterday")


async def test_an_older_copy_of_the_log_is_noticed(
    databases: servers.Databases, postgres_url: str
) -> None:
    """The copy is restored: whoever followed the log knows more than it holds."""
    await write(postgres_url, "a")
    with databases.copied(postgres_url) as older:
        async with EventStore.open(postgres_url) as store:
            await store.append(append(to(insight(1), 2, renamed("b"))))
            (known,) = await store.project_entries(1, 2)
        async with pool(older) as connections:
            head = await project_head(connections, 1)
            for cursor in ("3", link_text(Link(3, known.hash)), "99999999999999999999"):
                with pytest.raises(CursorAhead) as refused:
                    await check_cursor(connections, 1, cursor)
                assert refused.value.head == head
                assert head.team_seq == 2


async def test_a_forked_history_is_noticed(databases: servers.Databases, postgres_url: str) -> None:
    """The copy goes on by itself: the same sequence, another entry."""
    await write(postgres_url, "a")
    with databases.copied(postgres_url) as forked:
        ends = []
        for url, name in ((postgres_url, "ours"), (forked, "theirs")):
            async with EventStore.open(url) as store:
                await store.append(append(to(insight(1), 2, renamed(name))))
                (entry,) = await store.project_entries(1, 2)
                ends.append(Link(3, entry.hash))
        ours, theirs = ends
        async with pool(forked) as connections:
            with pytest.raises(CursorElsewhere) as refused:
                await check_cursor(connections, 1, link_text(ours))
            assert refused.value.link == theirs
            # The short form could not tell.
            assert await check_cursor(connections, 1, "3") == theirs


async def test_what_is_not_kept_any_more_is_gone(postgres_url: str, connections: Pool) -> None:
    links = await write(postgres_url, "a", "b")
    assert await check_cursor(connections, 1, "1", first=2) == links[0]
    with pytest.raises(CursorGone) as refused:
        await check_cursor(connections, 1, "0", first=2)
    assert (refused.value.after, refused.value.first) == ("0", links[1])
