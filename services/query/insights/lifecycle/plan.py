"""A lifecycle with everything defaulted and validated: what SQL and reference are written from.

The words are those of trends.md section 13.
"""

from datetime import datetime

import msgspec

from contracts.queries.insight_actors import Status
from services.query.events.actors import GroupActor, PersonActor
from services.query.events.conditions import ALWAYS, AnyCondition
from services.query.events.periods import Period, Span
from services.query.events.series import Entity

STATUSES: tuple[Status, ...] = ("new", "returning", "resurrecting", "dormant")
"""In the order of the rows."""


class LifecyclePlan(msgspec.Struct, frozen=True, kw_only=True):
    """A lifecycle that can be computed as it stands.

    entity: None when its action is unknown: then there are no rows. unknown: (place, id) of it.
    filters: what holds for every event; for persons, that it has a person profile, too.
    span: whole periods. before: the period just before the first; None without periods.
    sample: share of actors kept; None: all. Counts are divided by it.
    """

    team_id: int
    entity: Entity | None
    unknown: tuple[tuple[int, int], ...] = ()
    filters: AnyCondition = ALWAYS
    actor: PersonActor | GroupActor = PersonActor()
    span: Span
    before: Period | None
    sample: float | None = None
    cohorts: tuple[tuple[int, AnyCondition], ...] = ()
    now: datetime
