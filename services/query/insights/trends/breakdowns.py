"""The breakdown of a trend, planned (trends.md section 8)."""

import re
from typing import get_args

from contracts.queries.errors import InvalidQuery, invalid_input
from contracts.queries.trends import TrendsBreakdownFilter, TrendsBreakdownItem
from services.query.events.facts import PlanningFacts
from services.query.events.filters import check_key, checked_expression, cohort_id
from services.query.events.memberships import SESSION_KEYS
from services.query.events.series import group_type
from services.query.insights.trends.plan import AnyBreakdown, ByCohort, ByProperty, Key, KeyType

MOST_KEYS = 3
MOST_ROWS = 1_000
MOST_BINS = 100
DEFAULT_LIMIT = 25
WORLD_MAP_LIMIT = 250
INVALID_SESSION_PROPERTY = "Invalid session property"
_KEY_TYPES: dict[str, KeyType] = {name: name for name in get_args(KeyType)}
_ATTR = "breakdownFilter"
_ALIAS = re.compile(r"\s+as\s+(?:[A-Za-z_$][\w$]*|`[^`]+`|\"[^\"]+\")\s*$", re.IGNORECASE)
_ALL_USERS = ("all", 0, "0")


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
        keys = tuple(_key(one, facts, f"{attr}__{at}") for at, one in enumerate(several))
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
    keys = tuple(_key(item, facts, _ATTR) for item in items)
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
    keys: tuple[Key, ...], sent: TrendsBreakdownFilter, display: str, *, listed: bool
) -> ByProperty:
    limit = sent.breakdown_limit
    if limit is None:
        limit = WORLD_MAP_LIMIT if display == "WorldMap" else DEFAULT_LIMIT
    if not 1 <= limit <= MOST_ROWS:
        detail = f"The limit is a number from 1 to {MOST_ROWS:,}."
        raise invalid_input(f"{_ATTR}__breakdown_limit", detail)
    return ByProperty(
        keys=keys,
        limit=limit,
        hide_other=sent.breakdown_hide_other_aggregation or False,
        listed=listed,
    )


def _key(sent: TrendsBreakdownItem, facts: PlanningFacts, attr: str) -> Key:
    """attr: of the object that the key's members stand in."""
    type_ = _key_type(sent.type or "event", attr)
    bins = sent.histogram_bin_count
    if bins is not None and not 1 <= bins <= MOST_BINS:
        detail = f"The number of bins is a number from 1 to {MOST_BINS}."
        raise invalid_input(_member(attr, "histogram_bin_count"), detail)
    index = None
    if type_ == "group":
        index = group_type(sent.group_type_index or 0, _member(attr, "group_type_index"))
    return Key(
        type=type_,
        key=_checked_key(type_, str(sent.property), attr),
        group_type_index=index,
        normalize_url=sent.normalize_url or False,
        bins=bins,
    )


def _key_type(sent: str, attr: str) -> KeyType:
    if sent == "cohort":
        raise invalid_input(_member(attr, "type"), "A cohort cannot be one of several breakdowns.")
    type_ = _KEY_TYPES.get(sent)
    if type_ is None:
        raise invalid_input(_member(attr, "type"), f"Unsupported breakdown type: {sent[:100]}")
    return type_


def _checked_key(type_: KeyType, key: str, attr: str) -> str:
    named = attr if attr != _ATTR else f"{_ATTR}__breakdown"
    match type_:
        case "hogql":
            return checked_expression(_ALIAS.sub("", key), named)
        case "session":
            if key not in SESSION_KEYS:
                raise invalid_input(named, INVALID_SESSION_PROPERTY)
        case "event_metadata":
            check_key(type_, key, named)
        case _:
            pass
    return key


def _member(attr: str, name: str) -> str:
    """A single breakdown's members stand in the filter itself, under longer names."""
    return f"{_ATTR}__breakdown_{name}" if attr == _ATTR else f"{attr}__{name}"


def _cohorts(values: tuple[str | int, ...], facts: PlanningFacts) -> tuple[tuple[int, str], ...]:
    """(id, name) in the order asked, each once; id 0 is "all"."""
    found: dict[int, str] = {}
    for value in values:
        if value in _ALL_USERS:
            found.setdefault(0, "all users")
        else:
            number = cohort_id(value, facts, f"{_ATTR}__breakdown")
            found.setdefault(number, facts.cohorts[number])
    if len(found) > MOST_ROWS:
        raise invalid_input(f"{_ATTR}__breakdown", f"There are at most {MOST_ROWS:,} cohorts.")
    return tuple(found.items())
