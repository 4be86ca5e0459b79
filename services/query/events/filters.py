"""Property filters, events and actions as conditions; what is not served is refused here."""

from collections.abc import Iterable
from typing import get_args

from contracts.queries.actions import Action, ActionStep
from contracts.queries.errors import InvalidQuery, invalid_input
from contracts.queries.properties import PropertyFilter, PropertyGroup, read
from services.query.events.conditions import (
    ALWAYS,
    AllOf,
    AnyCondition,
    AnyOf,
    EventNamed,
    Expression,
    InCohort,
    Operator,
    PropertyIs,
    PropertyType,
    Scalar,
)
from services.query.events.conditions_sql import number, text
from services.query.events.dates import ago, instant
from services.query.events.expressions.parser import parse
from services.query.events.expressions.tree import NotServed
from services.query.events.facts import PlanningFacts
from services.query.events.memberships import ELEMENT_PATTERNS, SESSION_KEYS
from services.query.events.regexes import NotRe2, check
from services.query.events.selectors import selector_pattern
from services.query.events.versions import NotAVersion, version_range

METADATA_KEYS = (
    "event", "distinct_id", "timestamp", "person_id",
    "$group_0", "$group_1", "$group_2", "$group_3", "$group_4",
)  # fmt: skip
_SAME_AS: dict[str, Operator] = {"in": "exact", "not_in": "is_not", "min": "gte", "max": "lte"}
_OPERATORS: dict[str, Operator] = {
    **{name: name for name in get_args(Operator) if name != "contains"},
    **_SAME_AS,
}
_TYPES: dict[str, PropertyType] = {
    "event": "event",
    "feature": "event",
    "event_metadata": "event_metadata",
    "person": "person",
    "group": "group",
    "session": "session",
    "element": "element",
}
_VALUELESS = ("is_set", "is_not_set")
ELEMENT_OPERATORS: dict[str, Operator] = {
    "exact": "exact",
    "contains": "icontains",
    "regex": "regex",
}
_URL_OPERATORS: dict[str, Operator] = {"exact": "exact", "contains": "contains", "regex": "regex"}


def conditions(filters: object, facts: PlanningFacts, attr: str = "properties") -> AnyCondition:
    """Filters in any shape as one condition. Raises InvalidQuery naming `attr`."""
    return of_group(read(filters, attr), facts, attr)


def of_group(group: PropertyGroup, facts: PlanningFacts, attr: str) -> AnyCondition:
    """All or any of the parts; parts that say nothing are left out, an empty group is true."""
    parts = []
    for part in group.values:
        one = (
            of_group(part, facts, attr)
            if isinstance(part, PropertyGroup)
            else of_filter(part, facts, attr)
        )
        if one == ALWAYS and group.type == "OR":
            return ALWAYS
        if one != ALWAYS:
            parts.append(one)
    if len(parts) <= 1:
        return parts[0] if parts else ALWAYS
    return AllOf(tuple(parts)) if group.type == "AND" else AnyOf(tuple(parts))


def of_filter(sent: PropertyFilter, facts: PlanningFacts, attr: str) -> AnyCondition:
    """One filter; ALWAYS when it has no usable value. Raises InvalidQuery naming `attr`."""
    match sent.type:
        case "empty" | "flag":
            return ALWAYS
        case "hogql":
            return Expression(checked_expression(sent.key, attr))
        case "cohort":
            return _in_cohort(sent, facts, attr)
        case _:
            type_ = _TYPES.get(sent.type)
            if type_ is None:
                detail = f"Property type {sent.type[:100]} is not supported."
                raise invalid_input(attr, detail)
            return _property_is(sent, type_, facts, attr)


def checked_expression(text: str, attr: str) -> str:
    """`text`, if it belongs to the subset. Raises InvalidQuery."""
    try:
        parse(text)
    except NotServed as why:
        raise invalid_input(attr, f"SQL expression not supported: {why}.") from why
    return text


def _in_cohort(sent: PropertyFilter, facts: PlanningFacts, attr: str) -> AnyCondition:
    ids = [cohort_id(value, facts, attr) for value in sent.values]
    if not ids:
        return ALWAYS
    members = tuple(InCohort(one, sent.excludes) for one in ids)
    if len(members) == 1:
        return members[0]
    return AllOf(members) if sent.excludes else AnyOf(members)


def cohort_id(value: Scalar, facts: PlanningFacts, attr: str) -> int:
    """A cohort that exists. Raises InvalidQuery."""
    read = number(value)
    id_ = int(read) if read is not None and read.is_integer() else None
    if id_ is None or id_ not in facts.cohorts:
        raise invalid_input(attr, f"Cohort ID {str(value)[:100]} does not exist!")
    return id_


def _property_is(
    sent: PropertyFilter, type_: PropertyType, facts: PlanningFacts, attr: str
) -> AnyCondition:
    operator = _OPERATORS.get(sent.operator)
    if operator is None:
        raise invalid_input(attr, f"Operator {sent.operator[:100]} is not supported.")
    check_key(type_, sent.key, attr)
    if type_ == "element" and sent.key == "tag_name" and operator not in ("exact", "is_not"):
        raise invalid_input(attr, "tag_name can only be compared with exact and is_not.")
    values = () if operator in _VALUELESS else sent.values
    if not values and operator not in _VALUELESS:
        return ALWAYS
    return PropertyIs(
        type=type_,
        key=sent.key,
        operator=operator,
        values=_checked_values(operator, values, facts, attr),
        group_type_index=(sent.group_type_index or 0) if type_ == "group" else None,
        numeric=(type_, sent.key) in facts.numeric,
        path_rules=facts.path_cleaning if operator == "is_cleaned_path_exact" else (),
    )


def check_key(type_: PropertyType, key: str, attr: str) -> None:
    """Raises InvalidQuery for a key that its type does not have."""
    if type_ == "session" and key not in SESSION_KEYS:
        raise invalid_input(attr, f"Session property {key} is not supported.")
    if type_ == "event_metadata" and key not in METADATA_KEYS:
        raise invalid_input(attr, f"Event metadata {key} is not supported.")
    if type_ == "element" and key == "selector":
        raise invalid_input(attr, "Selector filters are not supported.")
    if type_ == "element" and key not in ELEMENT_PATTERNS:
        raise invalid_input(attr, f"Element property {key} is not supported.")


def _checked_values(
    operator: Operator, values: tuple[Scalar, ...], facts: PlanningFacts, attr: str
) -> tuple[Scalar, ...]:
    if operator in ("between", "not_between"):
        numbers = [number(value) for value in values]
        low, high = numbers if len(numbers) == 2 else (None, None)
        if low is None or high is None or low > high:
            detail = f"Operator {operator} needs two numbers, the smaller one first."
            raise invalid_input(attr, detail)
        return low, high
    if operator in ("is_date_between", "is_date_not_between"):
        return _dates(operator, values, facts, attr)
    if operator.startswith("is_date_"):
        return tuple(_date(value, facts, attr) for value in values)
    if operator.startswith("semver_"):
        for value in values:
            try:
                version_range(operator, text(value))
            except NotAVersion as cause:
                detail = f"'{text(value)[:100]}' is not a version that can be read."
                raise invalid_input(attr, detail) from cause
    if operator in ("regex", "not_regex"):
        for value in values:
            _check_pattern(text(value), attr)
    return values


def _dates(
    operator: Operator, values: tuple[Scalar, ...], facts: PlanningFacts, attr: str
) -> tuple[Scalar, ...]:
    """Two bounds, a day as the second one to its end."""
    if len(values) == 2:
        low, high = _date(values[0], facts, attr), _date(values[1], facts, attr, last=True)
        if low <= high:
            return low, high
    raise invalid_input(attr, f"Operator {operator} needs two dates, the earlier one first.")


def _date(value: Scalar, facts: PlanningFacts, attr: str, *, last: bool = False) -> str:
    """ISO 8601 in UTC, to the microsecond. last: of a day its end."""
    sent = text(value)
    at = ago(sent, facts.calendar) or instant(sent, facts.calendar.zone, last=last)
    if at is None:
        raise invalid_input(attr, f"'{sent[:100]}' is not a date that can be read.")
    return at.isoformat()


def _check_pattern(pattern: str, attr: str) -> str:
    try:
        check(pattern)
    except NotRe2 as why:
        raise invalid_input(attr, f"Invalid regular expression '{pattern[:100]}': {why}.") from why
    return pattern


# Events and actions


def named(event: str | None) -> AnyCondition:
    """None: any event."""
    return ALWAYS if event is None else EventNamed((event,))


def action_of(id_: int, facts: PlanningFacts) -> Action:
    """Raises InvalidQuery for an unknown one."""
    found = facts.actions.get(id_)
    if found is None:
        raise InvalidQuery(None, "invalid_input", f"Action ID {id_} does not exist!")
    return found


def of_action(action: Action, facts: PlanningFacts) -> AnyCondition:
    """Any of its steps; no steps: every event. Raises InvalidQuery for filters not served."""
    steps = tuple(_of_step(step, facts) for step in action.steps)
    if not steps or ALWAYS in steps:
        return ALWAYS
    return steps[0] if len(steps) == 1 else AnyOf(steps)


def _of_step(step: ActionStep, facts: PlanningFacts) -> AnyCondition:
    parts = [named(step.event or None)]
    if step.url:
        operator = _URL_OPERATORS[step.url_matching or "contains"]
        parts.append(_pattern_is("event", "$current_url", operator, step.url))
    if step.event == "$autocapture":
        parts += _of_element(step)
    parts.append(conditions(step.properties, facts, "actions"))
    return both(*parts)


def _of_element(step: ActionStep) -> list[AnyCondition]:
    parts: list[AnyCondition] = []
    if step.selector:
        pattern = selector_pattern(step.selector)
        parts.append(PropertyIs("event", "$elements_chain", "regex", (pattern,)))
    if step.tag_name:
        parts.append(PropertyIs("element", "tag_name", "exact", (step.tag_name,)))
    if step.href:
        operator = ELEMENT_OPERATORS[step.href_matching or "exact"]
        parts.append(_pattern_is("element", "href", operator, step.href))
    if step.text:
        operator = ELEMENT_OPERATORS[step.text_matching or "exact"]
        parts.append(_pattern_is("element", "text", operator, step.text))
    return parts


def _pattern_is(type_: PropertyType, key: str, operator: Operator, value: str) -> AnyCondition:
    if operator == "regex":
        _check_pattern(value, "actions")
    return PropertyIs(type_, key, operator, (value,))


def both(*parts: AnyCondition) -> AnyCondition:
    """All of them, the ones that say nothing left out."""
    kept = tuple(part for part in parts if part != ALWAYS)
    if len(kept) <= 1:
        return kept[0] if kept else ALWAYS
    return AllOf(kept)


def either(parts: Iterable[AnyCondition]) -> AnyCondition:
    """Any of them, each once."""
    found = tuple(dict.fromkeys(parts))
    if ALWAYS in found:
        return ALWAYS
    return found[0] if len(found) == 1 else AnyOf(found)
