"""Random insights over random worlds: the engine against the reference (`make fuzz`).

A case is one query over one world. Ends at the first mismatch; its seed makes the same run again.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from random import Random, SystemRandom
from typing import Any

import msgspec

from services.common.clickhouse import ClickHouse, QueryTimeout
from tests.trends import differences
from tests.trends.cases import Case, make_case, make_lifecycle, make_stickiness, make_trends
from tests.trends.engine import clear, store

PLANS = 10
"""Queries of each world."""


class Kind(msgspec.Struct, frozen=True):
    """make: a random plan. differs: where the answers to it differ, in words."""

    make: Callable[[Random, Case], Any]
    differs: Callable[[ClickHouse, Case, Any, Random], Awaitable[str | None]]


KINDS: Mapping[str, Kind] = {
    "trends": Kind(make_trends, differences.trend),
    "stickiness": Kind(make_stickiness, differences.stickiness),
    "lifecycle": Kind(make_lifecycle, differences.lifecycle),
}


async def run(
    clickhouse: ClickHouse, kind: Kind, seed: object, cases: int, *, events: int = 60
) -> str | None:
    """The first mismatch in so many cases."""
    for team_id in range(1, -(-cases // PLANS) + 1):
        random = Random(f"{seed}/{team_id}")
        case = make_case(random, team_id, events=events)
        await store(clickhouse, team_id, case.world)
        for _ in range(PLANS):
            plan = kind.make(random, case)
            if found := await _differs(clickhouse, kind, case, plan, random):
                return f"world {seed}/{team_id}, {plan}\n{found}"
    await clear(clickhouse)
    return None


async def _differs(
    clickhouse: ClickHouse, kind: Kind, case: Case, plan: Any, random: Random
) -> str | None:
    """A statement that ran out of time is asked again: on a crowded machine that is no mismatch."""
    state = random.getstate()
    try:
        return await kind.differs(clickhouse, case, plan, random)
    except QueryTimeout:
        random.setstate(state)
    try:
        return await kind.differs(clickhouse, case, plan, random)
    except QueryTimeout as error:
        return f"ran out of time twice: {error}"


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--kind", choices=sorted(KINDS))
    asked = parser.parse_args()
    seed = asked.seed if asked.seed is not None else SystemRandom().getrandbits(32)
    kinds = [asked.kind] if asked.kind else sorted(KINDS)
    print(f"seed {seed}")
    with tempfile.TemporaryDirectory() as folder:
        async with await ClickHouse.open(f"chdb://{folder}/chdb?database=fuzz") as clickhouse:
            for name in kinds:
                began = time.monotonic()
                found = await run(clickhouse, KINDS[name], f"{seed}/{name}", asked.cases)
                if found is not None:
                    print(f"{name} differs:\n{found}")
                    return 1
                took = time.monotonic() - began
                print(f"{asked.cases:,} cases of {name} agree, in {took:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
