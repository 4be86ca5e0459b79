"""An event as the reference sees it: its time, and the steps and exclusions that it matches."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import groupby
from uuid import UUID

import msgspec

from services.query.insights.funnels.plan import FunnelPlan

MICROSECONDS = 1_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Value = tuple[str, ...]


class OracleEvent(msgspec.Struct, frozen=True):
    """An event of one actor that entered (funnels.md section 3).

    steps: the steps it matches, from 1.
    exclusions: the exclusions it matches, as indexes into the plan's.
    value: its breakdown value, one text per property; empty without a breakdown.
    """

    at_us: int
    uuid: UUID
    steps: frozenset[int] = frozenset()
    exclusions: frozenset[int] = frozenset()
    value: Value = ()


History = tuple[OracleEvent, ...]
"""One actor's events, in any order."""


class StepValue(msgspec.Struct, frozen=True):
    """Attribution by step: the event that takes this step (from 1) must have this value."""

    step: int
    value: Value


def fed(plan: FunnelPlan, events: Iterable[OracleEvent]) -> list[OracleEvent]:
    """The events the funnel looks at, by timestamp, then uuid.

    Ordered and unordered look only at events that match a step or exclusion; strict at every event.
    """
    looked_at = (e for e in events if e.steps or e.exclusions or plan.order == "strict")
    return sorted(looked_at, key=lambda e: (e.at_us, e.uuid))


def ties(events: Iterable[OracleEvent]) -> Iterator[list[OracleEvent]]:
    """Maximal runs with equal timestamps, of events in order."""
    return (list(run) for _, run in groupby(events, key=lambda e: e.at_us))


def mixed(tie: list[OracleEvent]) -> bool:
    """Its events differ in the steps or exclusions they match."""
    return len({(event.steps, event.exclusions) for event in tie}) > 1


def taken_whole(tie: list[OracleEvent]) -> list[OracleEvent]:
    """The order in which unordered funnels and trends take the events of a tie.

    Exclusions first, then unrelated events, then those with steps in the order of their list of
    steps (lower before higher), then uuid.
    """

    def rank(event: OracleEvent) -> tuple[int, list[int], UUID]:
        if event.steps:
            return 2, sorted(event.steps), event.uuid
        return (0 if event.exclusions else 1), [], event.uuid

    return sorted(tie, key=rank)


def steps_excluded(plan: FunnelPlan, event: OracleEvent) -> list[int]:
    """The steps k before which the event is an exclusion, highest first."""
    return sorted({k for i in event.exclusions for k in plan.exclusions[i].steps}, reverse=True)


def window_us(plan: FunnelPlan) -> int:
    """W in microseconds; the end belongs to the window."""
    return plan.window_seconds * MICROSECONDS


def microseconds(at: datetime) -> int:
    """A time with a zone, as whole microseconds since 1970."""
    return (at - EPOCH) // timedelta(microseconds=1)
