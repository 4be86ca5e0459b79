"""Where a statement's rows come from: events, and only those joins that its conditions asked for.

One Source per SELECT over events. Ask it for conditions and values first; `rows` are rendered
last. Events have the alias `e` (`e.timestamp`, `e.uuid`, `e.event` …).

    source = Source(team_id, bindings, period=(date_from, date_to), has_overrides=True)
    columns = [source.actor(plan.actor), source.condition(step.matches)]
    text = f"SELECT {', '.join(columns)} {source.from_clause()} WHERE {source.scope()}"

Filters on persons, groups, cohorts and sessions are set memberships (`IN (SELECT …)`), which no
join is paid for; their values, for breakdowns and expressions, are joined.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import assert_never

from contracts.times import microseconds
from services.common.clickhouse.relation import Relation, table
from services.common.clickhouse.statement import Bindings
from services.query.events import memberships
from services.query.events.actors import AnyActor, ExpressionActor, GroupActor, PersonActor
from services.query.events.breakdown import ExpressionKey, GroupKey, Key, PropertyKey
from services.query.events.conditions import (
    AllOf,
    AnyCondition,
    AnyOf,
    EventNamed,
    Expression,
    InCohort,
    OnDays,
    PropertyIs,
    PropertyType,
)
from services.query.events.conditions_sql import compare
from services.query.events.expressions.parser import parse
from services.query.events.expressions.sql import Writer
from services.query.events.expressions.tree import Field, Property
from services.query.events.operands import MISSING, Operand, json_property, moment_value, text_value

Period = tuple[datetime, datetime]
_NOBODY = "toUUID('00000000-0000-0000-0000-000000000000')"
_URL_ENDS = r"[/?#]+$"
GROUP_KEYS = frozenset(f"$group_{index}" for index in range(5))


class Source:
    """team_id's events, with values bound into `bindings`.

    period: both ends inclusive; what `scope` restricts to and first-time steps look at.
    has_overrides: whether the project has merged persons at all; without, no join is paid.
    timezone: the project's, for dates in properties that name no offset.
    cohorts: what makes a member of each dynamic cohort (FunnelPlan.cohorts).
    """

    def __init__(
        self,
        team_id: int,
        bindings: Bindings,
        *,
        period: Period | None = None,
        has_overrides: bool = False,
        timezone: str = "UTC",
        cohorts: Mapping[int, AnyCondition] = {},
    ) -> None:
        self.team_id = team_id
        self.bindings = bindings
        self.period = period
        self.has_overrides = has_overrides
        self.timezone = timezone
        self.cohorts = cohorts
        self._joins: dict[str, str] = {}
        self._numbers: dict[tuple[str, str], int] = {}
        self.expressions = Writer(self._read, bindings, timezone)

    def scope(self) -> str:
        """The project's events of the period."""
        return " AND ".join(self.scopes())

    def scopes(self) -> list[str]:
        """The same as tests of which each must hold."""
        team = f"e.team_id = {self.team()}"
        if self.period is None:
            return [team]
        date_from, date_to = (self.instant(at) for at in self.period)
        return [team, f"e.timestamp >= {date_from}", f"e.timestamp <= {date_to}"]

    def rows(self) -> Relation:
        """Events `e`, and beside them the joins asked for so far, in the order they were needed."""
        return table("\n".join(["events AS e", *self._joins.values()]))

    def from_clause(self) -> str:
        """The same as text."""
        return f"FROM {' '.join(['events AS e', *self._joins.values()])}"

    # Conditions

    def condition(self, condition: AnyCondition) -> str:
        """True or false for each event (UInt8), never null."""
        match condition:
            case AllOf(conditions=parts):
                return self._joined(parts, "AND", "1")
            case AnyOf(conditions=parts):
                return self._joined(parts, "OR", "0")
            case EventNamed(names=(name,)):
                return f"(e.event = {self.bindings.bind(name, 'String')})"
            case EventNamed(names=names):
                return f"(e.event IN {self.bindings.bind(list(names), 'Array(String)')})"
            case PropertyIs():
                return self._property_is(condition)
            case InCohort(cohort_id=cohort_id, negated=negated):
                members = memberships.cohort(self, cohort_id)
                return f"({self.person_id()} {'NOT IN' if negated else 'IN'} {members})"
            case OnDays(days=days):
                zone = self.bindings.bind(self.timezone, "String")
                named = self.bindings.bind(list(days), "Array(UInt8)")
                return f"(toDayOfWeek(e.timestamp, 0, {zone}) IN {named})"
            case Expression(text=text):
                return self.expressions.condition(parse(text))
            case _:
                assert_never(condition)

    def _joined(self, parts: tuple[AnyCondition, ...], how: str, empty: str) -> str:
        tests = [self.condition(part) for part in parts]
        return f"({f' {how} '.join(tests)})" if tests else empty

    def _property_is(self, condition: PropertyIs) -> str:
        match condition.type:
            case "event" | "event_metadata":
                operand = self.operand(condition.type, condition.key)
                return f"({compare(condition, operand, self.bindings, self.timezone)})"
            case "person" | "group" | "session":
                return memberships.property_is(self, condition)
            case "element":
                return memberships.element_is(self, condition)
            case _:
                assert_never(condition.type)

    def first_events(self, condition: AnyCondition) -> str:
        """Each person's first event that meets it, all history up to the period's end, if in it."""
        inner = Source(
            self.team_id,
            self.bindings,
            has_overrides=self.has_overrides,
            timezone=self.timezone,
            cohorts=self.cohorts,
        )
        person, test = inner.person_id(), inner.condition(condition)
        until = since = ""
        if self.period is not None:
            date_from, date_to = (self.instant(at) for at in self.period)
            until = f" AND e.timestamp <= {date_to}"
            since = f" HAVING min(e.timestamp) >= {date_from}"
        return (
            f"(SELECT argMin(e.uuid, (e.timestamp, UUIDToNum(e.uuid))) {inner.from_clause()} "
            f"WHERE {inner.scope()}{until} AND {test} GROUP BY {person}{since})"
        )

    # Values

    def operand(self, type: PropertyType, key: str, group_type_index: int | None = None) -> Operand:
        """A property of the event's, with the joins that reading it needs."""
        match type:
            case "event" if key in GROUP_KEYS:
                # PostHog: these name the event's groups, whatever its properties say.
                return self._metadata(key)
            case "event":
                return json_property("e.properties", key)
            case "event_metadata":
                return self._metadata(key)
            case "person":
                return text_value(self._person_text(key))
            case "group":
                return text_value(self._group_text(key, group_type_index or 0))
            case "session":
                return text_value(self._session_text(key))
            case "element":
                return MISSING
            case _:
                assert_never(type)

    def expression(self, text: str) -> str:
        """An expression of the closed subset, as Nullable(String)."""
        return self.expressions.text(parse(text))

    def key_text(self, key: Key, *, normalize_url: bool = False) -> str:
        """A breakdown key's text as String, missing as "", normalized if asked."""
        text = self.key_operand(key).or_empty
        if not normalize_url:
            return text
        bare = f"replaceRegexpOne({text}, {self.bindings.bind(_URL_ENDS, 'String')}, '')"
        return f"if({bare} = '', '/', {bare})"

    def key_operand(self, key: Key) -> Operand:
        """The value of a breakdown key, read of the event."""
        match key:
            case PropertyKey(of=of, name=name):
                return self.operand(of, name)
            case GroupKey(index=index, name=name):
                return self.operand("group", name, index)
            case ExpressionKey(text=text):
                return text_value(self.expression(text))
            case _:
                assert_never(key)

    def _read(self, field: Field | Property) -> Operand:
        if isinstance(field, Property):
            return self.operand(field.of, field.key)
        return self._metadata(field.name)

    def _metadata(self, key: str) -> Operand:
        match key:
            case "event" | "distinct_id":
                return text_value(f"e.{key}")
            case "timestamp":
                return moment_value("e.timestamp")
            case "person_id":
                return text_value(f"toString({self.person_id()})")
            case _ if key in GROUP_KEYS:
                return text_value(f"nullIf(e.{key[1:]}, '')")
            case _:
                return MISSING

    # Actors

    def person_id(self) -> str:
        """The event's person (UUID), merges applied."""
        if not self.has_overrides:
            return "e.person_id"
        self._join(
            "overrides",
            "SELECT person_id, argMax(target_id, version) AS target_id FROM person_overrides "
            f"WHERE team_id = {self.team()} GROUP BY person_id",
            "e.person_id = overrides.person_id",
        )
        return f"if(overrides.target_id = {_NOBODY}, e.person_id, overrides.target_id)"

    def actor(self, actor: AnyActor) -> str:
        """The actor that the event counts for: UUID, or String for groups and expressions ("" is
        nobody).
        """
        match actor:
            case PersonActor():
                return self.person_id()
            case GroupActor(index=index):
                return f"e.group_{index:d}"
            case ExpressionActor(text=text):
                return f"ifNull({self.expression(text)}, '')"
            case _:
                assert_never(actor)

    def has_actor(self, actor: AnyActor) -> str:
        """Whether the event counts for anybody."""
        return "1" if isinstance(actor, PersonActor) else f"({self.actor(actor)} != '')"

    # Joined values

    def _person_text(self, key: str) -> str:
        person = self.person_id()
        name = f"person_{self._number('person', key)}"
        self._join(name, memberships.persons(self, key), f"{person} = {name}.id")
        return f"{name}.value"

    def _group_text(self, key: str, index: int) -> str:
        name = f"group_{index:d}_{self._number(f'group {index}', key)}"
        self._join(name, memberships.groups(self, key, index), f"e.group_{index:d} = {name}.id")
        return f"{name}.value"

    def _session_text(self, key: str) -> str:
        name = f"session_{self._number('session', key)}"
        self._join(name, memberships.sessions(self, key), f"e.session_id = {name}.id")
        return f"{name}.value"

    def _join(self, name: str, table: str, on: str) -> None:
        self._joins.setdefault(name, f"LEFT ANY JOIN ({table}) AS {name} ON {on}")

    def _number(self, kind: str, key: str) -> int:
        """A number for each key that is joined, so that a key never becomes part of a name."""
        return self._numbers.setdefault((kind, key), len(self._numbers))

    # Bound values

    def team(self) -> str:
        return self.bindings.bind(self.team_id, "Int64")

    def instant(self, at: datetime) -> str:
        """A time as DateTime64(6), bound in whole microseconds."""
        micros = self.bindings.bind(microseconds(at), "Int64")
        return f"fromUnixTimestamp64Micro({micros}, 'UTC')"
