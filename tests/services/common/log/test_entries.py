"""Entries as readers get them: each with what it is about, and the hash before it."""

from itertools import pairwise
from pathlib import Path

import psycopg

from contracts.codec import decode_event
from contracts.events.recorded import DomainEvent
from contracts.events.streams import Stream, StreamKind
from services.common.log.entries import entries, head, project_entries
from services.common.log.store import EventStore
from services.common.postgres.database import pool
from services.common.postgres.installation import installation
from tests.services.common.log.appends import append, created, insight, renamed, to

CORPUS = sorted((Path(__file__).parents[3] / "contracts" / "corpus").glob("*.json"))
# Facts of other kinds came later: their subject has always been written.
_OF_BEFORE = {
    *(StreamKind.INSIGHT, StreamKind.SHARING, StreamKind.VIEWING, StreamKind.SHARE_LOGIN),
    *(StreamKind.ACCESS, StreamKind.DASHBOARD, StreamKind.ACTION, StreamKind.COHORT),
    StreamKind.PROJECT,
}
# The facts that a stream begins with, and those that come to one that has begun.
_FIRST = ("insight.created", "dashboard.created", "action.created", "cohort.created")


def stream_of(name: str, event: DomainEvent) -> Stream[DomainEvent]:
    kind = name.partition(".")[0]
    if name.startswith("viewing.share_login"):
        kind = "share_login"
    numbers = {"viewing": "user_id", "project": "", "access": "insight_id"}
    field = numbers.get(kind, f"{kind}_id" if hasattr(event, f"{kind}_id") else "insight_id")
    return Stream(StreamKind(kind), 1, getattr(event, field, None) or 0)


async def write_corpus(store: EventStore) -> dict[str, str]:
    """Every fact that can begin a stream, each in one; subject -> the fact's name."""
    subjects: dict[str, str] = {}
    for file in CORPUS:
        kind = file.stem.partition(".")[0]
        if kind not in _OF_BEFORE:
            continue
        event = decode_event(file.stem, file.read_bytes())
        if kind in ("insight", "dashboard", "action", "cohort") and not file.stem.startswith(
            _FIRST
        ):
            continue
        stream = stream_of(file.stem, event)
        await store.append(append(to(stream, None, event)))
        subjects.setdefault(stream.subject, file.stem)
    return subjects


async def test_entries_of_before_tell_their_subject_by_their_streams_first_fact(
    postgres_url: str,
) -> None:
    async with EventStore.open(postgres_url) as store:
        subjects = await write_corpus(store)
        written = await store.entries(0)
        assert {entry.subject for entry in written} == set(subjects)
        assert {subject.partition("/")[0] for subject in subjects} == _OF_BEFORE
        async with await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as conn:
            await conn.execute("UPDATE log SET subject = NULL")
        assert await store.entries(0) == written


async def test_each_entry_has_the_hash_of_the_one_before_in_its_project(postgres_url: str) -> None:
    async with EventStore.open(postgres_url) as store, pool(postgres_url) as connections:
        for number in range(1, 4):
            for team_id in (1, 2):
                part = to(insight(number, team_id), 0, created(number), renamed())
                await store.append(append(part))
        for team_id in (1, 2):
            own = await store.project_entries(team_id, 0)
            assert [entry.team_seq for entry in own] == [1, 2, 3, 4, 5, 6]
            assert own[0].previous == bytes(32)
            assert all(before.hash == after.previous for before, after in pairwise(own))
            assert own == [each for each in await store.entries(0) if each.team_id == team_id]
            assert own == await project_entries(connections, team_id, 0, 1000)
            assert own[2:4] == await project_entries(connections, team_id, 2, 2)
        assert await entries(connections, 4, 3) == (await store.entries(0))[4:7]
        assert await head(connections) == 12


async def test_an_installation_is_told_from_every_other_one(postgres_url: str) -> None:
    async with pool(postgres_url) as connections:
        assert await installation(connections) == await installation(connections)
