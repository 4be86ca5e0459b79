"""A funnel with everything defaulted and validated: what SQL and reference are written from.

Times are UTC; steps are numbered from 1 here, as in funnels.md section 5.
"""

from datetime import datetime
from typing import ClassVar, Literal, assert_never

import msgspec

from services.query.events.actors import AnyActor, PersonActor
from services.query.events.breakdown import Cohorts, ExpressionKey, GroupKey, Key, PropertyKey
from services.query.events.conditions import ALWAYS, AnyCondition

Order = Literal["ordered", "strict", "unordered"]
Interval = Literal["hour", "day", "week", "month"]
FirstTime = Literal["first_time_for_user", "first_time_for_user_with_filters"]


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step and how its row is labelled.

    matches: the event or action with its filters.
    entity: the event or action alone, without filters (first_time_for_user looks at it).
    """

    matches: AnyCondition
    entity: AnyCondition
    optional: bool = False
    first_time: FirstTime | None = None
    action_id: str | int | None
    name: str | None
    custom_name: str | None = None
    type: Literal["events", "actions", "group"] = "events"

    @property
    def first_of(self) -> AnyCondition | None:
        """The condition that the step's event must be the person's first to meet; None: any event
        will do.
        """
        match self.first_time:
            case None:
                return None
            case "first_time_for_user":
                return self.entity
            case "first_time_for_user_with_filters":
                return self.matches
            case _:
                assert_never(self.first_time)


class Exclusion(msgspec.Struct, frozen=True, kw_only=True):
    """Events that end an attempt between step from_step+1 and step to_step+1.

    from_step, to_step: from 0, as on the wire.
    """

    matches: AnyCondition
    from_step: int
    to_step: int

    @property
    def steps(self) -> range:
        """The steps (from 1) that an attempt can't take any more after it."""
        return range(self.from_step + 2, self.to_step + 2)


# Views


class StepsView(msgspec.Struct, frozen=True, tag="steps"):
    """Per step, the number of actors and their times."""


class TrendView(msgspec.Struct, frozen=True, kw_only=True, tag="trends"):
    """Per period, which share of those with from_step got to to_step (both from 1).

    hide_incomplete: without the periods whose windows are still open.
    """

    from_step: int
    to_step: int
    interval: Interval = "day"
    hide_incomplete: bool = False


class TimesView(msgspec.Struct, frozen=True, kw_only=True, tag="time_to_convert"):
    """The times of actors from from_step to to_step (both from 1).

    bins: of the histogram; None: as many as the number of actors suggests.
    """

    from_step: int
    to_step: int
    bins: int | None = None


View = StepsView | TrendView | TimesView


# Breakdowns (funnels.md section 6)


class FirstTouch(msgspec.Struct, frozen=True, tag=True):
    """An actor counts under the value of its earliest event that has any."""


class LastTouch(msgspec.Struct, frozen=True, tag=True):
    """An actor counts under the value of its latest event that has any."""


class EachValue(msgspec.Struct, frozen=True, tag=True):
    """An actor counts under each of its values, by the events with that value alone."""


class OfStep(msgspec.Struct, frozen=True, tag=True):
    """An actor counts under each value of its events of this step (from 1), which such an event
    must then take."""

    step: int


Attribution = FirstTouch | LastTouch | EachValue | OfStep

MOST_ROWS = 100
"""Of a breakdown that leaves out what is beyond its limit."""


def merge_rest(keys: tuple[Key, ...]) -> bool:
    """Whether the values beyond the limit become one row, "Other", and are not left out.

    So it is with properties of events, persons and groups.
    """
    return all(_merges(key) for key in keys)


def _merges(key: Key) -> bool:
    match key:
        case PropertyKey(of=of):
            return of in ("event", "person")
        case GroupKey():
            return True
        case ExpressionKey():
            return False
        case _:
            assert_never(key)


class ByProperty(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A row per value: one text per key.

    limit: values that keep a row of their own.
    boxed: the value of a single key is shown as ["x"], and not as "x".
    """

    keys: tuple[Key, ...]
    attribution: Attribution = FirstTouch()
    limit: int = 25
    normalize_url: bool = False
    boxed: bool = True

    @property
    def merges_rest(self) -> bool:
        return merge_rest(self.keys)


class ByCohort(msgspec.Struct, frozen=True, tag=True):
    """A row per cohort, of its members. No attribution: a member is one whatever it did."""

    cohorts: Cohorts

    limit: ClassVar[int] = MOST_ROWS
    merges_rest: ClassVar[bool] = False

    def name(self, cohort: int) -> str:
        return dict(self.cohorts)[cohort]


Breakdown = ByProperty | ByCohort


class FunnelPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A funnel that can be computed as it stands.

    date_from, date_to: both inclusive, UTC, microseconds.
    filters: the global property filters and the test-account filters.
    window_seconds: a month is 31 days.
    breakdown: None: one row for everybody, as always with times.
    sample: share of actors kept, 0 < sample <= 1; counts are divided by it.
    timezone: the project's, for trend periods and dates in properties; week_starts_monday likewise.
    cohorts: what makes a member of each dynamic cohort that is named, a condition on the person
        alone; the people of others are in a table.
    now: the clock of the request, for pending and incomplete windows.
    """

    team_id: int
    steps: tuple[Step, ...]
    exclusions: tuple[Exclusion, ...] = ()
    order: Order = "ordered"
    view: View = StepsView()
    window_seconds: int = 14 * 86_400
    date_from: datetime
    date_to: datetime
    filters: AnyCondition = ALWAYS
    actor: AnyActor = PersonActor()
    breakdown: Breakdown | None = None
    sample: float | None = None
    timezone: str = "UTC"
    week_starts_monday: bool = False
    cohorts: tuple[tuple[int, AnyCondition], ...] = ()
    now: datetime

    def __post_init__(self) -> None:
        if isinstance(self.view, TimesView) and self.breakdown is not None:
            raise ValueError("times to convert have no rows of their own")

    @property
    def wanted_step(self) -> int | None:
        """The step whose event must have the row's value; None: attribution asks for none."""
        match self.breakdown:
            case ByProperty(attribution=OfStep(step=step)):
                return step
            case _:
                return None
