"""A TrendsQuery becomes a TrendsPlan: everything defaulted, every rule of trends.md checked.

Pure: what must be looked up comes in as PlanningFacts. What is too large is refused here, before
anything is computed.
"""

from typing import get_args

from contracts.queries.counted import CountedNode, CountedSeries
from contracts.queries.errors import invalid_input
from contracts.queries.nodes import DataWarehouseNode
from contracts.queries.trends import PointsDisplay, TrendsFilter, TrendsQuery
from services.query.events.actors import AnyActor
from services.query.events.cohorts import plan_cohorts
from services.query.events.compared import previous_span
from services.query.events.expressions.parser import parse_aggregate
from services.query.events.expressions.tree import Expression, NotServed
from services.query.events.facts import PlanningFacts
from services.query.events.memberships import SESSION_KEYS
from services.query.events.periods import MOST_PERIODS, Interval, span_of
from services.query.events.series import (
    MOST_SERIES,
    PER_ACTOR,
    STATISTICS,
    Statistic,
    UnknownAction,
    actor_of,
    check_count,
    checked_math,
    common_filters,
    entity_of,
    member,
    no_warehouse,
    share_of_actors,
)
from services.query.events.zones import in_zone
from services.query.insights.trends.breakdowns import (
    INVALID_SESSION_PROPERTY,
    MOST_ROWS,
    plan_breakdown,
)
from services.query.insights.trends.formulas import MOST_LETTERS, Formula, parse
from services.query.insights.trends.plan import (
    ActiveActors,
    Actors,
    Aggregation,
    AnyBreakdown,
    AnyMath,
    AnyNumber,
    AnyShape,
    Boxes,
    ByCohort,
    ByProperty,
    EventNumber,
    FirstTime,
    OfCounts,
    OfProperty,
    OneValue,
    PersonNumber,
    Points,
    SentMath,
    Series,
    SessionNumber,
    Sessions,
    Spread,
    TimeNumber,
    Total,
    TrendsPlan,
)

MOST_NUMBERS = MOST_ROWS * MOST_PERIODS
DEFAULT_DISPLAY = "ActionsLineGraph"
NO_PROPERTY = "A numeric property must be selected for box plot."
_POINTS: tuple[PointsDisplay, ...] = get_args(PointsDisplay)
_NO_WAREHOUSE_EVENTS = (
    "Event based breakdowns are not supported for trends insights with a data warehouse series."
)
_PROPERTY_TYPES = ("event_properties", "person_properties", "session_properties")
# Periods at least as long as the window: there it is the plain distinct count.
_LONG_FOR_A_WEEK: tuple[Interval, ...] = ("week", "month")
_LONG_FOR_A_MONTH: tuple[Interval, ...] = ("month",)


def plan_trends(query: TrendsQuery, facts: PlanningFacts) -> TrendsPlan:
    """Raises InvalidQuery for the first rule that is broken."""
    facts = in_zone(facts, query.dateRange)
    formulas_asked = _formulas_asked(query.trends)
    check_count(query.series, MOST_LETTERS if formulas_asked else MOST_SERIES)
    _check_warehouse(query)
    display = query.trends.display or DEFAULT_DISPLAY
    shape = _shape(query, display)
    interval: Interval = "day" if isinstance(shape, OneValue) else query.interval or "day"
    series, unknown = _series(query, shape, interval, facts)
    boxes = isinstance(shape, Boxes)
    breakdown = None if boxes else plan_breakdown(query.breakdownFilter, facts, display)
    formulas = () if boxes else _formulas(formulas_asked, len(query.series))
    span = span_of(query.dateRange, interval, facts.calendar)
    previous = (
        None if boxes else previous_span(query.compareFilter, query.dateRange, span, facts.calendar)
    )
    plan = TrendsPlan(
        team_id=facts.team_id,
        series=series,
        unknown=unknown,
        named_series=len(query.series),
        filters=common_filters(query.properties, query.filterTestAccounts, query.dateRange, facts),
        span=span,
        previous=previous,
        shape=shape,
        breakdown=breakdown,
        formulas=formulas,
        sample=share_of_actors(query.samplingFactor),
        cohorts=plan_cohorts(facts),
        display=display,
        now=facts.now,
    )
    _check_size(plan)
    return plan


def _check_warehouse(query: TrendsQuery) -> None:
    if not any(isinstance(node, DataWarehouseNode) for node in query.series):
        return
    sent = query.breakdownFilter
    if sent is not None:
        types = [item.type or "event" for item in sent.breakdowns or ()]
        if sent.breakdown not in (None, "", ()):
            types.append(sent.breakdown_type or "event")
        if "event" in types:
            raise invalid_input("breakdownFilter", _NO_WAREHOUSE_EVENTS)
    raise no_warehouse()


def _check_size(plan: TrendsPlan) -> None:
    """Bounds the answer by what is asked."""
    sides = [span.points for span in (plan.span, plan.previous) if span is not None]
    points = len(sides) if isinstance(plan.shape, OneValue) else sum(sides)
    lines = max(len(plan.series), len(plan.formulas))
    numbers = lines * _most_rows(plan.breakdown) * points
    if numbers > MOST_NUMBERS:
        detail = (
            f"An answer has at most {MOST_NUMBERS:,} numbers, and this one would have {numbers:,}."
            " Choose a lower breakdown limit, fewer series, a longer interval or a shorter date"
            " range."
        )
        attr = "breakdownFilter__breakdown_limit" if plan.breakdown else "series"
        raise invalid_input(attr, detail)


def _most_rows(breakdown: AnyBreakdown | None) -> int:
    match breakdown:
        case None:
            return 1
        case ByCohort(cohorts=cohorts):
            return len(cohorts)
        case ByProperty(limit=limit):
            return limit


# What rows show


def _shape(query: TrendsQuery, display: str) -> AnyShape:
    smoothing = _smoothing(query)
    if display == "CalendarHeatmap":
        raise invalid_input("trendsFilter__display", "A CalendarHeatmap is not computed here.")
    if display == "BoxPlot":
        return Boxes()
    if display not in _POINTS:
        return OneValue()
    return Points(cumulative=display == "ActionsLineGraphCumulative", smoothing=smoothing)


def _smoothing(query: TrendsQuery) -> int:
    attr = "trendsFilter__smoothingIntervals"
    smoothing = query.trends.smoothingIntervals or 1
    if smoothing < 0:
        raise invalid_input(attr, "The number of intervals to smooth over cannot be negative.")
    days = query.dateRange.daysOfWeek if query.dateRange is not None else None
    if smoothing > 1 and days:
        raise invalid_input(attr, "Smoothing and days of the week do not go together.")
    return smoothing


# Series and their mathematics


def _series(
    query: TrendsQuery, shape: AnyShape, interval: Interval, facts: PlanningFacts
) -> tuple[tuple[Series, ...], tuple[tuple[int, int], ...]]:
    """Those that have rows, and (place, id) of those whose action is unknown."""
    found: list[Series] = []
    unknown: list[tuple[int, int]] = []
    for place, node in enumerate(query.series):
        counted = _counted(node)
        math = _math(counted, place, shape, interval)
        entity = entity_of(counted, facts)
        if isinstance(entity, UnknownAction):
            unknown.append((place, entity.id))
            continue
        found.append(
            Series(
                place=place,
                entity=entity,
                math=math,
                sent=SentMath(
                    math=counted.math,
                    math_property=counted.math_property,
                    math_hogql=counted.math_hogql,
                    math_group_type_index=counted.math_group_type_index,
                ),
                multiplier=counted.math_multiplier,
            )
        )
    return tuple(found), tuple(unknown)


def _counted(node: CountedSeries) -> CountedNode:
    if isinstance(node, DataWarehouseNode):
        raise no_warehouse()
    return node


def _math(node: CountedNode, place: int, shape: AnyShape, interval: Interval) -> AnyMath:
    math = checked_math(node, place)
    if isinstance(shape, Boxes):
        if not node.math_property:
            raise invalid_input(member(place, "math_property"), NO_PROPERTY)
        return Spread(_number(node, node.math_property, place))
    actor = actor_of(node.math_group_type_index)
    match math:
        case "total":
            return Total()
        case "dau" | "unique_group":
            return Actors(actor)
        case "weekly_active" | "monthly_active":
            return _active(math, actor, shape, interval)
        case "unique_session":
            return Sessions()
        case "first_time_for_user" | "first_matching_event_for_user":
            return FirstTime(actor, matching=math == "first_matching_event_for_user")
        case "hogql":
            return Aggregation(_aggregate(node.math_hogql or "", place))
        case _ if math in PER_ACTOR:
            return OfCounts(PER_ACTOR[math], actor)
        case _:
            return _of_property(_statistic(math), node, place)


def _active(math: str, actor: AnyActor, shape: AnyShape, interval: Interval) -> AnyMath:
    weekly = math == "weekly_active"
    if not isinstance(shape, OneValue) and interval in (
        _LONG_FOR_A_WEEK if weekly else _LONG_FOR_A_MONTH
    ):
        return Actors(actor)
    return ActiveActors(actor, 7 if weekly else 30)


def _statistic(math: str) -> Statistic:
    return next(one for one in STATISTICS if one == math)


def _of_property(statistic: Statistic, node: CountedNode, place: int) -> AnyMath:
    """PostHog: without a property it is the number of events."""
    if not node.math_property:
        return Total()
    return OfProperty(statistic, _number(node, node.math_property, place))


def _number(node: CountedNode, key: str, place: int) -> AnyNumber:
    type_ = node.math_property_type or "event_properties"
    if type_ not in _PROPERTY_TYPES:
        detail = f"Unsupported type of property: {type_[:100]}."
        raise invalid_input(member(place, "math_property_type"), detail)
    if type_ == "person_properties":
        return PersonNumber(key)
    if type_ == "session_properties" or key == "$session_duration":
        if key not in SESSION_KEYS:
            raise invalid_input(member(place, "math_property"), INVALID_SESSION_PROPERTY)
        return SessionNumber(key)
    return TimeNumber() if key == "$time" else EventNumber(key)


def _aggregate(text: str, place: int) -> Expression:
    try:
        return parse_aggregate(text)
    except NotServed as why:
        detail = f"SQL expression not supported: {why}."
        raise invalid_input(member(place, "math_hogql"), detail) from why


# Formulas

Asked = list[tuple[str, str | None, str]]


def _formulas_asked(sent: TrendsFilter) -> Asked:
    """(formula, custom name, member) of the first member that is not empty."""
    kinds: tuple[Asked, ...] = (
        [
            (node.formula, node.custom_name, f"trendsFilter__formulaNodes__{at}__formula")
            for at, node in enumerate(sent.formulaNodes or ())
        ],
        [
            (text, None, f"trendsFilter__formulas__{at}")
            for at, text in enumerate(sent.formulas or ())
        ],
        [(sent.formula or "", None, "trendsFilter__formula")],
    )
    for kind in kinds:
        told = [one for one in kind if one[0].strip()]
        if told:
            return told
    return []


def _formulas(asked: Asked, series: int) -> tuple[Formula, ...]:
    return tuple(
        Formula(text, parse(text, series, attr), custom_name) for text, custom_name, attr in asked
    )
