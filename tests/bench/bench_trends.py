"""Trends, stickiness and lifecycles against the bare scan: `python -m tests.bench.bench_trends`.

The unit is `sum(cityHash64(person_id, timestamp))` over the events of the series, in the same run.
Every figure is of the whole answer, from the query to its rows, as the service computes it.
"""

import argparse
import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from rich.live import Live
from rich.table import Table
from rich.text import Text

from contracts.queries.lifecycle import LifecycleQuery
from contracts.queries.reading import read
from contracts.queries.stickiness import StickinessQuery
from contracts.queries.trends import TrendsQuery
from services.common.clickhouse import ClickHouse, QueryLimits
from services.common.clickhouse.statement import Statement
from services.query.events.facts import PlanningFacts
from services.query.insights.lifecycle import compute as lifecycle
from services.query.insights.lifecycle.planning import plan_lifecycle
from services.query.insights.stickiness import compute as stickiness
from services.query.insights.stickiness.planning import plan_stickiness
from services.query.insights.trends import compute as trends
from services.query.insights.trends.planning import plan_trends
from tests.bench.bench_funnels import best, settle

TEAM, PERSONS, DAYS = 1, 100_000, 61
DATES = {"date_from": "2024-01-01", "date_to": "2024-03-01"}
FACTS = PlanningFacts(team_id=TEAM, now=datetime(2024, 6, 1, tzinfo=UTC))
ASKED = {"kind": "EventsNode", "event": "e1"}
"""Of ten names, the one with two fifths of the events."""

SCAN = Statement(
    "SELECT sum(cityHash64(person_id, timestamp)) FROM events"
    " WHERE team_id = {team:Int64} AND event = {event:String}",
    {"team": TEAM, "event": "e1"},
)


class Case(msgspec.Struct, frozen=True):
    """goal: at most so many bare scans."""

    name: str
    query: dict[str, Any]
    goal: float


def cases() -> Iterator[Case]:
    yield Case("count per day", trend(), 1.2)
    yield Case("count per day, by 7 values", trend(by="v"), 2.5)
    yield Case("count per day, by 300 values", trend(by="w"), 4)
    yield Case("sum of a number", trend(math="sum", math_property="n"), 3)
    yield Case("p90 of a number", trend(math="p90", math_property="n"), 4)
    yield Case("distinct persons", trend(math="dau"), 2.5)
    yield Case("distinct persons, by 7 values", trend(math="dau", by="v"), 7)
    yield Case("weekly active, sliding", trend(math="weekly_active"), 4)
    yield Case("monthly active, sliding", trend(math="monthly_active"), 4)
    yield Case("first time for a user", trend(math="first_time_for_user"), 2.5)
    yield Case("average count per actor", trend(math="avg_count_per_actor"), 7)
    yield Case("distinct sessions", trend(math="unique_session"), 7)
    yield Case("stickiness", of("StickinessQuery"), 2.5)
    often = {"stickinessCriteria": {"operator": "gte", "value": 2}}
    yield Case("stickiness, 2 events or more", of("StickinessQuery", stickinessFilter=often), 4)
    yield Case("lifecycle", of("LifecycleQuery"), 5)


def trend(by: str | None = None, **math: str) -> dict[str, Any]:
    breakdown = {} if by is None else {"breakdownFilter": {"breakdown": by}}
    return of("TrendsQuery", series=[ASKED | math], **breakdown)


def of(kind: str, **members: Any) -> dict[str, Any]:
    return {"kind": kind, "series": [ASKED], "dateRange": DATES} | members


async def fill(clickhouse: ClickHouse, rows: int) -> None:
    """A few people have most of the events, as people do: of the series, half have 11 or more."""
    await clickhouse.command(
        f"""INSERT INTO events (team_id, event, timestamp, uuid, distinct_id, person_id, session_id,
            properties)
        SELECT {TEAM}, if(name < 4, 'e1', concat('e', toString(2 + rand(5) % 9))),
            toDateTime64('2024-01-01 00:00:00', 6, 'UTC') + toIntervalMicrosecond(
                intDiv(toUInt64(rand(2)) * {DAYS * 86_400 * 1_000_000}, 4294967296)),
            generateUUIDv4(), '', reinterpretAsUUID(sipHash128(p)),
            concat(toString(p), '-', toString(rand(6) % 8)),
            concat('{{"v":"', substring('abcdefg', 1 + rand(7) % 7, 1), '","w":"w',
                toString(rand(8) % 300), '","n":', toString(rand(9) % 10000 / 100), '}}')
        FROM (SELECT toUInt64({PERSONS} * pow(rand(1) / 4294967296, 3)) AS p, rand(3) % 10 AS name
            FROM numbers({rows}))"""
    )
    await clickhouse.command(
        f"""INSERT INTO persons (team_id, person_id, properties, is_identified, created_at, deleted,
            version)
        SELECT {TEAM}, reinterpretAsUUID(sipHash128(number)), '{{}}', true,
            toDateTime64('2023-12-15 00:00:00', 6, 'UTC') + INTERVAL number % 60 DAY, false, 1
        FROM numbers({PERSONS})"""
    )


def answer(clickhouse: ClickHouse, query: dict[str, Any]) -> Callable[[], Awaitable[object]]:
    """Reads, plans and computes it."""

    async def run() -> object:
        node = read(query)
        match node:
            case TrendsQuery():
                plan = plan_trends(node, FACTS)
                return await trends.compute(clickhouse, plan, has_overrides=False)
            case StickinessQuery():
                sticky = plan_stickiness(node, FACTS)
                return await stickiness.compute(clickhouse, sticky, has_overrides=False)
            case LifecycleQuery():
                life = plan_lifecycle(node, FACTS)
                return await lifecycle.compute(clickhouse, life, has_overrides=False)
            case other:
                raise TypeError(f"not measured here: {other!r}")

    return run


async def bench(clickhouse: ClickHouse, rows: int, times: int, live: Live) -> None:
    """live: shows the table as it grows. The unit is measured anew beside each question."""
    table = Table("question", "seconds", "ratio", "goal", title=f"{rows:,} events, best of {times}")
    live.update(table)
    for case in cases():
        unit = await best(partial(clickhouse.query, SCAN), times)
        seconds = await best(answer(clickhouse, case.query), times)
        ratio = seconds / unit
        style = "green" if ratio <= case.goal else "red"
        told = (f"{seconds:.3f}", f"[{style}]{ratio:.2f}[/]", f"≤ {case.goal:g}")
        table.add_row(case.name, *told)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--times", type=int, default=6)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        url = f"chdb://{Path(name) / 'chdb'}"
        with Live(Text(f"{asked.rows:,} events are made …")) as live:
            async with await ClickHouse.open(
                url, QueryLimits(max_execution_seconds=300)
            ) as clickhouse:
                await fill(clickhouse, asked.rows)
                await settle(clickhouse)
                await bench(clickhouse, asked.rows, asked.times, live)


if __name__ == "__main__":
    asyncio.run(main())
