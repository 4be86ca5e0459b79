"""`python -m tests.bench.sizing`: docs/sizing.md, made of docs/figures.md and four numbers.

    python -m tests.bench.sizing --events-per-day 1e9 --projects 10000 --properties 9 --days 365

With other numbers than the page's own, it is printed and not written.
"""

import argparse
import re
from math import ceil
from pathlib import Path

import msgspec

DOCS = Path(__file__).parents[2] / "docs"
FIGURES = DOCS / "figures.md"
PAGE = DOCS / "sizing.md"

DAY_SECONDS = 86_400
# What nobody measures here: assumptions, each told on the page.
PEAK = 3
LARGEST_SHARE = 0.10
HALF_BUSY = 2
SINGLES_SHARE = 0.5
UUID_DAYS = 90
CAPTURE_DAYS = 3
CHANGES_PER_PROJECT = 1_000
FUNNELS_PER_PROJECT = 200
FUNNEL_DAYS = 30
CACHED = 0.7
FUNNEL_PEAK = 5
NODE_CORES = 32
NODE_TB = 12.0
REPLICAS = 2
NATS_REPLICAS = 3
MESSAGES_PER_STREAM = 4_400
BATCH = 100
COMPRESSED = 0.5


class Needed(msgspec.Struct, frozen=True):
    """A deployment, in four numbers. days: for which product events are kept."""

    events_per_day: float = 1e9
    projects: int = 10_000
    properties: int = 9
    days: int = 365


class Figures(msgspec.Struct, frozen=True):
    """What was measured, of the page of figures.

    event_bytes, message_bytes: of few and of many properties, with how many these are.
    """

    durable: float
    queryable: float
    writes: float
    appends: float
    funnel_seconds: float
    funnel_events: float
    few: int
    many: int
    event_bytes: tuple[float, float]
    message_bytes: tuple[float, float]
    uuid_bytes: float
    entry_bytes: float


class Missing(ValueError):
    """The page of figures does not say what sizing rests on."""


def figures(text: str) -> Figures:
    """Raises Missing."""
    durable, queryable = _numbers(text, r"([\d,]+) a second to durable, ([\d,]+) to queryable")
    (writes,) = _numbers(text, r"PATCH of a name .*?\| ([\d,]+) \|")
    (appends,) = _numbers(text, r"64 producers \|[^|]*\| ([\d,]+)/s")
    (events,) = _numbers(text, r"\*\*Funnels\*\*, (\d+) million events")
    (seconds,) = _numbers(text, r"ordered, 3 steps \(([\d.]+) s\)")
    few = _numbers(text, r"event of (9) properties \| ([\d.]+) B \| ([\d.]+) B \| ([\d.]+) B")
    many = _numbers(text, r"event of (29) properties \| ([\d.]+) B \| ([\d.]+) B \| ([\d.]+) B")
    (entry,) = _numbers(text, r"entry of the log \| ([\d.]+) B")
    return Figures(
        durable=durable,
        queryable=queryable,
        writes=writes,
        appends=appends,
        funnel_seconds=seconds,
        funnel_events=events * 1e6,
        few=int(few[0]),
        many=int(many[0]),
        event_bytes=(few[1], many[1]),
        uuid_bytes=few[2],
        message_bytes=(few[3], many[3]),
        entry_bytes=entry,
    )


def _numbers(text: str, pattern: str) -> list[float]:
    found = re.search(pattern, text)
    if found is None:
        raise Missing(f"docs/figures.md has nothing like {pattern!r}")
    return [float(group.replace(",", "")) for group in found.groups()]


def page(measured: Figures, needed: Needed) -> str:
    """The whole page, its arithmetic shown."""
    m, n = measured, needed
    average = n.events_per_day / DAY_SECONDS
    peak = average * PEAK
    event = _between(m, m.event_bytes, n.properties)
    message = _between(m, m.message_bytes, n.properties)
    projectors = ceil(peak / m.queryable * HALF_BUSY)
    batched = peak * (1 - SINGLES_SHARE) / m.durable
    singles = peak * SINGLES_SHARE / m.writes
    messages = peak * SINGLES_SHARE + peak * (1 - SINGLES_SHARE) / BATCH
    streams = ceil(messages / MESSAGES_PER_STREAM)
    capture = n.events_per_day * CAPTURE_DAYS * message * COMPRESSED
    day = n.events_per_day * (event + m.uuid_bytes)
    kept = n.events_per_day * (event * n.days + m.uuid_bytes * min(n.days, UUID_DAYS))
    nanoseconds = m.funnel_seconds * 2 / m.funnel_events * 1e9
    asked = n.projects * FUNNELS_PER_PROJECT
    of_month = n.events_per_day * FUNNEL_DAYS / n.projects
    cores = asked / DAY_SECONDS * FUNNEL_PEAK * (1 - CACHED) * of_month * nanoseconds / 1e9
    largest = n.events_per_day * LARGEST_SHARE * FUNNEL_DAYS * nanoseconds / 1e9
    shards = max(1, ceil(kept / 1e12 / NODE_TB), ceil(cores * HALF_BUSY / NODE_CORES))
    facts = n.projects * CHANGES_PER_PROJECT
    log_day = facts * m.entry_bytes
    rows = [
        (
            "command",
            f"peak {peak:,.0f} events/s; half in batches of {BATCH}: {peak / 2:,.0f} /"
            f" {m.durable:,.0f} = {batched:.1f}; half one by one, as dear as a PATCH:"
            f" {peak / 2:,.0f} / {m.writes:,.0f} = {singles:.1f}",
            f"{ceil((batched + singles) * HALF_BUSY)} processes, half busy",
        ),
        (
            "NATS",
            f"{messages:,.0f} messages/s / {MESSAGES_PER_STREAM:,} a stream (always fsync, 3"
            f" replicas); {CAPTURE_DAYS} days x {n.events_per_day:,.0f} x {message:.0f} B x"
            f" {COMPRESSED:g} (s2)",
            f"{max(streams, 1)} streams or more (buckets); {_bytes(capture)} on each of"
            f" {NATS_REPLICAS} nodes",
        ),
        (
            "projector",
            f"{peak:,.0f} / {m.queryable:,.0f} x {HALF_BUSY}",
            f"{projectors} processes; as many buckets or more",
        ),
        (
            "ClickHouse: disk",
            f"{n.events_per_day:,.0f} x ({event:.0f} + {m.uuid_bytes:.0f} B) = {_bytes(day)} a day;"
            f" {n.days} days, uuids {min(n.days, UUID_DAYS)}: {_bytes(kept)}",
            f"{_bytes(kept * REPLICAS)} with {REPLICAS} replicas",
        ),
        (
            "ClickHouse: cores",
            f"{asked:,.0f} funnels a day over {_count(of_month)} events (a project's"
            f" {FUNNEL_DAYS} days), {CACHED:.0%} kept, x {FUNNEL_PEAK} at the peak, at"
            f" {nanoseconds:.0f} ns of a core an event: {cores:.1f} cores; a month of the largest"
            f" project ({LARGEST_SHARE:.0%} of all): {largest:,.0f} core-seconds,"
            f" {largest / NODE_CORES:.1f} s on {NODE_CORES} cores",
            f"{shards} shards x {REPLICAS} of {NODE_CORES} cores and {NODE_TB:g} TB",
        ),
        (
            "PostgreSQL",
            f"{n.projects:,} projects x {CHANGES_PER_PROJECT:,} changes a day ="
            f" {facts / DAY_SECONDS:,.0f} facts/s, of {m.appends:,.0f}/s that one writer can;"
            f" x {m.entry_bytes:.0f} B",
            f"{_bytes(log_day)} a day, {_bytes(log_day * 365)} a year",
        ),
    ]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    chosen = (
        f"--events-per-day {n.events_per_day:.0f} --projects {n.projects}"
        f" --properties {n.properties} --days {n.days}"
    )
    made = (
        "Made by `python -m tests.bench.sizing` of [figures.md](figures.md), the last `make bench`,"
        f" and four numbers;\nother numbers, other options: `{chosen}`. A test holds that this page"
        " is what comes out."
    )
    wanted = (
        f"**{n.events_per_day:,.0f} events a day of {n.properties} properties, {n.projects:,}"
        f" projects, kept for {n.days} days**:\n{average:,.0f} events/s on average, {peak:,.0f}/s"
        " at the peak."
    )
    measurements = (
        "Measured, on two cores which also ran the load and the servers:"
        f" {m.durable:,.0f} events/s durable, {m.queryable:,.0f}/s queryable,\n{m.writes:,.0f}"
        f" PATCHes/s, {m.appends:,.0f} appends/s, a funnel of three steps over"
        f" {_count(m.funnel_events)} events in {m.funnel_seconds:g} s.\nBytes lie on the line"
        f" through what was measured for {m.few} and {m.many} properties."
    )
    assumptions = (
        f"Assumed: peak = {PEAK} x average; half of the events come one by one; the largest project"
        f" has {LARGEST_SHARE:.0%};\n{FUNNELS_PER_PROJECT} funnels a project and day; processes and"
        f" nodes are half busy; s2 halves what NATS keeps; {MESSAGES_PER_STREAM:,} messages/s in"
        " one\nreplicated stream that is always synced (measured once, by hand); uuids are kept"
        f" for {UUID_DAYS} days, the capture stream for {CAPTURE_DAYS}."
    )
    left_out = (
        "Not in it: persons (650 B each in PostgreSQL, and one update for each event that sets a"
        " property), and what the\ngateway and the disks' own redundancy take."
    )
    head = "| part | arithmetic | size |\n| --- | --- | --- |"
    parts = ("# Sizing", made, wanted, f"{head}\n{table}", measurements, assumptions, left_out)
    return "\n\n".join(parts) + "\n"


def _between(measured: Figures, of: tuple[float, float], properties: int) -> float:
    """Bytes by the number of properties, on the line through both figures."""
    few, many = of
    each = (many - few) / (measured.many - measured.few)
    return max(few + (properties - measured.few) * each, 0.0)


def _bytes(count: float) -> str:
    for unit, size in (("PB", 1e15), ("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count:.0f} B"


def _count(number: float) -> str:
    for unit, size in (("billion", 1e9), ("million", 1e6), ("thousand", 1e3)):
        if number >= size:
            return f"{number / size:g} {unit}"
    return f"{number:g}"


def main(words: list[str] | None = None) -> None:
    wanted, parser = Needed(), argparse.ArgumentParser(prog="python -m tests.bench.sizing")
    parser.add_argument("--events-per-day", type=float, default=wanted.events_per_day)
    parser.add_argument("--projects", type=int, default=wanted.projects)
    parser.add_argument("--properties", type=int, default=wanted.properties)
    parser.add_argument("--days", type=int, default=wanted.days)
    needed = msgspec.convert(vars(parser.parse_args(words)), Needed)
    made = page(figures(FIGURES.read_text()), needed)
    if needed == wanted:
        PAGE.write_text(made)
        print(f"written: {PAGE}")
    else:
        print(made)


if __name__ == "__main__":
    main()
