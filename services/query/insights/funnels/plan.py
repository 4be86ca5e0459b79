"""A funnel with everything defaulted and validated: what SQL and reference are written from.

Times are UTC; steps are numbered from 1 here, as in funnels.md section 5.
"""

from datetime import datetime
from typing import Literal

import msgspec

from services.query.events.actors import AnyActor, PersonActor
from services.query.events.breakdown import Breakdown
from services.query.events.conditions import ALWAYS, AnyCondition

Order = Literal["ordered", "strict", "unordered"]
Viz = Literal["steps", "trends", "time_to_convert"]
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


class Exclusion(msgspec.Struct, frozen=True, kw_only=True):
    """Bars the way from step from_step+1 to step to_step+1 (both 0-indexed, as on the wire)."""

    matches: AnyCondition
    from_step: int
    to_step: int

    @property
    def bars(self) -> range:
        """The 1-based steps k before which it stands."""
        return range(self.from_step + 2, self.to_step + 2)


class FunnelPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A funnel that can be computed as it stands.

    date_from, date_to: both inclusive, UTC, microseconds.
    filters: the global property filters and the test-account filters.
    window_seconds: a month is 31 days.
    from_step, to_step: 1-based, for trends and time to convert.
    sample: share of actors kept, 0 < sample <= 1; counts are divided by it.
    timezone: the project's, for trend periods and dates in properties; week_starts_monday likewise.
    cohorts: what makes a member of each dynamic cohort that is named, a condition on the person
        alone; the people of others stand in a table.
    now: the clock of the request, for pending and incomplete windows.
    """

    team_id: int
    steps: tuple[Step, ...]
    exclusions: tuple[Exclusion, ...] = ()
    order: Order = "ordered"
    viz: Viz = "steps"
    window_seconds: int = 14 * 86_400
    date_from: datetime
    date_to: datetime
    filters: AnyCondition = ALWAYS
    actor: AnyActor = PersonActor()
    breakdown: Breakdown | None = None
    from_step: int
    to_step: int
    interval: Interval = "day"
    bin_count: int | None = None
    sample: float | None = None
    timezone: str = "UTC"
    week_starts_monday: bool = False
    hide_incomplete: bool = False
    cohorts: tuple[tuple[int, AnyCondition], ...] = ()
    now: datetime
