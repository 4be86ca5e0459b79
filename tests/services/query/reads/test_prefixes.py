"""The past is what a fresh system answers that has replayed only the facts up to there."""

import random
from collections.abc import Mapping
from typing import Any

import pytest

from tests import servers
from tests.services.query.reads.past import LISTS, ONES, History, operation
from tests.services.query.reads.reading import Reading, reading
from tests.services.query.reads.test_as_of import told

PATHS = (*LISTS, *ONES)
CASES = 150
"""Of the long run."""


async def written(url: str, seed: int, operations: int) -> tuple[list[int], Mapping[str, str]]:
    """A history of which nothing is projected. Gives the ends of its operations, and keys."""
    history = History(seed)
    async with reading(url) as api:
        ends = [
            await operation(api.projector, *next(history), by=history.actor)
            for _ in range(operations)
        ]
        return ends, api.keys


async def cut(api: Reading, end: int) -> None:
    """As if nothing had ever come after this position."""
    await api.projector.execute("DELETE FROM log WHERE notification_id > %s", end)
    await api.projector.execute(
        "UPDATE log_heads h SET (seq, hash) = (SELECT team_seq, log.hash FROM log"
        " WHERE log.team_id = h.team_id ORDER BY team_seq DESC LIMIT 1)"
    )


async def compare(databases: servers.Databases, seed: int, operations: int, cuts: int) -> int:
    """The number of answers that were the same."""
    same = 0
    with databases.migrated() as url:
        ends, keys = await written(url, seed, operations)
        then: dict[int, dict[str, tuple[int, Any]]] = {}
        for end in random.Random(seed).sample(ends, cuts):
            with databases.copied(url) as copy:
                async with reading(copy, keys) as fresh:
                    await cut(fresh, end)
                    assert await fresh.projector.catch_up() == end
                    then[end] = {path: await told(fresh, path) for path in PATHS}
        async with reading(url, keys) as api:
            assert await api.projector.catch_up() == ends[-1]
            for end, answers in then.items():
                for path, answer in answers.items():
                    now = await told(api, f"{path}&as_of=p{end}")
                    if answer != now:
                        # What was deleted has no present; its past shows that it was.
                        (status, _), body = answer, now[1]
                        assert (status, now[0]) == (404, 200), (seed, end, path, answer, now)
                        assert body.get("deleted") or "results" in body or "sharing" in path
                    else:
                        same += 1
    return same


@pytest.mark.parametrize("seed", range(3))
async def test_as_of_is_what_a_replay_of_the_prefix_answers(
    databases: servers.Databases, seed: int
) -> None:
    assert await compare(databases, seed, operations=25, cuts=2) > len(PATHS)


@pytest.mark.fuzz
async def test_as_of_is_what_a_replay_answers_of_many_histories(
    databases: servers.Databases,
) -> None:
    for _ in range(CASES):
        assert await compare(databases, random.getrandbits(32), operations=40, cuts=3) > 0
