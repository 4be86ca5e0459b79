"""Every example of the pages of trends, stickiness and lifecycles: the rows are those on the page.

An example is a section with a `history` block, a `query` and an `answer` block. A history has a
line per event (person, time in UTC, event, properties), columns apart by two spaces or more.
Whoever is in a history was first seen with its first event there.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from contracts.queries import reading
from contracts.queries.lifecycle import LifecycleQuery
from contracts.queries.stickiness import StickinessQuery
from contracts.queries.trends import TrendsQuery
from services.common.clickhouse import ClickHouse
from services.query.events.facts import PlanningFacts
from services.query.events.oracle.reading import Reading
from services.query.events.oracle.world import Event, Record, World
from services.query.insights.lifecycle import compute as lifecycle_compute
from services.query.insights.lifecycle import oracle as lifecycles
from services.query.insights.lifecycle.planning import plan_lifecycle
from services.query.insights.stickiness import compute as stickiness_compute
from services.query.insights.stickiness import oracle as stickinesses
from services.query.insights.stickiness.planning import plan_stickiness
from services.query.insights.trends import compute as trends_compute
from services.query.insights.trends.oracle import rows
from services.query.insights.trends.planning import plan_trends
from tests.pages import Section, differences, sections, shown_json
from tests.trends.differences import told
from tests.trends.engine import store
from tests.trends.stories import FACTS, uid

INSIGHTS = Path(__file__).parents[2] / "services" / "query" / "insights"
EXAMPLES = [
    section
    for kind in ("trends", "stickiness", "lifecycle")
    for section in sections((INSIGHTS / kind / "README.md").read_text())
    if section.blocks
]


@pytest.mark.parametrize("example", EXAMPLES, ids=[example.heading for example in EXAMPLES])
def test_the_rows_are_those_on_the_page(example: Section) -> None:
    history, query, answer = example.blocks
    assert [block.form for block in example.blocks] == ["history", "query", "answer"]
    found = rows_of(msgspec.json.decode(query.text), read(history.text))
    assert list(differences(shown_json(answer.text), found)) == []


@pytest.mark.anyio
async def test_the_engine_says_so_too(clickhouse: ClickHouse) -> None:
    for number, example in enumerate(EXAMPLES, start=1):
        history, query, answer = (block.text for block in example.blocks)
        world, facts = read(history), msgspec.structs.replace(FACTS, team_id=number)
        await store(clickhouse, number, world)
        found = await computed(clickhouse, msgspec.json.decode(query), facts)
        assert list(differences(shown_json(answer), found)) == [], example.heading


async def computed(clickhouse: ClickHouse, document: Any, facts: PlanningFacts) -> Any:
    match document["kind"]:
        case "TrendsQuery":
            trend = plan_trends(reading.node(document, TrendsQuery), facts)
            answer = await trends_compute.compute(clickhouse, trend, has_overrides=False)
            return [
                {name: of for name, of in row.items() if name != "filter"}
                for row in told(answer.results)
            ]
        case "StickinessQuery":
            sticky = plan_stickiness(reading.node(document, StickinessQuery), facts)
            return told(await stickiness_compute.compute(clickhouse, sticky, has_overrides=False))
        case _:
            alive = plan_lifecycle(reading.node(document, LifecycleQuery), facts)
            return told(await lifecycle_compute.compute(clickhouse, alive, has_overrides=False))


def rows_of(document: Any, world: World) -> Any:
    of = Reading(world)
    match document["kind"]:
        case "TrendsQuery":
            plan = plan_trends(reading.node(document, TrendsQuery), FACTS)
            return rows.answer(plan, of).results
        case "StickinessQuery":
            return stickinesses.answer(
                plan_stickiness(reading.node(document, StickinessQuery), FACTS), of
            )
        case _:
            return lifecycles.answer(
                plan_lifecycle(reading.node(document, LifecycleQuery), FACTS), of
            )


def read(history: str) -> World:
    events = []
    for number, line in enumerate(history.splitlines(), start=1):
        who, when, name, *rest = re.split(r"\s{2,}", line.strip())
        events.append(
            Event(
                uuid=UUID(int=number),
                event=name,
                at=datetime.fromisoformat(when).replace(tzinfo=UTC),
                person_id=uid(who),
                distinct_id=who,
                properties=properties(rest[0] if rest else ""),
            )
        )
    first = {event.person_id: event.at for event in sorted(events, key=at, reverse=True)}
    return World(
        events=tuple(events),
        persons={person: Record(created_at=since) for person, since in first.items()},
    )


def at(event: Event) -> datetime:
    return event.at


def properties(text: str) -> Mapping[str, Any]:
    """`plan=pro, seats=3`: what reads as JSON is that, else it is text."""
    pairs = (pair.partition("=") for pair in text.split(", ") if pair)
    return {name: value_of(value) for name, _, value in pairs}


def value_of(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text
