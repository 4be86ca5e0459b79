"""A trend with everything defaulted and validated: what SQL and reference are written from.

Times are UTC. The words are those of trends.md, sections 4 to 10.
"""

from datetime import datetime
from typing import Literal

import msgspec

from services.query.events.actors import AnyActor
from services.query.events.breakdown import Cohorts, Key
from services.query.events.conditions import ALWAYS, AnyCondition
from services.query.events.expressions.tree import Expression
from services.query.events.periods import Span
from services.query.events.series import Entity, Statistic
from services.query.insights.trends.formulas import Formula

LEVELS: dict[Statistic, float] = {
    "median": 0.5, "p75": 0.75, "p90": 0.9, "p95": 0.95, "p99": 0.99,
}  # fmt: skip
"""Of the quantiles: linear between neighbours at level * (n - 1)."""


# The numbers that a property has


class Number(msgspec.Struct, frozen=True, tag=True, tag_field="kind"):
    """Where the numbers of a statistic come from. What reads as no finite number is left out."""


class EventNumber(Number, frozen=True):
    """A property of each event."""

    key: str


class PersonNumber(Number, frozen=True):
    """A property of each event's person as it is now, once per event."""

    key: str


class SessionNumber(Number, frozen=True):
    """A property of the whole session, also of its events outside of range and filters.

    Once per session in each period (in the whole range, of one value) and breakdown value.
    """

    key: str


class TimeNumber(Number, frozen=True):
    """The event's timestamp, seconds since 1970."""


AnyNumber = EventNumber | PersonNumber | SessionNumber | TimeNumber


# What a series counts


class Math(msgspec.Struct, frozen=True, tag=True, tag_field="kind"):
    """What is counted of the events of a period; of none it is 0."""


class Total(Math, frozen=True):
    """Events."""


class Actors(Math, frozen=True):
    """Distinct actors. In a cumulative display each counts in its first period alone."""

    actor: AnyActor


class ActiveActors(Math, frozen=True):
    """Distinct actors of the days (7 or 30) that end with the period: see `windows.py`.

    Where a period is as long as that, planning makes it `Actors`.
    """

    actor: AnyActor
    days: Literal[7, 30]


class Sessions(Math, frozen=True):
    """Distinct `$session_id`; all events without one are one session (oddity)."""


class FirstTime(Math, frozen=True):
    """At most one event of each actor, of all history up to the range's end, if it is in the range.

    matching: the first event that passes the entity and all filters. Else the first event of the
    entity alone, at an instant at which an event of the entity passes all filters too: of the
    events at that instant, those count as one, and the first by uuid of those that pass is read.
    """

    actor: AnyActor
    matching: bool


class OfProperty(Math, frozen=True):
    """A statistic of the numbers."""

    statistic: Statistic
    number: AnyNumber


class OfCounts(Math, frozen=True):
    """A statistic of the actors' numbers of events; actors without an event are not in it."""

    statistic: Statistic
    actor: AnyActor


class Spread(Math, frozen=True):
    """For a box plot: min, p25, median, p75, max and mean of the numbers."""

    number: AnyNumber


class Aggregation(Math, frozen=True):
    """A number of an aggregate expression (expressions/tree.py); null is 0."""

    expression: Expression


AnyMath = (
    Total
    | Actors
    | ActiveActors
    | Sessions
    | FirstTime
    | OfProperty
    | OfCounts
    | Spread
    | Aggregation
)


class SentMath(msgspec.Struct, frozen=True, kw_only=True):
    """The mathematics as it was asked for: what a row's `action` says."""

    math: str | None = None
    math_property: str | None = None
    math_hogql: str | None = None
    math_group_type_index: int | None = None


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """place: in the query, from 0; a row's `order`, and of formulas the letter.

    multiplier: what each number is multiplied with.
    """

    place: int
    entity: Entity
    math: AnyMath
    sent: SentMath
    multiplier: float | None = None


# How rows are told apart

NULL = "$$_posthog_breakdown_null_$$"
OTHER = "$$_posthog_breakdown_other_$$"
LONGEST_VALUE = 400
"""Characters; a value that is longer is cut there."""


class RowKey(msgspec.Struct, frozen=True, kw_only=True):
    """One property (or expression) whose values tell rows apart.

    bins: its numbers fall into so many bins instead, `[a,b]`.
    """

    read: Key
    normalize_url: bool = False
    bins: int | None = None


class ByProperty(msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="kind"):
    """A row per value of one to three keys.

    limit: rows that keep their own value; the rest is Other, unless hide_other.
    listed: a breakdown_value is an array of texts, of one key too; else the text alone.
    """

    keys: tuple[RowKey, ...]
    limit: int = 25
    hide_other: bool = False
    listed: bool = False


class ByCohort(msgspec.Struct, frozen=True, tag=True, tag_field="kind"):
    """A row per cohort, (id, name) in the order asked; id 0 is "all", every actor."""

    cohorts: Cohorts


AnyBreakdown = ByProperty | ByCohort


# What rows show


class Points(msgspec.Struct, frozen=True, tag=True, tag_field="kind"):
    """A number per period.

    cumulative: running sums. smoothing: each point is the floor of the mean of so many.
    """

    cumulative: bool = False
    smoothing: int = 1


class OneValue(msgspec.Struct, frozen=True, tag=True, tag_field="kind"):
    """One number over the whole range."""


class Boxes(msgspec.Struct, frozen=True, tag=True, tag_field="kind"):
    """A row per series and period with the spread of its numbers; every math is a `Spread`."""


AnyShape = Points | OneValue | Boxes


class TrendsPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A trend that can be computed as it stands.

    series: those that have rows, by place. unknown: (place, id) of those whose action is unknown:
        they have no row, and of formulas they are 0.
    filters: what holds for the events of every series, the days of the week that count among them.
    span: the range; of one value, its days. previous: the range to compare with.
    formulas: if any, theirs are the only rows. They may name places from 0 to named_series - 1.
    sample: share of actors kept, 0 < sample < 1; None: all. Totals, sums and numbers of actors are
        divided by it.
    cohorts: what makes a member of each dynamic cohort that is named.
    display: as asked for, told in a row's `filter`.
    """

    team_id: int
    series: tuple[Series, ...]
    unknown: tuple[tuple[int, int], ...] = ()
    named_series: int
    filters: AnyCondition = ALWAYS
    span: Span
    previous: Span | None = None
    shape: AnyShape = Points()
    breakdown: AnyBreakdown | None = None
    formulas: tuple[Formula, ...] = ()
    sample: float | None = None
    cohorts: tuple[tuple[int, AnyCondition], ...] = ()
    display: str = "ActionsLineGraph"
    now: datetime
