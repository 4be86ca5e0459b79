"""Reads that share a statement: each caller gets their own answer, and nobody anything too old."""

import asyncio
from collections.abc import Sequence

import pytest

from contracts.events.insight import InsightRenamed
from services.common.postgres.grouped import GroupedLookups
from tests.examples import INSIGHT, created
from tests.services.projector.projecting import insight
from tests.services.query.reads.reading import Reading


class Statements:
    """What was asked together; each statement ends when it is told to."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.may_end = asyncio.Semaphore(0)

    async def read(self, keys: Sequence[int]) -> list[str]:
        self.asked.append(list(keys))
        await self.may_end.acquire()
        if 13 in keys:
            raise LookupError(13)
        return [f"answer {key}" for key in keys]


async def settled() -> None:
    """Everything that can run without anybody ending a statement has run."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_who_waits_while_a_statement_runs_shares_the_next_one() -> None:
    statements = Statements()
    grouped = GroupedLookups(statements.read, most=3, statements=1)
    first = asyncio.create_task(grouped.get(1))
    await settled()
    others = [asyncio.create_task(grouped.get(key)) for key in (2, 3, 4, 5)]
    await settled()
    assert statements.asked == [[1]]
    for _ in range(3):
        statements.may_end.release()
        await settled()
    assert await first == "answer 1"
    assert [await each for each in others] == [f"answer {key}" for key in (2, 3, 4, 5)]
    assert statements.asked == [[1], [2, 3, 4], [5]]


async def test_who_asks_a_turn_later_shares_the_first_statement() -> None:
    statements = Statements()
    grouped = GroupedLookups(statements.read)
    first = asyncio.create_task(grouped.get(1))
    await asyncio.sleep(0)
    second = asyncio.create_task(grouped.get(2))
    await settled()
    assert statements.asked == [[1, 2]]
    statements.may_end.release()
    assert await first == "answer 1"
    assert await second == "answer 2"


async def test_a_statement_that_fails_fails_those_who_share_it_and_no_other() -> None:
    statements = Statements()
    grouped = GroupedLookups(statements.read, statements=1)
    unlucky = [asyncio.create_task(grouped.get(key)) for key in (12, 13)]
    await settled()
    later = asyncio.create_task(grouped.get(14))
    for _ in range(2):
        statements.may_end.release()
        await settled()
    for each in unlucky:
        with pytest.raises(LookupError):
            await each
    assert await later == "answer 14"


async def test_who_does_not_wait_any_more_is_not_asked_for() -> None:
    statements = Statements()
    grouped = GroupedLookups(statements.read, statements=1)
    first, gone, last = (asyncio.create_task(grouped.get(key)) for key in (1, 2, 3))
    await settled()
    statements.may_end.release()
    await settled()
    assert statements.asked == [[1, 2, 3]]
    assert await first == "answer 1"
    assert await last == "answer 3"
    assert await gone == "answer 2"
    busy = asyncio.create_task(grouped.get(4))
    await settled()
    gone = asyncio.create_task(grouped.get(5))
    await settled()
    gone.cancel()
    for _ in range(2):
        statements.may_end.release()
        await settled()
    assert await busy == "answer 4"
    assert statements.asked == [[1, 2, 3], [4]]


async def test_many_readers_at_once_each_get_what_they_asked_for(api: Reading) -> None:
    for number in range(1, 31):
        await api.projector.append(
            created(insight_id=number, short_id=f"short{number:03}", name=f"Name {number}"),
            of=insight(number),
        )
    await api.projector.catch_up()
    wanted = [*range(1, 31), 99, *range(30, 0, -1)]
    answers = await asyncio.gather(
        *(api.get(f"insights/{number}/", by="bob" if number % 2 else "alice") for number in wanted)
    )
    for number, answer in zip(wanted, answers, strict=True):
        if number == 99:
            assert answer.status_code == 404
            continue
        body = answer.json()
        assert (body["id"], body["name"]) == (number, f"Name {number}")
        assert body["user_access_level"] == ("editor" if number % 2 else "manager")


async def test_a_read_that_begins_after_a_write_is_answered_by_a_later_statement(
    api: Reading,
) -> None:
    await api.projector.append(created(name="0"))
    await api.projector.catch_up()
    busy = True

    async def keep_reading() -> None:
        while busy:
            await asyncio.gather(*(api.get(f"insights/{INSIGHT}/") for _ in range(4)))

    readers = [asyncio.create_task(keep_reading()) for _ in range(2)]
    for number in range(1, 16):
        await api.projector.append(InsightRenamed(str(number), str(number - 1)))
        await api.projector.catch_up()
        assert (await api.get(f"insights/{INSIGHT}/")).json()["name"] == str(number)
    busy = False
    await asyncio.gather(*readers)
