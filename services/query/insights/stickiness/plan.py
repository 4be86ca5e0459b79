"""Stickiness with everything defaulted and validated: what SQL and reference are written from.

The words are those of trends.md section 12.
"""

from datetime import datetime

import msgspec

from contracts.queries.stickiness import Criterion
from services.query.events.actors import AnyActor
from services.query.events.conditions import ALWAYS, AnyCondition
from services.query.events.periods import Period, Span
from services.query.events.series import Entity


class Criteria(msgspec.Struct, frozen=True):
    """How many events make an actor active in an interval; lte too wants at least one."""

    operator: Criterion = "gte"
    value: int = 1


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """place: in the query, from 0; a row's `order`. math…: as asked for, for a row's `action`."""

    place: int
    entity: Entity
    actor: AnyActor
    math: str | None = None
    math_hogql: str | None = None
    math_group_type_index: int | None = None


class Intervals(msgspec.Struct, frozen=True, kw_only=True):
    """A range and the intervals of it that actors are active in.

    intervals: the span's shown periods, joined from the end by so many; the first may be of fewer.
    Of a range that ends before it begins there is none. The span still bounds the events.
    """

    span: Span
    intervals: tuple[Period, ...]


class StickinessPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Stickiness that can be computed as it stands.

    series: those that have rows, by place. unknown: (place, id) of those whose action is unknown.
    filters: what holds for the events of every series. previous: the range to compare with.
    cumulative: a point counts actors of so many intervals or more.
    sample: share of actors kept; None: all. Counts are divided by it.
    """

    team_id: int
    series: tuple[Series, ...]
    unknown: tuple[tuple[int, int], ...] = ()
    filters: AnyCondition = ALWAYS
    current: Intervals
    previous: Intervals | None = None
    criteria: Criteria = Criteria()
    cumulative: bool = False
    sample: float | None = None
    cohorts: tuple[tuple[int, AnyCondition], ...] = ()
    now: datetime
