"""The breakdown of a funnel, planned (funnels.md section 6)."""

from typing import Literal, assert_never, get_args

from contracts.queries.errors import invalid_input
from contracts.queries.nodes import BreakdownFilter, FunnelsFilter, FunnelsQuery
from services.query.events.breakdown import ExpressionKey, GroupKey, Key, PropertyKey
from services.query.events.cohorts import chosen
from services.query.events.facts import PlanningFacts
from services.query.events.filters import check_key, checked_expression
from services.query.events.series import group_type
from services.query.insights.funnels.plan import (
    MOST_ROWS,
    Attribution,
    Breakdown,
    ByCohort,
    ByProperty,
    EachValue,
    FirstTouch,
    LastTouch,
    OfStep,
    merge_rest,
)

_PropertyType = Literal["event", "person", "group", "hogql", "event_metadata", "session"]
_PROPERTY_TYPES: dict[str, _PropertyType] = {name: name for name in get_args(_PropertyType)}
DEFAULT_LIMIT = 25
_ATTR = "breakdownFilter"
Values = tuple[str | int, ...]


def plan_breakdown(query: FunnelsQuery, facts: PlanningFacts, *, legacy: bool) -> Breakdown | None:
    """None without one. Raises InvalidQuery: an unknown type, key, cohort or expression."""
    sent = query.breakdownFilter or BreakdownFilter()
    listed, values, named = _asked(sent)
    if not values:
        return None
    if named == "cohort":
        return ByCohort(chosen(values, facts, f"{_ATTR}__breakdown"))
    type_ = _PROPERTY_TYPES.get(named)
    if type_ is None:
        raise invalid_input(None, f"Unsupported breakdown type: {named}")
    keys = _keys(type_, values, sent)
    return ByProperty(
        keys=keys,
        attribution=_attribution(query.funnel),
        limit=_limit(sent) if merge_rest(keys) else MOST_ROWS,
        normalize_url=_normalizes(sent),
        boxed=listed or not (type_ == "group" or (legacy and type_ in ("event", "person"))),
    )


def _attribution(funnel: FunnelsFilter) -> Attribution:
    match funnel.breakdownAttributionType:
        case "first_touch" | None:
            return FirstTouch()
        case "last_touch":
            return LastTouch()
        case "all_events":
            return EachValue()
        case "step":
            # From 1, as everywhere in a plan; on the wire from 0, and never missing (validation).
            return OfStep((funnel.breakdownAttributionValue or 0) + 1)
        case _:
            assert_never(funnel.breakdownAttributionType)


def _asked(sent: BreakdownFilter) -> tuple[bool, Values, str]:
    """(whether a list was sent, properties, type)."""
    if sent.breakdowns:
        types = {item.type or "event" for item in sent.breakdowns}
        if len(types) > 1:
            raise invalid_input(f"{_ATTR}__breakdowns", "Breakdowns must all be of one type.")
        found = tuple(item.property for item in sent.breakdowns if item.property is not None)
        return len(sent.breakdowns) > 1, found, types.pop()
    type_ = sent.breakdown_type or "event"
    if isinstance(sent.breakdown, tuple):
        return True, tuple(one for one in sent.breakdown if one != ""), type_
    if sent.breakdown is None or sent.breakdown == "":
        return False, (), type_
    return False, (sent.breakdown,), type_


def _keys(type_: _PropertyType, values: Values, sent: BreakdownFilter) -> tuple[Key, ...]:
    names, attr = tuple(str(value) for value in values), f"{_ATTR}__breakdown"
    match type_:
        case "hogql":
            return tuple(ExpressionKey(checked_expression(name, attr)) for name in names)
        case "group":
            index = _group_type(sent)
            return tuple(GroupKey(index, name) for name in names)
        case "session" | "event_metadata":
            for name in names:
                check_key(type_, name, attr)
        case "event" | "person":
            pass
        case _:
            assert_never(type_)
    return tuple(PropertyKey(type_, name) for name in names)


def _group_type(sent: BreakdownFilter) -> int:
    index = sent.breakdown_group_type_index
    if index is None and sent.breakdowns:
        index = sent.breakdowns[0].group_type_index
    return group_type(index or 0, f"{_ATTR}__breakdown_group_type_index")


def _limit(sent: BreakdownFilter) -> int:
    limit = DEFAULT_LIMIT if sent.breakdown_limit is None else sent.breakdown_limit
    if limit < 1:
        raise invalid_input(f"{_ATTR}__breakdown_limit", "The limit must be at least 1.")
    return limit


def _normalizes(sent: BreakdownFilter) -> bool:
    return bool(sent.breakdown_normalize_url) or any(
        item.normalize_url for item in sent.breakdowns or ()
    )
