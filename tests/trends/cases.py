"""Random trends, stickiness and lifecycles over random worlds: every math, display and breakdown.

Queries are documents as clients send them, so that planning is tried along the way.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import msgspec

from contracts.queries import reading
from contracts.queries.actions import Action, ActionStep
from contracts.queries.insight_actors import InsightActorsQuery
from contracts.queries.lifecycle import LifecycleQuery
from contracts.queries.properties import PropertyFilter, PropertyGroup
from contracts.queries.stickiness import StickinessQuery
from contracts.queries.trends import TrendsQuery
from services.query.events.facts import PlanningFacts
from services.query.events.oracle.reading import Reading
from services.query.events.oracle.world import World
from services.query.events.periods import days
from services.query.events.series import MATHS, STATISTICS
from services.query.insights.lifecycle.plan import LifecyclePlan
from services.query.insights.lifecycle.planning import plan_lifecycle
from services.query.insights.stickiness.plan import StickinessPlan
from services.query.insights.stickiness.planning import plan_stickiness
from services.query.insights.trends.oracle.rows import Row
from services.query.insights.trends.plan import NULL, OTHER, ByProperty, TrendsPlan
from services.query.insights.trends.planning import plan_trends
from services.query.insights.trends.pointing import ALL_BINS
from tests.trends.worlds import (
    DYNAMIC_COHORT,
    EMPTY_COHORT,
    NAMES,
    STATIC_COHORT,
    Place,
    make_place,
    make_world,
)

Document = dict[str, Any]
ACTION, UNKNOWN_ACTION = 3, 99
INTERVALS = ("day", "day", "day", "hour", "week", "month")
DISPLAYS = (
    None, None, "ActionsBar", "ActionsLineGraphCumulative", "ActionsLineGraphCumulative",
    "BoldNumber", "ActionsPie", "WorldMap", "BoxPlot",
)  # fmt: skip
FORMULAS = ("A", "A + B", "B / A", "A % 3 - B", "A ** 2", "-(A - B) * 0.5", "a/(b-b)")
AGGREGATES = (
    "count()", "sum(properties.n)", "uniq(properties.x)", "countIf(properties.plan = 'paid')",
    "sum(properties.n) / count()", "max(properties.n) - min(properties.n)",
    "quantile(0.5)(properties.n)", "sumIf(properties.n, event = 'buy') + 1",
)  # fmt: skip
PAYING = PropertyGroup("AND", (PropertyFilter("plan", "paid", type="person"),))


class Case(msgspec.Struct, frozen=True):
    """A world and what is known of it by who asks. team_id stands in the facts."""

    world: World
    place: Place
    facts: PlanningFacts


def make_case(random: Random, team_id: int, *, events: int = 60) -> Case:
    place = make_place(random)
    last = place.midnight(place.last)
    facts = PlanningFacts(
        team_id=team_id,
        now=last + timedelta(hours=random.choice((-30, 5, 20, 500)), minutes=20),
        timezone=place.zone,
        week_starts_monday=place.week_starts_monday,
        test_account_filters=[{"key": "plan", "value": "free", "operator": "is_not"}],
        actions={
            ACTION: Action(
                ACTION,
                "Bought",
                (ActionStep(event="buy"), ActionStep(event="$pageview", properties=_PAID)),
            )
        },
        cohorts={STATIC_COHORT: "Listed", DYNAMIC_COHORT: "Paying", EMPTY_COHORT: "Nobody"},
        definitions={DYNAMIC_COHORT: PAYING},
        first_event_at=datetime.combine(place.first, datetime.min.time(), UTC),
    )
    return Case(make_world(random, place, events=events), place, facts)


_PAID = [{"key": "plan", "value": "paid"}]
_ENTITY = ("kind", "event", "id", "nodes")


def reading_of(case: Case, plan: TrendsPlan | StickinessPlan | LifecyclePlan) -> Reading:
    """What the reference reads."""
    return Reading(case.world, plan.cohorts, case.facts.timezone)


# Queries


def make_trends(random: Random, case: Case) -> TrendsPlan:
    display = random.choice(DISPLAYS)
    several = random.random() < 0.3
    series = [_series(random, display) for _ in range(2 if several else 1)]
    if several and random.random() < 0.5:
        series[1] = {name: of for name, of in series[1].items() if name not in _ENTITY} | {
            name: of for name, of in series[0].items() if name in _ENTITY
        }
    shown: Document = {} if display is None else {"display": display}
    if several and random.random() < 0.5:
        # A remainder of sums of times hangs on their last digits.
        times = any(one.get("math_property") == "$time" for one in series)
        formulas = [one for one in FORMULAS if not (times and "%" in one)]
        shown["formulas"] = random.sample(formulas, random.choice((1, 2)))
    dates = _dates(random, case.place)
    if not dates.get("daysOfWeek") and random.random() < 0.2:
        shown["smoothingIntervals"] = random.choice((2, 3, 7))
    document: Document = {
        "kind": "TrendsQuery",
        "series": series,
        "interval": random.choice(INTERVALS),
        "dateRange": dates,
        "trendsFilter": shown,
        **_filters(random),
        **_compare(random),
    }
    if random.random() < 0.5:
        document["breakdownFilter"] = _breakdown(random)
    return plan_trends(reading.node(document, TrendsQuery), case.facts)


def make_stickiness(random: Random, case: Case) -> StickinessPlan:
    series = [_plain_series(random) | _actor_math(random) for _ in range(random.choice((1, 1, 2)))]
    shown: Document = {"computedAs": random.choice(("cumulative", "non_cumulative"))}
    if random.random() < 0.5:
        operator = random.choice(("gte", "lte", "exact"))
        shown["stickinessCriteria"] = {"operator": operator, "value": random.randint(0, 3)}
    document: Document = {
        "kind": "StickinessQuery",
        "series": series,
        "interval": random.choice(INTERVALS),
        "intervalCount": random.choice((1, 1, 2, 3)),
        "dateRange": _dates(random, case.place),
        "stickinessFilter": shown,
        **_filters(random),
        **_compare(random),
    }
    return plan_stickiness(reading.node(document, StickinessQuery), case.facts)


def make_lifecycle(random: Random, case: Case) -> LifecyclePlan:
    document: Document = {
        "kind": "LifecycleQuery",
        "series": [_plain_series(random)],
        "interval": random.choice(INTERVALS),
        "dateRange": _dates(random, case.place),
        **_filters(random),
    }
    if random.random() < 0.3:
        document["aggregation_group_type_index"] = random.choice((0, 1))
    return plan_lifecycle(reading.node(document, LifecycleQuery), case.facts)


def _series(random: Random, display: str | None) -> Document:
    made = _plain_series(random)
    math = random.choice(("total", "dau", "weekly_active", *sorted(MATHS)))
    made |= {"math": math}
    if math in STATISTICS or display == "BoxPlot":
        made |= random.choice(
            (
                {"math_property": "n"},
                {"math_property": "n"},
                {"math_property": "n", "math_property_type": "person_properties"},
                {"math_property": "$session_duration"},
                {"math_property": "$pageview_count", "math_property_type": "session_properties"},
                {"math_property": "$time"},
            )
        )
    if math == "hogql":
        made["math_hogql"] = random.choice(AGGREGATES)
    if math == "unique_group" or random.random() < 0.2:
        made["math_group_type_index"] = random.choice((0, 1))
    if random.random() < 0.1:
        made["math_multiplier"] = 0.5
    return made


def _plain_series(random: Random) -> Document:
    name = random.choice((None, *NAMES))
    made: Document = random.choice(
        (
            {"kind": "EventsNode", "event": name},
            {"kind": "EventsNode", "event": name},
            {"kind": "ActionsNode", "id": ACTION},
            {"kind": "GroupNode", "nodes": [
                {"kind": "EventsNode", "event": "buy"}, {"kind": "ActionsNode", "id": ACTION},
            ]},
        )
    )  # fmt: skip
    if random.random() < 0.03:
        made = {"kind": "ActionsNode", "id": UNKNOWN_ACTION}
    return made | ({"properties": [_filter(random)]} if random.random() < 0.3 else {})


def _actor_math(random: Random) -> Document:
    return random.choice(
        (
            {},
            {"math": "dau"},
            {"math": "unique_group", "math_group_type_index": 1},
            {"math": "hogql", "math_hogql": "properties.x"},
        )
    )


def _filter(random: Random) -> Document:
    return random.choice(
        (
            {"key": "plan", "value": "paid"},
            {"key": "x", "value": ["a", "b"]},
            {"key": "n", "value": 1, "operator": "gt"},
            {"key": "x", "operator": "is_set"},
            {"key": "plan", "value": "paid", "type": "person", "operator": "is_not"},
            {"key": "plan", "value": "paid", "type": "group", "group_type_index": 0},
            {"key": "id", "type": "cohort", "value": STATIC_COHORT},
            {"key": "id", "type": "cohort", "value": DYNAMIC_COHORT, "operator": "not_in"},
            {"key": "$session_duration", "type": "session", "value": 60, "operator": "gt"},
        )
    )


def _filters(random: Random) -> Document:
    made: Document = {}
    if random.random() < 0.3:
        made["properties"] = [_filter(random)]
    if random.random() < 0.2:
        made["filterTestAccounts"] = True
    return made


def _dates(random: Random, place: Place) -> Document:
    made: Document = {"date_from": place.first.isoformat(), "date_to": place.last.isoformat()}
    match random.randrange(12):
        case 0:
            made["date_from"] = random.choice(("-24h", "-3d", "-7d", "all", "wStart", "mStart"))
            del made["date_to"]
        case 1:
            made = {
                "date_from": f"{place.first}T{random.choice(('00:00:00', '10:30:00', '02:00:00'))}",
                "date_to": f"{place.last}T{random.choice(('02:30:00', '23:59:59.5', '12:00:00'))}",
                "explicitDate": True,
            }
        case 2:
            made["date_to"] = f"{place.last}T12:00:00"
        case 3:
            made["daysOfWeek"] = sorted(random.sample(range(1, 8), random.randint(1, 5)))
        case 4:
            made["excludeIncompletePeriods"] = True
        case _:
            pass
    return made


def _compare(random: Random) -> Document:
    if random.random() < 0.7:
        return {}
    compare_to = random.choice((None, None, "-1d", "-1w", "-1m", "-36h"))
    return {"compareFilter": {"compare": True, "compare_to": compare_to}}


def _breakdown(random: Random) -> Document:
    made: Document = {"breakdown_limit": random.choice((1, 2, 3, 25))}
    if random.random() < 0.15:
        made["breakdown_hide_other_aggregation"] = True
    if random.random() < 0.2:
        cohorts = [STATIC_COHORT, DYNAMIC_COHORT, EMPTY_COHORT, "all"]
        some = random.sample(cohorts, random.randint(1, 4))
        return made | {"breakdown": some, "breakdown_type": "cohort"}
    items = [_item(random) for _ in range(random.choice((1, 1, 1, 2, 3)))]
    if len(items) > 1 or random.random() < 0.3:
        return made | {"breakdowns": items}
    (item,) = items
    made |= {"breakdown": item["property"], "breakdown_type": item.get("type")}
    made |= {"breakdown_normalize_url": item.get("normalize_url")}
    made |= {"breakdown_histogram_bin_count": item.get("histogram_bin_count")}
    return made | {"breakdown_group_type_index": item.get("group_type_index")}


def _item(random: Random) -> Document:
    return random.choice(
        (
            {"property": "x"},
            {"property": "x"},
            {"property": "x", "normalize_url": True},
            {"property": "n", "histogram_bin_count": random.choice((1, 2, 3, 10))},
            {"property": "plan", "type": "person"},
            {"property": "plan", "type": "group", "group_type_index": random.choice((0, 1))},
            {"property": "event", "type": "event_metadata"},
            {"property": "$group_0", "type": "event_metadata"},
            {"property": "$session_duration", "type": "session"},
            {"property": "upper(properties.x)", "type": "hogql"},
            {"property": "n", "type": "person", "histogram_bin_count": 2},
        )
    )


# People


def make_actors(random: Random, plan: TrendsPlan, rows: Sequence[Row]) -> InsightActorsQuery:
    """Who is behind a number of an answer: of a row that there is, mostly, and of a point of it.

    rows: of the answer. Of a plan without an answer's rows: of any series.
    """
    row = random.choice(rows) if rows else {}
    side = row.get("compare_label", "current")
    span = plan.previous if side == "previous" and plan.previous is not None else plan.span
    day: str | None = None
    if span.points and random.random() < 0.8:
        day = random.choice(days(span))
    value = row.get("breakdown_value")
    if plan.breakdown is not None and random.random() < 0.2:
        value = _any_value(random, plan)
    order = row["order"] if row.get("action") else random.randrange(plan.named_series)
    return InsightActorsQuery(
        source=TrendsQuery(),
        day=day,
        series=order,
        breakdown=tuple(value) if isinstance(value, list) else value,
        compare=side,
    )


def _any_value(random: Random, plan: TrendsPlan) -> Any:
    """A value that may have no row of its own; None for all rows together."""
    if not isinstance(plan.breakdown, ByProperty) or random.random() < 0.3:
        return None
    if random.random() < 0.3:
        return [OTHER] * len(plan.breakdown.keys)
    return [
        random.choice((ALL_BINS, NULL)) if key.bins is not None else random.choice(("a", "b", NULL))
        for key in plan.breakdown.keys
    ]
