"""The steps result of many actors: funnels.md sections 6 (rows) and 7."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from fractions import Fraction
from statistics import median

import msgspec

from services.query.funnels.oracle.people import (
    Histories,
    Outcome,
    outcomes,
    pending,
    required_before,
)
from services.query.funnels.oracle.seen import MICROSECONDS, Value
from services.query.funnels.plan import FunnelPlan

OTHER: Value = ("Other",)
KEEP_THEIR_ROW = ("event", "person", "group")
MOST_ROWS = 100


class StepRow(msgspec.Struct, frozen=True):
    """The numbers of one step. Times are seconds from the step before; None: no time but zero."""

    count: int
    average_conversion_time: float | None
    median_conversion_time: float | None
    pending_count: int


class Group(msgspec.Struct, frozen=True):
    """One value's steps; None: no breakdown. A cohort's value is its id as text."""

    value: Value | None
    steps: tuple[StepRow, ...]


def steps(plan: FunnelPlan, histories: Histories) -> list[Group]:
    """One group, or one per breakdown value, in the order of the answer.

    Without a breakdown "n zeros when nobody entered"; with one, nobody: [].
    """
    found = outcomes(plan, histories)
    if plan.breakdown is None:
        return [_group(plan, None, found)]
    by_value: dict[Value, list[Outcome]] = defaultdict(list)
    for outcome in found:
        by_value[outcome.value or ()].append(outcome)
    return _arranged(plan, by_value)


def steps_by_cohort(plan: FunnelPlan, members: Mapping[int, Histories]) -> list[Group]:
    """members: cohort id -> histories of its members. "Attribution is ignored"."""
    found = {(str(cohort),): outcomes(plan, histories) for cohort, histories in members.items()}
    groups = [_group(plan, value, of_value) for value, of_value in found.items() if of_value]
    groups.sort(key=lambda group: (_deepest_first(group), int((group.value or ("0",))[0])))
    return groups[:MOST_ROWS]


def _arranged(plan: FunnelPlan, by_value: Mapping[Value, list[Outcome]]) -> list[Group]:
    """Rows "sorted by count of the last step, then the one before, …, all descending; … then value
    ascending".
    """
    if plan.breakdown is None:
        raise ValueError("no breakdown to arrange")
    groups = [_group(plan, value, found) for value, found in by_value.items()]
    groups.sort(key=lambda group: (_deepest_first(group), group.value or ()))
    if plan.breakdown.type not in KEEP_THEIR_ROW:
        # "Other types: the first 100 rows."
        return groups[:MOST_ROWS]
    # "the first `breakdown_limit` values keep their row, all others merge into one row ["Other"],
    # its counts summed and its times pooled, sorted among the rest (last among equals)"
    kept, rest = groups[: plan.breakdown.limit], groups[plan.breakdown.limit :]
    if not rest:
        return kept
    pooled = [outcome for group in rest for outcome in by_value[group.value or ()]]
    other = _group(plan, OTHER, pooled)
    return sorted([*kept, other], key=_deepest_first)


def _deepest_first(group: Group) -> list[int]:
    return [-row.count for row in reversed(group.steps)]


def _group(plan: FunnelPlan, value: Value | None, found: list[Outcome]) -> Group:
    rows = (_row(plan, k, found) for k in range(1, len(plan.steps) + 1))
    return Group(value, tuple(rows))


def _row(plan: FunnelPlan, k: int, found: list[Outcome]) -> StepRow:
    times = [us for outcome in found if (us := _conversion_us(plan, outcome, k)) is not None]
    # "zero seconds left out (oddity, serve); mean, and median …; none: null"
    times = [us for us in times if us > 0]
    return StepRow(
        count=scaled(plan, sum(outcome.has(k) for outcome in found)),
        average_conversion_time=mean_seconds(times),
        median_conversion_time=median_seconds(times),
        pending_count=scaled(plan, sum(pending(plan, o, k) for o in found) if k > 1 else 0),
    )


def _conversion_us(plan: FunnelPlan, outcome: Outcome, k: int) -> int | None:
    """Time "from step k−1 to k on the reported attempt".

    "the time of a required step runs from the required step before it", "optional steps have null
    times", and so has the first.
    """
    if k == 1 or plan.steps[k - 1].optional:
        return None
    since = outcome.attempt.at_us(required_before(plan, k))
    until = outcome.attempt.at_us(k)
    return None if since is None or until is None else until - since


def total_median_conversion_time(plan: FunnelPlan, histories: Histories) -> float | None:
    """The "median seconds from first to last step of all who completed, across the breakdown"."""
    completed = [o.attempt for o in outcomes(plan, histories) if o.has(len(plan.steps))]
    return median_seconds([a.path[-1].at_us - a.anchor_us for a in completed])


def scaled(plan: FunnelPlan, actors: int) -> int:
    """A count, "with sampling round(count / factor)"."""
    return actors if plan.sample is None else round(actors / plan.sample)


def mean_seconds(times_us: Iterable[int]) -> float | None:
    times = list(times_us)
    return float(Fraction(sum(times), len(times) * MICROSECONDS)) if times else None


def median_seconds(times_us: Iterable[int]) -> float | None:
    """For an "even number: mean of the middle two"."""
    times = [Fraction(us, MICROSECONDS) for us in times_us]
    return float(median(times)) if times else None
