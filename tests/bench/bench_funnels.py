"""Funnels against the bare scan of their rows: `python -m tests.bench.bench_funnels [--rows N]`.

The unit is `sum(cityHash64(person_id, timestamp))` over the events a funnel looks at, in the same
run. Every figure is of the whole answer (counts, means, medians), as the service computes it.
Memory is the most that the whole process held meanwhile, with the engine inside it.
"""

import argparse
import asyncio
import resource
import tempfile
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import duckdb
import msgspec
from rich.live import Live
from rich.table import Table
from rich.text import Text

from services.common.clickhouse import ClickHouse, QueryLimits
from services.common.clickhouse.engine import Row
from services.common.clickhouse.statement import Statement
from services.query.events.breakdown import PropertyKey
from services.query.events.conditions import AllOf, AnyCondition, EventNamed, PropertyIs
from services.query.insights.funnels.compute import compute
from services.query.insights.funnels.plan import (
    ByProperty,
    Exclusion,
    FirstTouch,
    FunnelPlan,
    LastTouch,
    Step,
    TimesView,
    TrendView,
)
from tests.waiting import seen

FROM = datetime(2024, 1, 1, tzinfo=UTC)
DAYS = 30
NAMES = [f"e{k}" for k in range(1, 65)]
DAY = 86_400

MAIN, TIED_SOME, TIED_ALL, DEEP, BIG = 1, 2, 3, 4, 5
"""The teams: random people; 1 % and all of them with ties; all steps in order; one actor."""

BIG_ROWS = 2_000_000
COLUMNS = "team_id, event, timestamp, uuid, distinct_id, person_id, properties"
CLOCK: Callable[[], float] = time.perf_counter


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """goal: of the issue; of: the case whose time is the unit, instead of the bare scan."""

    name: str
    plan: FunnelPlan
    goal: float
    of: str | None = None


def funnel(names: Sequence[str], **fields: object) -> FunnelPlan:
    steps = tuple(step(EventNamed(names=(name,))) for name in names)
    plan = FunnelPlan(
        team_id=MAIN,
        steps=steps,
        date_from=FROM,
        date_to=FROM + timedelta(days=DAYS),
        now=FROM + timedelta(days=DAYS),
    )
    return msgspec.structs.replace(plan, **fields)


def step(matches: AnyCondition, *, optional: bool = False) -> Step:
    return Step(matches=matches, entity=matches, optional=optional, action_id=None, name=None)


def cases() -> Iterator[Case]:
    three = NAMES[:3]
    twice = [NAMES[0], NAMES[1], NAMES[0]]
    exclusion = Exclusion(matches=EventNamed(names=(NAMES[3],)), from_step=0, to_step=2)
    by_v = ByProperty(keys=(PropertyKey("event", "v"),))
    has_v = PropertyIs(type="event", key="v", operator="exact", values=("a", "b"))
    filtered = [step(AllOf(conditions=(EventNamed(names=(name,)), has_v))) for name in three]
    optional = [step(EventNamed(names=(name,)), optional=name == "e2") for name in NAMES[:4]]
    yield Case(name="ordered, 3 steps", plan=funnel(three), goal=5)
    yield Case(name="ordered, 8 steps", plan=funnel(NAMES[:8]), goal=7)
    yield Case(name="ordered, 64 steps", plan=funnel(NAMES), goal=16)
    yield Case(name="64 steps, everybody deep", plan=funnel(NAMES, team_id=DEEP), goal=36)
    yield Case(
        name="a property filter per step",
        plan=funnel(three, steps=tuple(filtered)),
        goal=1.3,
        of="ordered, 3 steps",
    )
    yield Case(name="exclusion, 3 steps", plan=funnel(three, exclusions=(exclusion,)), goal=10)
    yield Case(name="strict, 3 steps", plan=funnel(three, order="strict"), goal=7)
    yield Case(name="unordered, 3 steps", plan=funnel(three, order="unordered"), goal=6)
    yield Case(name="A, B, A: nobody tied", plan=funnel(twice), goal=8)
    yield Case(name="A, B, A: 1 % tied", plan=funnel(twice, team_id=TIED_SOME), goal=13)
    yield Case(name="A, B, A: all tied", plan=funnel(twice, team_id=TIED_ALL), goal=30)
    yield Case(name="optional, 4 steps", plan=funnel(NAMES[:4], steps=tuple(optional)), goal=10)
    # What most people have done, so that hardly anybody is told quickly.
    common = Exclusion(matches=EventNamed(names=(NAMES[4],)), from_step=0, to_step=3)
    excluded = funnel(NAMES[:4], steps=tuple(optional), exclusions=(common,))
    yield Case(name="optional, 4 steps, exclusion", plan=excluded, goal=70)
    for named, attribution in (("first_touch", FirstTouch()), ("last_touch", LastTouch())):
        breakdown = msgspec.structs.replace(by_v, attribution=attribution)
        yield Case(
            name=f"by property, {named}",
            plan=funnel(three, breakdown=breakdown),
            goal=1.5,
            of="ordered, 3 steps",
        )
    trend = TrendView(from_step=1, to_step=3)
    yield Case(name="trends by day", plan=funnel(three, view=trend), goal=8)
    yield Case(
        name="trends by day, exclusion",
        plan=funnel(three, view=trend, exclusions=(exclusion,)),
        goal=70,
    )
    times = TimesView(from_step=1, to_step=3)
    yield Case(name="time to convert", plan=funnel(three, view=times), goal=6)


async def fill(clickhouse: ClickHouse, rows: int) -> None:
    """Events named by Zipf's law; a few people have most of them, as people do."""
    people = rows // 50
    for team, tied in ((MAIN, "0"), (TIED_SOME, "p % 100 = 0"), (TIED_ALL, "1")):
        # Tied people have all their events on whole hours.
        await clickhouse.command(
            f"""INSERT INTO events ({COLUMNS})
            SELECT {team}, concat('e', toString(least(64, toUInt8(floor(exp(4.16 * u)))))),
                if({tied}, toStartOfHour(at), at), generateUUIDv4(), '',
                reinterpretAsUUID(sipHash128(p)), concat('{{"v":"', substring('abcd', v, 1), '"}}')
            FROM (SELECT toUInt64({people} * pow(rand(1) / 4294967296, 2)) AS p,
                rand(2) / 4294967296 AS u, 1 + rand(4) % 4 AS v,
                {_random_time(3)} AS at
                FROM numbers({rows if team == MAIN else rows // 2}))"""
        )
    await clickhouse.command(
        f"""INSERT INTO events ({COLUMNS}) SELECT {DEEP}, concat('e', toString(1 + number % 64)),
            toDateTime64('2024-01-02 00:00:00', 6, 'UTC') + INTERVAL number % 64 MINUTE,
            generateUUIDv4(), '', reinterpretAsUUID(sipHash128(intDiv(number, 64))), '{{}}'
        FROM numbers({rows // 4})"""
    )


async def settle(clickhouse: ClickHouse) -> None:
    """Until the engine has merged what came in, and for some seconds begins no merge more: it would
    go on while others are measured.
    """
    merges = Statement("SELECT count() FROM system.merges", {})
    looks = deque[int](maxlen=150)

    def is_quiet(rows: list[Row]) -> bool:
        looks.append(rows[0][0])
        return len(looks) == looks.maxlen and not any(looks)

    await seen(lambda: clickhouse.query(merges), is_quiet, seconds=600)


async def fill_big_actor(clickhouse: ClickHouse) -> None:
    await clickhouse.command(
        f"""INSERT INTO events ({COLUMNS}) SELECT {BIG}, concat('e', toString(1 + rand(1) % 3)),
            toDateTime64(toDateTime({_random_time(2)}), 6, 'UTC'), generateUUIDv4(), '',
            reinterpretAsUUID(sipHash128(1)), '{{}}' FROM numbers({BIG_ROWS})"""
    )


def _random_time(seed: int) -> str:
    micros = f"intDiv(toUInt64(rand({seed})) * {DAYS * DAY * 1_000_000}, 4294967296)"
    return (
        f"toDateTime64('2024-01-01 00:00:00', 6, 'UTC') + "
        f"toIntervalMicrosecond({micros} + rand({seed + 10}) % 1000000)"
    )


async def best(run: Callable[[], Awaitable[object]], times: int) -> float:
    """The fastest of so many runs, in seconds, after one that warms the engine up."""
    fastest = float("inf")
    await run()
    for _ in range(times):
        began = CLOCK()
        await run()
        fastest = min(fastest, CLOCK() - began)
    return fastest


def scan(plan: FunnelPlan) -> Statement:
    """The bare scan of the rows that the plan looks at."""
    wanted = [step.matches for step in plan.steps] + [
        exclusion.matches for exclusion in plan.exclusions
    ]
    names = sorted({name for condition in wanted for name in _names(condition)})
    where = "" if plan.order == "strict" else " AND event IN {names:Array(String)}"
    return Statement(
        "SELECT sum(cityHash64(person_id, timestamp)) FROM events "
        f"WHERE team_id = {{team:Int64}}{where}",
        {"team": plan.team_id, "names": names},
    )


def _names(condition: AnyCondition) -> Iterator[str]:
    match condition:
        case EventNamed(names=names):
            yield from names
        case AllOf(conditions=parts):
            for part in parts:
                yield from _names(part)
        case _:
            return


def window_funnel(names: Sequence[str]) -> Statement:
    """ClickHouse's own: counts only, and not exact."""
    steps = ", ".join(f"event = '{name}'" for name in names)
    return Statement(
        "SELECT level, count() FROM (SELECT person_id, windowFunnel({window:UInt64})"
        f"(toUInt64(toUnixTimestamp64Micro(timestamp)), {steps}) AS level FROM events "
        "WHERE team_id = {team:Int64} AND event IN {names:Array(String)} GROUP BY person_id) "
        "GROUP BY level",
        {"window": 14 * DAY * 1_000_000, "team": MAIN, "names": list(names)},
    )


ASOF = """
WITH first AS (SELECT person_id AS p, timestamp AS t FROM events WHERE event = 'e1'),
    second AS (SELECT person_id AS p, timestamp AS t FROM events WHERE event = 'e2'),
    third AS (SELECT person_id AS p, timestamp AS t FROM events WHERE event = 'e3'),
    two AS (SELECT first.p, first.t AS t1, second.t AS t2
        FROM first ASOF LEFT JOIN second ON first.p = second.p AND first.t <= second.t),
    three AS (SELECT two.*, third.t AS t3
        FROM two ASOF LEFT JOIN third ON two.p = third.p AND two.t2 <= third.t)
SELECT count(DISTINCT p), count(DISTINCT p) FILTER (t2 - t1 <= 1209600000000),
    count(DISTINCT p) FILTER (t3 - t1 <= 1209600000000) FROM three
"""


async def asof(clickhouse: ClickHouse, folder: Path, times: int) -> float:
    """DuckDB's ASOF-join form over the same rows: counts only."""
    file = folder / "events.parquet"
    await clickhouse.command(
        f"INSERT INTO FUNCTION file('{file}', Parquet) "
        "SELECT toString(person_id) AS person_id, toUnixTimestamp64Micro(timestamp) AS timestamp, "
        f"event FROM events WHERE team_id = {MAIN} AND event IN ('e1', 'e2', 'e3')"
    )
    with duckdb.connect() as connection:
        connection.execute("SET threads = 2")
        connection.execute(
            "CREATE TABLE events AS SELECT person_id::UUID AS person_id, timestamp, event "
            f"FROM '{file}'"
        )

        async def run() -> None:
            connection.execute(ASOF).fetchall()

        return await best(run, times)


class Memory:
    """The process' peak, in MB, as Linux tells it; elsewhere the peak since the process began."""

    def __init__(self) -> None:
        self._reset = Path("/proc/self/clear_refs")

    def watch(self) -> None:
        if self._reset.exists():
            self._reset.write_text("5")

    def peak(self) -> int:
        if not self._reset.exists():
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        status = Path("/proc/self/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) // 1024


async def bench(clickhouse: ClickHouse, folder: Path, rows: int, times: int, live: Live) -> None:
    """live: shows the table as it grows."""
    table = Table(
        *("funnel", "seconds", "ratio", "goal", "peak MB"),
        title=f"{rows:,} events, best of {times}",
    )
    live.update(table)
    seconds: dict[str, float] = {}
    memory = Memory()
    for case in cases():
        memory.watch()
        if case.of:
            unit = seconds[case.of]
        else:
            unit = await best(partial(clickhouse.query, scan(case.plan)), times)
        answer = partial(compute, clickhouse, case.plan, has_overrides=False)
        seconds[case.name] = await best(answer, times)
        ratio = seconds[case.name] / unit
        _row(table, case.name, seconds[case.name], ratio, case.goal, memory.peak())
    ours = seconds["ordered, 3 steps"]
    of_windows = await best(lambda: clickhouse.query(window_funnel(NAMES[:3])), times)
    _row(table, "ours : windowFunnel (counts only)", of_windows, ours / of_windows, 1.1)
    of_joins = await asof(clickhouse, folder, times)
    _row(table, "ours : DuckDB's ASOF joins (counts only)", of_joins, ours / of_joins, 0.35)
    await fill_big_actor(clickhouse)
    memory.watch()
    big = funnel(NAMES[:3], team_id=BIG)
    took = await best(lambda: compute(clickhouse, big, has_overrides=False), 1)
    _row(table, f"one actor, {BIG_ROWS:,} events (seconds)", took, took, 3, memory.peak())


def _row(
    table: Table, name: str, seconds: float, ratio: float, goal: float, peak: int | None = None
) -> None:
    style = "green" if ratio <= goal else "red"
    told = "" if peak is None else f"{peak:,}"
    table.add_row(name, f"{seconds:.3f}", f"[{style}]{ratio:.2f}[/]", f"≤ {goal:g}", told)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--times", type=int, default=6)
    parser.add_argument("--cpu", action="store_true", help="CPU time: for a machine that is busy")
    asked = parser.parse_args()
    global CLOCK
    CLOCK = time.process_time if asked.cpu else time.perf_counter
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        url = f"chdb://{folder / 'chdb'}"
        # A table on a terminal grows row by row; in a file it comes whole, at the end.
        with Live(Text(f"{asked.rows:,} events are made …")) as live:
            async with await ClickHouse.open(
                url, QueryLimits(max_execution_seconds=300)
            ) as clickhouse:
                await fill(clickhouse, asked.rows)
                await settle(clickhouse)
                await bench(clickhouse, folder, asked.rows, asked.times, live)


if __name__ == "__main__":
    asyncio.run(main())
