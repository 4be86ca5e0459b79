"""A number of a funnel's answer, selected to see the people behind it."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from services.query.insights.funnels.plan import FunnelPlan

OTHER = "Other"
Value = tuple[str, ...] | int
"""One text per breakdown property, or a cohort's id."""


class AtStep(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Actors with a step: 1…n; or actors who dropped out before it: −2…−n.

    value: of the row; ("Other",) is the row of all values without a row of their own.
    """

    step: int
    value: Value | None = None


class EndedAt(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Actors whose last step is one of these, from 1."""

    steps: tuple[int, ...]
    value: Value | None = None


class InPeriod(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Actors who entered in the period of a trend that starts then, and did (not) convert."""

    start: datetime
    dropped_off: bool
    value: Value | None = None


class InBin(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Actors who took from `from_seconds` up to, but not, `to_seconds`."""

    from_seconds: int
    to_seconds: int


Selection = AtStep | EndedAt | InPeriod | InBin


class StepEvent(msgspec.Struct, frozen=True):
    """The event that took a step (from 1). at: UTC."""

    step: int
    uuid: str
    event: str
    at: datetime


class SelectedActor(msgspec.Struct, frozen=True):
    """An actor behind a number. id: a person's uuid, a group's key, an expression's value."""

    id: str
    matched_events: Sequence[StepEvent]


def required_before(plan: FunnelPlan, step: int) -> int:
    """The last required step before `step` (> 1)."""
    return max(k for k in range(1, step) if not plan.steps[k - 1].optional)
