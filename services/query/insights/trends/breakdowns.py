"""The breakdown of a trend, planned (trends.md section 8)."""

import re
from typing import get_args

from contracts.queries.errors import InvalidQuery, invalid_input
from contracts.queries.trends import TrendsBreakdownFilter, TrendsBreakdownItem
from services.query.events.breakdown import (
    Cohorts,
    ExpressionKey,
    GroupKey,
    Key,
    PropertyKey,
    PropertyOwner,
)
from services.query.events.cohorts import chosen
from services.query.events.facts import PlanningFacts
from services.query.events.filters import check_key, checked_expression
from services.query.events.memberships import SESSION_KEYS
from services.query.events.series import group_type
from services.query.insights.trends.plan import AnyBreakdown, ByCohort, ByProperty, RowKey

MOST_KEYS = 3
MOST_ROWS = 1_000
MOST_BINS = 100
DEFAULT_LIMIT = 25
WORLD_MAP_LIMIT = 250
INVALID_SESSION_PROPERTY = "Invalid session property"
_OWNERS: dict[str, PropertyOwner] = {name: name for name in get_args(PropertyOwner)}
_ATTR = "breakdownFilter"
_ALIAS = re.compile(r"\s+as\s+(?:[A-Za-z_$][\w$]*|`[^`]+`|\"[^\"]+\")\s*$", re.IGNORECASE)


def plan_breakdown(
    asked: TrendsBreakdownFilter | None, facts: PlanningFacts, display: str
) -> AnyBreakdown | None:
    """None without one. Raises InvalidQuery."""
    sent = asked or TrendsBreakdownFilter()
    several = [one for one in sent.breakdowns or () if one.property not in (None, "")]
    if several:
        attr = f"{_ATTR}__breakdowns"
        if len(several) > MOST_KEYS:
            raise _too_many_keys(attr)
        keys = tuple(_key(one, f"{attr}__{at}") for at, one in enumerate(several))
        return _by_property(keys, sent, display, listed=True)
    values = _values(sent)
    if not values:
        return None
    if sent.breakdown_type == "cohort":
        return ByCohort(_cohorts(values, facts))
    if len(values) > MOST_KEYS:
        raise _too_many_keys(f"{_ATTR}__breakdown")
    items = [
        TrendsBreakdownItem(
            property=value,
            type=sent.breakdown_type,
            group_type_index=sent.breakdown_group_type_index,
            normalize_url=sent.breakdown_normalize_url,
            histogram_bin_count=sent.breakdown_histogram_bin_count,
        )
        for value in values
    ]
    keys = tuple(_key(item, _ATTR) for item in items)
    return _by_property(keys, sent, display, listed=len(keys) > 1)


def _values(sent: TrendsBreakdownFilter) -> tuple[str | int, ...]:
    match sent.breakdown:
        case None | "":
            return ()
        case tuple():
            return tuple(one for one in sent.breakdown if one != "")
        case alone:
            return (alone,)


def _too_many_keys(attr: str) -> InvalidQuery:
    return invalid_input(attr, f"There are at most {MOST_KEYS} breakdowns.")


def _by_property(
    keys: tuple[RowKey, ...], sent: TrendsBreakdownFilter, display: str, *, listed: bool
) -> ByProperty:
    limit = sent.breakdown_limit
    limit = default_limit(display) if limit is None else limit
    if not 1 <= limit <= MOST_ROWS:
        detail = f"The limit is a number from 1 to {MOST_ROWS:,}."
        raise invalid_input(f"{_ATTR}__breakdown_limit", detail)
    return ByProperty(
        keys=keys,
        limit=limit,
        hide_other=sent.breakdown_hide_other_aggregation or False,
        listed=listed,
    )


def default_limit(display: str | None) -> int:
    return WORLD_MAP_LIMIT if display == "WorldMap" else DEFAULT_LIMIT


def _key(sent: TrendsBreakdownItem, attr: str) -> RowKey:
    """attr: of the object that the key's members stand in."""
    bins = sent.histogram_bin_count
    if bins is not None and not 1 <= bins <= MOST_BINS:
        detail = f"The number of bins is a number from 1 to {MOST_BINS}."
        raise invalid_input(_member(attr, "histogram_bin_count"), detail)
    return RowKey(
        read=_read(sent, str(sent.property), attr),
        normalize_url=sent.normalize_url or False,
        bins=bins,
    )


def _read(sent: TrendsBreakdownItem, name: str, attr: str) -> Key:
    named = attr if attr != _ATTR else f"{_ATTR}__breakdown"
    match sent.type or "event":
        case "hogql":
            return ExpressionKey(checked_expression(_ALIAS.sub("", name), named))
        case "group":
            index = _member(attr, "group_type_index")
            return GroupKey(group_type(sent.group_type_index or 0, index), name)
        case "cohort":
            detail = "A cohort cannot be one of several breakdowns."
            raise invalid_input(_member(attr, "type"), detail)
        case type_ if type_ in _OWNERS:
            return PropertyKey(_OWNERS[type_], _checked_name(_OWNERS[type_], name, named))
        case type_:
            detail = f"Unsupported breakdown type: {type_[:100]}"
            raise invalid_input(_member(attr, "type"), detail)


def _checked_name(of: PropertyOwner, name: str, attr: str) -> str:
    match of:
        case "session":
            if name not in SESSION_KEYS:
                raise invalid_input(attr, INVALID_SESSION_PROPERTY)
        case "event_metadata":
            check_key(of, name, attr)
        case "event" | "person":
            pass
    return name


def _member(attr: str, name: str) -> str:
    """A single breakdown's members stand in the filter itself, under longer names."""
    return f"{_ATTR}__breakdown_{name}" if attr == _ATTR else f"{attr}__{name}"


def _cohorts(values: tuple[str | int, ...], facts: PlanningFacts) -> Cohorts:
    found = chosen(values, facts, f"{_ATTR}__breakdown")
    if len(found) > MOST_ROWS:
        raise invalid_input(f"{_ATTR}__breakdown", f"There are at most {MOST_ROWS:,} cohorts.")
    return found
