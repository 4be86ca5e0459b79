"""Filters on other things than the event: its person, group, session, cohort, clicked elements.

A filter is a set of ids, `id IN (SELECT …)`; one that passes on a missing property is the
complement of the set that fails it, so that events without a person row or group pass it too.
"""

from collections.abc import Mapping
from typing import Protocol

from services.common.clickhouse.statement import Bindings
from services.query.events.conditions import AllOf, AnyCondition, AnyOf, InCohort, PropertyIs
from services.query.events.conditions_sql import compare, opposite_of, true_of_null
from services.query.events.operands import (
    Operand,
    json_number,
    json_property,
    moment_value,
    text_value,
)


class EventScope(Protocol):
    """The parts of its statement that a membership needs."""

    bindings: Bindings
    timezone: str
    has_overrides: bool

    @property
    def cohorts(self) -> Mapping[int, AnyCondition]: ...

    def team(self) -> str: ...

    def person_id(self) -> str: ...


def property_is(events: EventScope, condition: PropertyIs) -> str:
    """A filter on a person's, group's or session's property, as a test of the event."""
    passes_null = true_of_null(condition.operator)
    asked = opposite_of(condition) if passes_null else condition
    how = "NOT IN" if passes_null else "IN"
    match condition.type:
        case "person":
            found = _persons_where(events, asked)
            return f"({events.person_id()} {how} ({found}))"
        case "group":
            index = condition.group_type_index or 0
            found = _groups_where(events, asked, index)
            return f"(e.group_{index:d} {how} ({found}))"
        case "session":
            found = _sessions_where(events, asked)
            return f"(e.session_id {how} ({found}))"
        case _:
            raise ValueError(condition.type)


# Persons as they are now


def persons(events: EventScope, key: str) -> str:
    """(id, value) of every person: a property as text, distinct_id as the smallest of its ids."""
    if key == "distinct_id":
        return (
            "SELECT person_id AS id, toNullable(min(d.distinct_id)) AS value "
            "FROM person_distinct_ids AS d FINAL "
            f"WHERE d.team_id = {events.team()} GROUP BY person_id"
        )
    value = json_property("t.properties", key).text
    return f"SELECT t.person_id AS id, {value} AS value {_persons(events)}"


def _persons_where(events: EventScope, condition: PropertyIs) -> str:
    if condition.key == "distinct_id":
        test = _test(events, condition, text_value("d.distinct_id"))
        return (
            "SELECT d.person_id FROM person_distinct_ids AS d FINAL "
            f"WHERE d.team_id = {events.team()} AND {test}"
        )
    test = _test(events, condition, json_property("t.properties", condition.key))
    return f"SELECT t.person_id {_persons(events)} AND {test}"


def _persons(events: EventScope) -> str:
    return f"FROM persons AS t FINAL WHERE t.team_id = {events.team()} AND NOT t.deleted"


def cohort(events: EventScope, cohort_id: int) -> str:
    """The members of a cohort: persons who meet its conditions now, or are on its list.

    A member of a list who was merged since is found under the new id.
    """
    if cohort_id in events.cohorts:
        test = _person_is(events, events.cohorts[cohort_id])
        return f"(SELECT t.person_id {_persons(events)} AND {test})"
    members = (
        "SELECT c.person_id FROM cohort_people AS c FINAL "
        f"WHERE c.team_id = {events.team()} "
        f"AND c.cohort_id = {events.bindings.bind(cohort_id, 'Int64')} AND c.member"
    )
    if not events.has_overrides:
        return f"({members})"
    return (
        f"({members} UNION ALL SELECT o.target_id FROM person_overrides AS o FINAL "
        f"WHERE o.team_id = {events.team()} AND o.person_id IN ({members}))"
    )


def members(events: EventScope, cohort_id: int) -> str:
    """FROM and WHERE of the records `t` of a cohort's members."""
    return f"{_persons(events)} AND {_person_is(events, InCohort(cohort_id))}"


def _person_is(events: EventScope, condition: AnyCondition) -> str:
    """A condition on the person alone, over `persons t`: one scan, however many filters."""
    match condition:
        case AllOf(conditions=parts):
            return f"({' AND '.join(_person_is(events, part) for part in parts)})" if parts else "1"
        case AnyOf(conditions=parts):
            return f"({' OR '.join(_person_is(events, part) for part in parts)})" if parts else "0"
        case InCohort(cohort_id=cohort_id, negated=negated):
            return f"(t.person_id {'NOT IN' if negated else 'IN'} {cohort(events, cohort_id)})"
        case PropertyIs(type="person", key="distinct_id"):
            passes_null = true_of_null(condition.operator)
            asked = opposite_of(condition) if passes_null else condition
            how = "NOT IN" if passes_null else "IN"
            return f"(t.person_id {how} ({_persons_where(events, asked)}))"
        case PropertyIs(type="person", key=key):
            return _test(events, condition, json_property("t.properties", key))
        case _:
            raise ValueError(f"no condition on a person: {condition!r}")


# Groups


def groups(events: EventScope, key: str, index: int) -> str:
    """(id, value) of every group of one type."""
    value = json_property("t.properties", key).text
    return f"SELECT t.group_key AS id, {value} AS value {_groups(events, index)}"


def _groups_where(events: EventScope, condition: PropertyIs, index: int) -> str:
    test = _test(events, condition, json_property("t.properties", condition.key))
    return f"SELECT t.group_key {_groups(events, index)} AND {test}"


def _groups(events: EventScope, index: int) -> str:
    of_type = events.bindings.bind(index, "UInt8")
    return (
        f"FROM groups AS t FINAL WHERE t.team_id = {events.team()} "
        f"AND t.group_type_index = {of_type} AND t.group_key != ''"
    )


# Sessions: all events that name one


SESSION_KEYS = (
    "$session_duration", "$start_timestamp", "$end_timestamp", "$entry_current_url",
    "$entry_pathname", "$end_current_url", "$end_pathname", "$pageview_count", "$is_bounce",
)  # fmt: skip
_URL = json_property("t.properties", "$current_url").text
_AT = "(t.timestamp, UUIDToNum(t.uuid))"
_PAGEVIEWS = "countIf(t.event = '$pageview')"
_SECONDS = "dateDiff('second', min(t.timestamp), max(t.timestamp))"


def _first_url(aggregate: str) -> str:
    return f"{aggregate}({_URL}, {_AT}, {_URL} IS NOT NULL)"


def _session(key: str) -> Operand:
    """A session's property as an aggregate over its events."""
    match key:
        case "$session_duration":
            return json_number(f"toNullable(toFloat64({_SECONDS}))")
        case "$start_timestamp":
            return moment_value("min(t.timestamp)")
        case "$end_timestamp":
            return moment_value("max(t.timestamp)")
        case "$pageview_count":
            return json_number(f"toNullable(toFloat64({_PAGEVIEWS}))")
        case "$is_bounce":
            # PostHog: one page at most, nothing clicked, under ten seconds; no page: unknown.
            stayed = (
                f"{_PAGEVIEWS} > 1 OR countIf(t.event = '$autocapture') > 0 OR {_SECONDS} >= 10"
            )
            return text_value(f"if({_PAGEVIEWS} = 0, NULL, if({stayed}, 'false', 'true'))")
        case "$entry_current_url":
            return text_value(_first_url("argMinIf"))
        case "$entry_pathname":
            return text_value(f"path({_first_url('argMinIf')})")
        case "$end_current_url":
            return text_value(_first_url("argMaxIf"))
        case "$end_pathname":
            return text_value(f"path({_first_url('argMaxIf')})")
        case _:
            raise ValueError(key)


def sessions(events: EventScope, key: str) -> str:
    """(id, value) of every session."""
    return f"SELECT t.session_id AS id, {_session(key).text} AS value {_sessions(events)}"


def _sessions_where(events: EventScope, condition: PropertyIs) -> str:
    test = _test(events, condition, _session(condition.key))
    return f"SELECT t.session_id {_sessions(events)} HAVING {test}"


def _sessions(events: EventScope) -> str:
    return (
        f"FROM events AS t WHERE t.team_id = {events.team()} AND t.session_id != '' "
        "GROUP BY t.session_id"
    )


# Clicked elements: `$elements_chain` is tag.class:attr="…"text="…";tag…


# All of an element but the `;` that the next one begins with. In quotes, `;` is text.
_REST = r'(?:[.:](?:[^;"]|"(?:[^"\\]|\\.)*")*)?'
ELEMENT_PATTERNS = {
    "text": r'(?::|")text="((?:[^"\\]|\\.)*)"',
    "href": r'(?::|")href="((?:[^"\\]|\\.)*)"',
    "tag_name": rf"(?:^|;)([a-z0-9-]+){_REST}",
}


def element_is(events: EventScope, condition: PropertyIs) -> str:
    """Any of the event's elements passes; a negative filter: none fails it."""
    passes_null = true_of_null(condition.operator)
    asked = opposite_of(condition) if passes_null else condition
    chain = f"ifNull({json_property('e.properties', '$elements_chain').text}, '')"
    pattern = events.bindings.bind(ELEMENT_PATTERNS[condition.key], "String")
    test = compare(asked, text_value("one"), events.bindings, events.timezone)
    some = f"arrayExists(one -> {test}, extractAll({chain}, {pattern}))"
    return f"(NOT {some})" if passes_null else f"({some})"


def _test(events: EventScope, condition: PropertyIs, operand: Operand) -> str:
    return f"({compare(condition, operand, events.bindings, events.timezone)})"
