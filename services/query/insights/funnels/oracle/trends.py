"""One actor through a trend: funnels.md section 7, "trends", an entry per entrance period."""

from collections.abc import Callable, Iterable
from enum import Enum

import msgspec

from services.query.insights.funnels.oracle import unordered
from services.query.insights.funnels.oracle.seen import (
    OracleEvent,
    StepValue,
    fed,
    steps_excluded,
    taken_whole,
    ties,
    window_us,
)
from services.query.insights.funnels.plan import FunnelPlan, TrendView

PeriodOf = Callable[[int], int]
"""Time in microseconds -> the period it lies in, as a number."""


class Cell(msgspec.Struct, frozen=True):
    """An actor in the period that it entered in: reached from, perhaps to.

    newest_us: its newest first-step event there (unordered: the newest event that left), from which
    its window is open or not.
    """

    converted: bool
    newest_us: int


def cells(
    plan: FunnelPlan,
    view: TrendView,
    events: Iterable[OracleEvent],
    period_of: PeriodOf,
    wanted: StepValue | None = None,
) -> dict[int, Cell]:
    """Period -> the actor's cell there, for the periods in which it reached `from`."""
    if plan.order == "unordered":
        return _unordered(plan, view, events, period_of, wanted)
    trend = _Trend(plan, view, period_of, wanted)
    for tie in ties(fed(plan, events)):
        for event in taken_whole(tie):
            trend.event(event)
    return trend.cells()


class Mark(Enum):
    """The effect of exclusions on the deepest step of an entry."""

    CLEAN = "clean"
    PARTLY = "partly"
    WHOLLY = "wholly"


class Anchor(msgspec.Struct):
    """An entry's S[k]: the time of its first step, and whether it is spoilt."""

    anchor_us: int
    spoilt: bool = False


class PeriodEntry(msgspec.Struct):
    """An actor's entry "per period: own S[1…n], depth, time of the deepest step, mark"."""

    standing: dict[int, Anchor]
    depth: int
    time_us: int
    newest_us: int
    mark: Mark = Mark.CLEAN

    def past(self, k: int) -> bool:
        """S[k] is of the same anchor as S[k−1]."""
        return k in self.standing and self.standing[k].anchor_us == self.standing[k - 1].anchor_us


class _Trend:
    def __init__(
        self, plan: FunnelPlan, view: TrendView, period_of: PeriodOf, wanted: StepValue | None
    ) -> None:
        self.plan = plan
        self.view = view
        self.period_of = period_of
        self.wanted = wanted
        self.window = window_us(plan)
        self.open: dict[int, PeriodEntry] = {}
        self.converted: dict[int, Cell] = {}

    def event(self, event: OracleEvent) -> None:
        # Exclusions, then steps, each highest first, as in section 5.
        for k in steps_excluded(self.plan, event):
            for entry in self.open.values():
                self.exclude(entry, event, k)
        for k in sorted(event.steps, reverse=True):
            if self.wanted and self.wanted.step == k and self.wanted.value != event.value:
                continue
            if k == 1:
                self.first(event)
            else:
                # "for **every** open entry"
                for period in list(self.open):
                    self.step(period, event, k)
        # "Strict: after each event clear as in section 5, in every entry."
        if self.plan.order == "strict":
            for entry in self.open.values():
                entry.standing = {k: s for k, s in entry.standing.items() if k in event.steps}

    def first(self, event: OracleEvent) -> None:
        """First-step event: "period already converted: ignore"."""
        period, now = self.period_of(event.at_us), event.at_us
        if period in self.converted:
            return
        entry = self.open.get(period)
        # "No entry, or one of depth 1 that is marked: new entry, S[1] = now, depth 1."
        if entry is None or (entry.depth == 1 and entry.mark is not Mark.CLEAN):
            self.open[period] = PeriodEntry({1: Anchor(now)}, depth=1, time_us=now, newest_us=now)
        # "Else S[1] = now (unspoilt), the rest stays."
        else:
            entry.standing[1] = Anchor(now)
            entry.newest_us = now

    def step(self, period: int, event: OracleEvent, k: int) -> None:
        """The event matches step k > 1, seen from one open entry."""
        entry, now = self.open[period], event.at_us
        # "with S[k−1] in its window and S[k] of another anchor"
        previous = entry.standing.get(k - 1)
        if previous is None or now - previous.anchor_us > self.window or entry.past(k):
            return
        # "unless S[k−1] is spoilt, S[k] continues it"
        if not previous.spoilt:
            entry.standing[k] = Anchor(previous.anchor_us)
        # "If S[G] exists: the period is converted, the entry closed."
        if self.view.to_step in entry.standing:
            self.converted[period] = Cell(True, entry.newest_us)
            del self.open[period]
        # "Else if k > depth, or k = depth and marked partly: depth = k, time = now, mark = wholly
        # if S[k−1] was spoilt, else clean."
        elif k > entry.depth or (k == entry.depth and entry.mark is Mark.PARTLY):
            entry.depth, entry.time_us = k, now
            entry.mark = Mark.WHOLLY if previous.spoilt else Mark.CLEAN

    def exclude(self, entry: PeriodEntry, event: OracleEvent, k: int) -> None:
        """The event is an exclusion that stands before step k, seen from one open entry."""
        now = event.at_us
        # "S[k−1] in its window, not past, not spoilt → spoilt"
        previous = entry.standing.get(k - 1)
        if previous is None or now - previous.anchor_us > self.window:
            return
        if entry.past(k) or previous.spoilt:
            return
        previous.spoilt = True
        # "if depth = k−1 and now − time ≤ W: mark = partly"
        if entry.depth == k - 1 and now - entry.time_us <= self.window:
            entry.mark = Mark.PARTLY

    def cells(self) -> dict[int, Cell]:
        """At the end "each open entry with depth ≥ F and not marked partly is "reached from, not
        to" – unless any open entry of the actor is marked wholly: then none is. Converted ones
        count in both."
        """
        if any(entry.mark is Mark.WHOLLY for entry in self.open.values()):
            return self.converted
        entered = {
            period: Cell(False, entry.newest_us)
            for period, entry in self.open.items()
            if entry.depth >= self.view.from_step and entry.mark is not Mark.PARTLY
        }
        return entered | self.converted


def _unordered(
    plan: FunnelPlan,
    view: TrendView,
    events: Iterable[OracleEvent],
    period_of: PeriodOf,
    wanted: StepValue | None,
) -> dict[int, Cell]:
    """For each event that leaves, its period "gets max(its depth, completed). Then depth ≥ F:
    entered; ≥ G: converted."
    """
    depth: dict[int, int] = {}
    newest: dict[int, int] = {}
    for leaving in unordered.departures(plan, events, wanted):
        period = period_of(leaving.at_us)
        depth[period] = max(depth.get(period, 0), leaving.completed)
        newest[period] = max(newest.get(period, leaving.at_us), leaving.at_us)
    return {
        period: Cell(completed >= view.to_step, newest[period])
        for period, completed in depth.items()
        if completed >= view.from_step
    }
