"""The funnel purchase → purchase → purchase over real purchases, against a bare read of their rows.

All three steps are one event, so each event may take any of them: the form with several steps per
event, on few events (69,659), where planning and parsing weigh most.
"""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from statistics import median
from uuid import UUID, uuid5

import msgspec

from services.common.clickhouse import ClickHouse
from services.common.clickhouse.statement import Statement
from services.query.events.conditions import EventNamed
from services.query.insights.funnels.compute import compute
from services.query.insights.funnels.plan import FunnelPlan, Step
from tests.cdnow import DATE_FROM, DATE_TO, PURCHASES, purchases

TEAM = 1
ROUNDS = 15
IDS = UUID("00000000-0000-5000-8000-00000000000b")
SCAN = Statement(
    "SELECT sum(cityHash64(person_id, timestamp)) FROM events"
    " WHERE team_id = {team:Int64} AND event = {event:String}",
    {"team": TEAM, "event": "purchase"},
)
BOUGHT = Step(
    matches=EventNamed(names=("purchase",)),
    entity=EventNamed(names=("purchase",)),
    action_id="purchase",
    name="purchase",
)


def funnel(window_days: int) -> FunnelPlan:
    return FunnelPlan(
        team_id=TEAM,
        steps=(BOUGHT, BOUGHT, BOUGHT),
        window_seconds=window_days * 86_400,
        date_from=DATE_FROM,
        date_to=DATE_TO,
        now=datetime.now(UTC),
    )


async def fill(clickhouse: ClickHouse) -> int:
    """The number of events."""
    bought = [one for customer in purchases().values() for one in customer]
    await clickhouse.insert(
        "events",
        {
            "team_id": [TEAM] * len(bought),
            "event": ["purchase"] * len(bought),
            "timestamp": [one.at for one in bought],
            "uuid": [uuid5(IDS, f"{one.customer} {one.at}") for one in bought],
            "distinct_id": [one.customer for one in bought],
            "person_id": [uuid5(IDS, one.customer) for one in bought],
            "properties": [
                msgspec.json.encode({"cds": one.cds, "value": one.value}).decode() for one in bought
            ],
            "sent": ["{}"] * len(bought),
            "inserted_at": [datetime.now(UTC)] * len(bought),
        },
    )
    return len(bought)


async def milliseconds(run: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await run()
    return (time.perf_counter() - began) * 1000


async def measure(clickhouse: ClickHouse) -> None:
    print(f"{await fill(clickhouse):,} purchases")
    for days in (30, 365):
        plan = funnel(days)
        scans, funnels = [], []
        for _ in range(ROUNDS):
            scans.append(await milliseconds(partial(clickhouse.query, SCAN)))
            funnels.append(
                await milliseconds(partial(compute, clickhouse, plan, has_overrides=False))
            )
        ratios = [one / scan for one, scan in zip(funnels, scans, strict=True)]
        print(
            f"window of {days:3} days   {median(funnels):6.1f} ms"
            f"   {median(ratios):5.1f} times a bare read ({median(scans):.1f} ms)"
        )


async def run() -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with await ClickHouse.open(f"chdb://{folder}/chdb") as clickhouse:
            await measure(clickhouse)


def main() -> None:
    if PURCHASES.exists():
        asyncio.run(run())
    else:
        print("left out: cdnow_purchases.txt is not there; RECOUNT_SHARED says where it is")


if __name__ == "__main__":
    main()
