"""Where a statement's rows come from: events, and only those joins that its conditions asked for.

One Source per SELECT over events. Ask it for conditions and values first; `from_clause` is
rendered last. Events stand under the alias `e` (`e.timestamp`, `e.uuid`, `e.event` …).

    source = Source(team_id, bindings, period=(date_from, date_to), has_overrides=True)
    columns = [source.actor(plan.actor), source.step(step)]
    text = f"SELECT {', '.join(columns)} {source.from_clause()} WHERE {source.scope()}"
"""

from datetime import datetime, timezone
from typing import assert_never

from services.common.statement import Bindings
from services.query.conditions import AnyCondition, PropertyType
from services.query.funnels.plan import (
    AnyActor,
    Breakdown,
    ExpressionActor,
    GroupActor,
    PersonActor,
    Step,
)

Period = tuple[datetime, datetime]
_NOBODY = "toUUID('00000000-0000-0000-0000-000000000000')"


class Source:
    """team_id's events, with values bound into `bindings`.

    period: both ends inclusive; what `scope` restricts to and first-time steps look at.
    has_overrides: whether the project has merged persons at all; without, no join is paid.
    timezone: the project's, for dates in properties that name no offset.
    """

    def __init__(
        self,
        team_id: int,
        bindings: Bindings,
        *,
        period: Period | None = None,
        has_overrides: bool = False,
        timezone: str = "UTC",
    ) -> None:
        self.team_id = team_id
        self.bindings = bindings
        self.period = period
        self.has_overrides = has_overrides
        self.timezone = timezone
        self._joins: dict[str, str] = {}

    def scope(self) -> str:
        """The project's events of the period."""
        team = f"e.team_id = {self.team()}"
        if self.period is None:
            return team
        date_from, date_to = (self.instant(at) for at in self.period)
        return f"{team} AND e.timestamp >= {date_from} AND e.timestamp <= {date_to}"

    def condition(self, condition: AnyCondition) -> str:
        """True or false for each event, never null."""
        raise NotImplementedError

    def step(self, step: Step) -> str:
        """Whether the event is this step, first-time mathematics included (UInt8)."""
        raise NotImplementedError

    def text(self, type: PropertyType, key: str, group_type_index: int | None = None) -> str:
        """A property as text: Nullable(String), objects and arrays as JSON text."""
        raise NotImplementedError

    def expression(self, text: str) -> str:
        """An expression of the closed subset, as Nullable(String)."""
        raise NotImplementedError

    def breakdown_parts(self, breakdown: Breakdown) -> list[str]:
        """Each key's text as String, missing as "", normalized if asked; empty for cohorts."""
        raise NotImplementedError

    def person_id(self) -> str:
        """The event's person (UUID), merges applied."""
        if not self.has_overrides:
            return "e.person_id"
        self._joins["overrides"] = (
            "LEFT ANY JOIN (SELECT person_id, argMax(target_id, version) AS target_id "
            f"FROM person_overrides WHERE team_id = {self.team()} GROUP BY person_id) AS overrides "
            "ON e.person_id = overrides.person_id"
        )
        return f"if(overrides.target_id = {_NOBODY}, e.person_id, overrides.target_id)"

    def actor(self, actor: AnyActor) -> str:
        """Whom the event counts for: UUID, or String for groups and expressions ("" is nobody)."""
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
        return "1" if isinstance(actor, PersonActor) else f"{self.actor(actor)} != ''"

    def from_clause(self) -> str:
        """`FROM events AS e` and the joins asked for so far, in the order they were needed."""
        return " ".join(["FROM events AS e", *self._joins.values()])

    def team(self) -> str:
        return self.bindings.bind(self.team_id, "Int64")

    def instant(self, at: datetime) -> str:
        """A time as DateTime64(6), bound in whole microseconds."""
        micros = self.bindings.bind(microseconds(at), "Int64")
        return f"fromUnixTimestamp64Micro({micros}, 'UTC')"


def microseconds(at: datetime) -> int:
    """Since 1970, exactly (float seconds lose the last digits)."""
    since = at - datetime(1970, 1, 1, tzinfo=timezone.utc)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
