"""Small worlds for trends, stickiness and lifecycle, written by hand, and what is asked of them.

    world(at("u1", "02-01", browser="Chrome"), at("u2", "02-01 12:30"))

Times are UTC, of 2024 unless they name a year. uuids rise in the order of the events.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

import msgspec

from contracts.queries.insight_actors import InsightActorsQuery, StickinessActorsQuery
from contracts.queries.lifecycle import LifecycleQuery
from contracts.queries.reading import node as read_node
from contracts.queries.stickiness import StickinessQuery
from contracts.queries.trends import TrendsQuery
from services.query.events.facts import PlanningFacts
from services.query.events.oracle.reading import Reading
from services.query.events.oracle.world import Event, Record, World
from services.query.insights.lifecycle import oracle as lifecycles
from services.query.insights.lifecycle import pointing as lifecycle_pointing
from services.query.insights.lifecycle.plan import LifecyclePlan
from services.query.insights.lifecycle.planning import plan_lifecycle
from services.query.insights.stickiness import oracle as stickinesses
from services.query.insights.stickiness import pointing as stickiness_pointing
from services.query.insights.stickiness.plan import StickinessPlan
from services.query.insights.stickiness.planning import plan_stickiness
from services.query.insights.trends.oracle import people as trend_people
from services.query.insights.trends.oracle import rows as trend_rows
from services.query.insights.trends.plan import TrendsPlan
from services.query.insights.trends.planning import plan_trends
from services.query.insights.trends.pointing import pointed

NAMES = UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")
NOW = datetime(2024, 2, 20, 10, 30, tzinfo=UTC)
FACTS = PlanningFacts(team_id=1, now=NOW)
VIEWED = {"kind": "EventsNode", "event": "$pageview"}


def uid(name: str) -> UUID:
    """A person's id, always the same for the same name."""
    return uuid5(NAMES, name)


def moment(text: str) -> datetime:
    """`02-01`, `02-01 12:30`, `2023-12-31 23:59:59.999999`."""
    year = "" if text[4:5] == "-" else "2024-"
    return datetime.fromisoformat(year + text).replace(tzinfo=UTC)


def at(
    person: str,
    when: str,
    name: str = "$pageview",
    *,
    session: str = "",
    groups: Mapping[int, str] = {},
    **properties: Any,
) -> Event:
    return Event(
        uuid=UUID(int=0),
        event=name,
        at=moment(when),
        person_id=uid(person),
        distinct_id=person,
        session_id=session,
        groups=tuple(groups.get(index, "") for index in range(5)),
        properties=properties,
    )


def record(when: str, **properties: Any) -> Record:
    return Record(created_at=moment(when), properties=properties)


def world(
    *events: Event,
    persons: Mapping[str, Record] = {},
    merged: Mapping[str, str] = {},
    groups: Mapping[tuple[int, str], Record] = {},
    lists: Mapping[int, Sequence[str]] = {},
) -> World:
    return World(
        events=tuple(
            msgspec.structs.replace(event, uuid=UUID(int=number))
            for number, event in enumerate(events, start=1)
        ),
        persons={uid(name): of for name, of in persons.items()},
        merged={uid(was): uid(now) for was, now in merged.items()},
        groups=groups,
        lists={cohort: frozenset(map(uid, names)) for cohort, names in lists.items()},
    )


# Trends


def trends(*series: Any, facts: PlanningFacts = FACTS, **query: Any) -> TrendsPlan:
    """The plan of a query over these series; dates as `february(…)` gives them."""
    document = {"kind": "TrendsQuery", "series": list(series or (VIEWED,)), **query}
    return plan_trends(read_node(document, TrendsQuery, None), facts)


def february(first: int, last: int, **of: Any) -> dict[str, Any]:
    return {"date_from": f"2024-02-{first:02}", "date_to": f"2024-02-{last:02}", **of}


def counted(math: str, **of: Any) -> dict[str, Any]:
    return {**VIEWED, "math": math, **of}


def rows(plan: TrendsPlan, of: World) -> list[trend_rows.Row]:
    return trend_rows.answer(plan, reading(plan, of)).results


def reading(plan: TrendsPlan, of: World) -> Reading:
    return Reading(of, plan.cohorts, plan.span.timezone)


def data(plan: TrendsPlan, of: World) -> Any:
    """The numbers of the only row, or of each row by its label."""
    found = rows(plan, of)
    name = "aggregated_value" if found and "aggregated_value" in found[0] else "data"
    if plan.breakdown is None and len(found) == 1:
        return found[0][name]
    return {row["label"]: row[name] for row in found}


def behind(plan: TrendsPlan, of: World, **asked: Any) -> dict[str, int]:
    """Events of everyone behind a number, by the person's name, in order."""
    number = pointed(plan, InsightActorsQuery(source=TrendsQuery(), **asked))
    return named(trend_people.people(plan, number, reading(plan, of)), of)


def named(people: Sequence[tuple[str, int]], of: World) -> dict[str, int]:
    names = {str(of.person(event)): event.distinct_id for event in reversed(of.events)}
    return {names.get(actor, actor): events for actor, events in people}


# Stickiness and lifecycle


def stickiness(*series: Any, facts: PlanningFacts = FACTS, **query: Any) -> StickinessPlan:
    document = {"kind": "StickinessQuery", "series": list(series or (VIEWED,)), **query}
    return plan_stickiness(read_node(document, StickinessQuery, None), facts)


def sticky(plan: StickinessPlan, of: World) -> list[stickinesses.Row]:
    return stickinesses.answer(plan, Reading(of, plan.cohorts, plan.current.span.timezone))


def stuck(
    plan: StickinessPlan, of: World, query: InsightActorsQuery | StickinessActorsQuery
) -> dict[str, int]:
    found = Reading(of, plan.cohorts, plan.current.span.timezone)
    number = stickiness_pointing.pointed(plan, query)
    return named(stickinesses.people(plan, number, found), of)


def lifecycle(*series: Any, facts: PlanningFacts = FACTS, **query: Any) -> LifecyclePlan:
    document = {"kind": "LifecycleQuery", "series": list(series or (VIEWED,)), **query}
    return plan_lifecycle(read_node(document, LifecycleQuery, None), facts)


def alive(plan: LifecyclePlan, of: World) -> dict[str, list[int]]:
    found = lifecycles.answer(plan, Reading(of, plan.cohorts, plan.span.timezone))
    return {row["status"]: row["data"] for row in found}


def living(plan: LifecyclePlan, of: World, **asked: Any) -> dict[str, int]:
    found = Reading(of, plan.cohorts, plan.span.timezone)
    number = lifecycle_pointing.pointed(plan, InsightActorsQuery(source=LifecycleQuery(), **asked))
    return named(lifecycles.people(plan, number, found), of)
