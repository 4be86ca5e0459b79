"""The breakdown of a funnel, planned (funnels.md section 6)."""

from contracts.queries.errors import invalid_input
from contracts.queries.nodes import BreakdownFilter, FunnelsFilter, FunnelsQuery
from services.query.events.breakdown import Breakdown, BreakdownType
from services.query.events.facts import PlanningFacts
from services.query.events.filters import check_key, checked_expression, cohort_id

_TYPES: dict[str, BreakdownType] = {
    "event": "event",
    "person": "person",
    "group": "group",
    "hogql": "hogql",
    "event_metadata": "event_metadata",
    "session": "session",
    "cohort": "cohort",
}
DEFAULT_LIMIT = 25
ROWS_OF_OTHER_TYPES = 100
"""Only event, person and group properties merge what is beyond their limit into one row."""
_ATTR = "breakdownFilter"
Values = tuple[str | int, ...]


def plan_breakdown(query: FunnelsQuery, facts: PlanningFacts, *, legacy: bool) -> Breakdown | None:
    """None without one. Raises InvalidQuery: an unknown type, key, cohort or expression."""
    sent = query.breakdownFilter or BreakdownFilter()
    listed, values, named = _asked(sent)
    if not values:
        return None
    type_ = _TYPES.get(named)
    if type_ is None:
        raise invalid_input(None, f"Unsupported breakdown type: {named}")
    funnel = query.funnel
    attribution = funnel.breakdownAttributionType or "first_touch"
    boxed = listed or type_ != "group"
    return Breakdown(
        type=type_,
        keys=() if type_ == "cohort" else _keys(type_, values),
        cohorts=_cohorts(values, facts) if type_ == "cohort" else (),
        group_type_index=_group_type(sent) if type_ == "group" else None,
        attribution=attribution,
        attribution_step=_step(funnel) if attribution == "step" else None,
        limit=_limit(sent, type_),
        normalize_url=_normalizes(sent),
        listed=boxed,
        unboxed=legacy and not listed and type_ in ("event", "person"),
    )


def _step(funnel: FunnelsFilter) -> int | None:
    """From 1, as everywhere in a plan; on the wire from 0."""
    sent = funnel.breakdownAttributionValue
    return None if sent is None else sent + 1


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


def _keys(type_: BreakdownType, values: Values) -> tuple[str, ...]:
    keys = tuple(str(value) for value in values)
    for key in keys:
        match type_:
            case "hogql":
                checked_expression(key, f"{_ATTR}__breakdown")
            case "session" | "event_metadata":
                check_key(type_, key, f"{_ATTR}__breakdown")
            case _:
                pass
    return keys


def _cohorts(values: Values, facts: PlanningFacts) -> tuple[tuple[int, str], ...]:
    """(id, name) in the order asked; "all" and 0 are all users. Each cohort once."""
    found: dict[int, str] = {}
    for value in values:
        if value in ("all", 0, "0"):
            found.setdefault(0, "all users")
        else:
            id_ = cohort_id(value, facts, f"{_ATTR}__breakdown")
            found.setdefault(id_, facts.cohorts[id_])
    return tuple(found.items())


def _group_type(sent: BreakdownFilter) -> int:
    index = sent.breakdown_group_type_index
    if index is None and sent.breakdowns:
        index = sent.breakdowns[0].group_type_index
    if index is None:
        return 0
    if not 0 <= index <= 4:
        detail = "A group type index is a number from 0 to 4."
        raise invalid_input(f"{_ATTR}__breakdown_group_type_index", detail)
    return index


def _limit(sent: BreakdownFilter, type_: BreakdownType) -> int:
    if type_ not in ("event", "person", "group"):
        return ROWS_OF_OTHER_TYPES
    limit = DEFAULT_LIMIT if sent.breakdown_limit is None else sent.breakdown_limit
    if limit < 1:
        raise invalid_input(f"{_ATTR}__breakdown_limit", "The limit must be at least 1.")
    return limit


def _normalizes(sent: BreakdownFilter) -> bool:
    return bool(sent.breakdown_normalize_url) or any(
        item.normalize_url for item in sent.breakdowns or ()
    )
