"""Trends, stickiness and lifecycles against the bare scan: `python -m tests.bench.bench_trends`.

The unit is `sum(cityHash64(person_id, timestamp))` over the events of the series, in the same run.
Every figure is of the whole answer, from the query to its rows, as the service computes it. Beside
it stand plain statements over the same rows (plain_trends.py), for the engine and for DuckDB; of
comparisons and several series, the same insights one by one.

All of a row take turns, so that what else the machine does falls on each of them.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from duckdb import DuckDBPyConnection
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
from tests.bench import plain_trends as plain
from tests.bench.bench_funnels import CLOCK, settle
from tests.bench.plain_trends import Plain

TEAM, PERSONS, DAYS = 1, 100_000, 61
DATES = {"date_from": "2024-01-01", "date_to": "2024-03-01"}
FACTS = PlanningFacts(team_id=TEAM, now=datetime(2024, 6, 1, tzinfo=UTC))
HALF = {"date_from": "2024-01-31", "date_to": "2024-02-29"}
HALF_BEFORE = {"date_from": "2024-01-01", "date_to": "2024-01-30"}
ASKED = {"kind": "EventsNode", "event": "e1"}
"""Of ten names, the one with two fifths of the events."""

SCAN = Statement(
    "SELECT sum(cityHash64(person_id, timestamp)) FROM events"
    " WHERE team_id = {team:Int64} AND event = {event:String}",
    {"team": TEAM, "event": "e1"},
)


SLOW = 1.0
"""Seconds."""


class Case(msgspec.Struct, frozen=True):
    """goal: at most so many bare scans. plain: the same as it comes to mind; or its parts."""

    name: str
    query: dict[str, Any]
    goal: float
    plain: Plain | tuple[dict[str, Any], ...]


def cases() -> Iterator[Case]:
    yield Case("count per day", trend(), 1.2, plain.COUNT)
    yield Case("count per day, by 7 values", trend(by="v"), 2.5, plain.BY_FEW)
    yield Case("count per day, by 300 values", trend(by="w"), 4, plain.BY_MANY)
    yield Case("sum of a number", trend(math="sum", math_property="n"), 3, plain.SUM)
    yield Case("p90 of a number", trend(math="p90", math_property="n"), 4, plain.P90)
    yield Case("distinct persons", trend(math="dau"), 2.5, plain.PERSONS)
    by_few = trend(math="dau", by="v")
    yield Case("distinct persons, by 7 values", by_few, 7, plain.PERSONS_BY_FEW)
    yield Case("weekly active, sliding", trend(math="weekly_active"), 4, plain.active(7))
    yield Case("monthly active, sliding", trend(math="monthly_active"), 4, plain.active(30))
    first = trend(math="first_time_for_user")
    yield Case("first time for a user", first, 2.5, plain.FIRST_TIME)
    yield Case("average count per actor", trend(math="avg_count_per_actor"), 7, plain.COUNTS)
    yield Case("distinct sessions", trend(math="unique_session"), 7, plain.SESSIONS)
    yield Case("stickiness", of("StickinessQuery"), 2.5, plain.STICKINESS)
    often = of(
        "StickinessQuery",
        stickinessFilter={"stickinessCriteria": {"operator": "gte", "value": 2}},
    )
    yield Case("stickiness, 2 events or more", often, 4, plain.OFTEN)
    yield Case("lifecycle", of("LifecycleQuery"), 5, plain.LIFECYCLE)
    yield compared("count per day", 1.2, trend())
    yield compared("count per day, by 7 values", 2.5, trend(by="v"))
    yield compared("distinct persons", 2.5, trend(math="dau"))
    yield compared("weekly active", 4, trend(math="weekly_active"))
    yield compared("distinct persons as one value", 2.5, trend(math="dau", show="BoldNumber"))
    yield compared("stickiness", 2.5, of("StickinessQuery"))
    numbers = [{"math": math, "math_property": "n"} for math in ("sum", "avg", "p90")]
    yield several("sum, average and p90", 5, *numbers)
    values = [{"properties": [{"key": "v", "value": value}]} for value in "abc"]
    yield several("counts by three filters", 3, *values)
    yield several("persons by three filters", 5, *({"math": "dau"} | one for one in values))
    yield several("counts of three names", 3.6, *({"event": f"e{k}"} for k in (1, 2, 3)))


def compared(name: str, goal: float, query: dict[str, Any]) -> Case:
    """Thirty days with the thirty before; goal: of the longer range."""
    halves = tuple(query | {"dateRange": dates} for dates in (HALF, HALF_BEFORE))
    both = halves[0] | {"compareFilter": {"compare": True}}
    return Case(f"{name}, compared", both, goal, halves)


def several(name: str, goal: float, *series: dict[str, Any]) -> Case:
    parts = tuple(of("TrendsQuery", series=[ASKED | one]) for one in series)
    whole = of("TrendsQuery", series=[ASKED | one for one in series])
    return Case(name, whole, goal, parts)


def trend(by: str | None = None, show: str | None = None, **math: str) -> dict[str, Any]:
    breakdown = {} if by is None else {"breakdownFilter": {"breakdown": by}}
    shown = {} if show is None else {"trendsFilter": {"display": show}}
    return of("TrendsQuery", series=[ASKED | math], **breakdown, **shown)


def of(kind: str, **members: Any) -> dict[str, Any]:
    return {"kind": kind, "series": [ASKED], "dateRange": DATES} | members


async def fill(clickhouse: ClickHouse, rows: int) -> None:
    """A few people have most of the events, as people do: of the series, half have 11 or more."""
    await clickhouse.command(
        f"""INSERT INTO events (team_id, event, timestamp, uuid, distinct_id, person_id, session_id,
            properties)
        SELECT {TEAM}, if(name < 4, 'e1', concat('e', toString(2 + rand(5) % 9))),
            toDateTime64('2024-01-01 00:00:00', 6, 'UTC')
                + toIntervalMicrosecond(rand64(2) % {DAYS * 86_400 * 1_000_000}),
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


class Way(msgspec.Struct, frozen=True):
    """How it is measured. only: questions whose names contain it."""

    times: int
    clock: Callable[[], float]
    only: str


async def bench(clickhouse: ClickHouse, duck: DuckDBPyConnection, way: Way, live: Live) -> None:
    """live: shows the table as it grows."""
    columns = ("question", "seconds", "ratio", "goal", "plain", "DuckDB")
    table = Table(*columns, title=f"best of {way.times}")
    live.update(table)
    for case in (case for case in cases() if way.only in case.name):
        unit, ours, *others = await bests(
            [partial(clickhouse.query, SCAN), *runs(clickhouse, duck, case)], way
        )
        ratio = ours / unit
        style = "green" if ratio <= case.goal else "red"
        table.add_row(
            case.name,
            f"{ours:.3f}",
            f"[{style}]{ratio:.2f}[/]",
            f"≤ {case.goal:g}",
            *(f"{other / unit:.2f}" for other in others),
        )


def runs(
    clickhouse: ClickHouse, duck: DuckDBPyConnection, case: Case
) -> Iterator[Callable[[], Awaitable[object]]]:
    """Ours, the plain form, and DuckDB's."""
    yield answer(clickhouse, case.query)
    if isinstance(case.plain, Plain):
        yield partial(clickhouse.query, Statement(plain.for_engine(case.plain), {}))
        yield partial(of_duck, duck, case.plain.duckdb or case.plain.text)
        return
    parts = [answer(clickhouse, part) for part in case.plain]

    async def one_by_one() -> None:
        for part in parts:
            await part()

    yield one_by_one


async def of_duck(duck: DuckDBPyConnection, text: str) -> None:
    duck.execute(text).fetchall()


async def bests(runs: Sequence[Callable[[], Awaitable[object]]], way: Way) -> list[float]:
    """The fastest of so many runs of each, in seconds, which take turns; slow ones once."""
    fastest = [float("inf")] * len(runs)
    for _ in range(1 + way.times):
        for place, run in enumerate(runs):
            if SLOW < fastest[place] < float("inf"):
                continue
            began = way.clock()
            await run()
            fastest[place] = min(fastest[place], way.clock() - began)
    return fastest


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--cpu", action="store_true", help="processor time: others use the machine")
    parser.add_argument("--only", default="", help="questions whose names contain this")
    parser.add_argument("--times", type=int, default=6)
    asked = parser.parse_args()
    way = Way(asked.times, time.process_time if asked.cpu else CLOCK, asked.only)
    with tempfile.TemporaryDirectory() as name:
        url = f"chdb://{Path(name) / 'chdb'}"
        with Live(Text(f"{asked.rows:,} events are made …")) as live:
            async with await ClickHouse.open(
                url, QueryLimits(max_execution_seconds=300)
            ) as clickhouse:
                await fill(clickhouse, asked.rows)
                await settle(clickhouse)
                with await plain.duck(clickhouse, Path(name)) as duck:
                    await bench(clickhouse, duck, way, live)


if __name__ == "__main__":
    asyncio.run(main())
