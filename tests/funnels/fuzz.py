"""Random funnels over random histories: the SQL against the reference (`make fuzz`).

A case is one actor's history in one funnel. Ends at the first mismatch, made small; its seed makes
the same run again.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Iterator
from random import Random, SystemRandom

import msgspec

from services.common.clickhouse import ClickHouse
from services.query.insights.funnels.plan import FunnelPlan, Order
from services.query.insights.funnels.statement import actors
from tests.funnels.difference import difference
from tests.funnels.engine import store
from tests.funnels.people_difference import people_difference
from tests.funnels.plans import make_plan
from tests.funnels.shrink import Mismatch, shrink
from tests.funnels.stories import Viz
from tests.funnels.worlds import World, make_long_world, make_world

LONG_FUNNELS = (16, 33, 40, 64)


class Course(msgspec.Struct, frozen=True, kw_only=True):
    """What a run tries; order, viz: None is any.

    actors, funnels: of each world. long: one world in this many has long funnels, and a tenth of
    the actors, who do much more.
    """

    seed: int
    actors: int = 1_000
    funnels: int = 20
    order: Order | None = None
    viz: Viz | None = None
    long: int = 25


def trials(course: Course) -> Iterator[tuple[World, list[FunnelPlan]]]:
    """Worlds without end, each with its funnels; the number of a world is its team."""
    for team_id in range(1, sys.maxsize):
        random = Random(f"{course.seed}/{team_id}")
        steps = random.choice(LONG_FUNNELS) if team_id % course.long == 0 else None
        if steps:
            world = make_long_world(random, course.actors // 10, steps)
        else:
            world = make_world(random, course.actors)
        yield (
            world,
            [
                make_plan(random, world, team_id, order=course.order, viz=course.viz, steps=steps)
                for _ in range(course.funnels)
            ],
        )


async def run(
    clickhouse: ClickHouse, course: Course, cases: int, progress: "Progress"
) -> Mismatch | None:
    """The first mismatch in so many cases, not yet shrunk."""
    for world, plans in trials(course):
        await store(clickhouse, plans[0].team_id, world.histories.items())
        for number, plan in enumerate(plans):
            if progress.cases >= cases:
                return None
            checks = (difference, people_difference) if number % 4 == 0 else (difference,)
            for check in checks:
                if differs := await check(clickhouse, plan, world.histories):
                    return Mismatch(check, plan, world.histories, differs)
            progress.add(len(world.histories))
        await clickhouse.command("TRUNCATE TABLE events")
    return None


class Progress:
    """Cases so far, on one line that is written again at most once a second."""

    def __init__(self, of: int, *, shown: bool) -> None:
        self.cases, self.of, self.shown = 0, of, shown
        self.began = self.wrote = time.monotonic()

    def add(self, cases: int) -> None:
        self.cases += cases
        now = time.monotonic()
        if self.shown and now - self.wrote >= 1:
            self.wrote = now
            rate = self.cases / (now - self.began)
            print(f"\r{self.cases:,} of {self.of:,} cases, {rate:,.0f}/s", end="", file=sys.stderr)


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--order", choices=("ordered", "strict", "unordered"))
    parser.add_argument("--viz", choices=("steps", "trends", "time_to_convert"))
    parser.add_argument(
        "--busy", type=int, help="of how many events on an actor goes by the reference, not a fold"
    )
    asked = parser.parse_args()
    seed = asked.seed if asked.seed is not None else SystemRandom().getrandbits(32)
    print(f"seed {seed}")
    if asked.busy is not None:
        actors.BUSY = asked.busy
    with tempfile.TemporaryDirectory() as folder:
        async with await ClickHouse.open(f"chdb://{folder}/chdb?database=fuzz") as clickhouse:
            progress = Progress(asked.cases, shown=sys.stderr.isatty())
            course = Course(seed=seed, order=asked.order, viz=asked.viz)
            found = await run(clickhouse, course, asked.cases, progress)
            print(f"\n{progress.cases:,} cases agree")
            if found is None:
                return 0
            print(f"and one does not:\n{await shrink(clickhouse, found)}")
            return 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
