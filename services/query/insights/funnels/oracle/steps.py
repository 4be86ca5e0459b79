"""The steps result of many actors: funnels.md sections 6 (rows) and 7."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from fractions import Fraction
from statistics import median

import msgspec

from services.query.insights.funnels.oracle.people import (
    ActorOutcome,
    Histories,
    outcomes,
    pending,
    required_before,
)
from services.query.insights.funnels.oracle.seen import MICROSECONDS, Value
from services.query.insights.funnels.plan import MOST_ROWS, FunnelPlan

OTHER: Value = ("Other",)


class StepRow(msgspec.Struct, frozen=True):
    """The numbers of one step. Times are seconds from the step before; None: no time but zero."""

    count: int
    average_conversion_time: float | None
    median_conversion_time: float | None
    pending_count: int


class StepGroup(msgspec.Struct, frozen=True):
    """One value's steps; None: no breakdown. A cohort's value is its id as text."""

    value: Value | None
    steps: tuple[StepRow, ...]


class CountedGroup(msgspec.Struct, frozen=True):
    """A group and those it counts, one outcome per actor and value."""

    group: StepGroup
    counted: tuple[ActorOutcome, ...]


def steps(plan: FunnelPlan, histories: Histories) -> list[StepGroup]:
    """One group, or one per breakdown value, in the order of the answer.

    Without a breakdown "n zeros when nobody entered"; with one, nobody: [].
    """
    return [each.group for each in counted_groups(plan, histories)]


def counted_groups(plan: FunnelPlan, histories: Histories) -> list[CountedGroup]:
    """The groups of the answer, and who is behind each."""
    found = outcomes(plan, histories)
    if plan.breakdown is None:
        return [_counted_group(plan, None, found)]
    by_value: dict[Value, list[ActorOutcome]] = defaultdict(list)
    for outcome in found:
        by_value[outcome.value or ()].append(outcome)
    # "Rows: sorted by count of the last step, then the one before, …, all descending; … then value
    # ascending." The sort keeps the values' order among equals.
    arranged = [_counted_group(plan, value, by_value[value]) for value in sorted(by_value)]
    arranged.sort(key=_deepest_first)
    if not plan.breakdown.merges_rest:
        # "Other types: the first 100 rows."
        return arranged[:MOST_ROWS]
    # "`breakdown_limit` values keep their row: those with the most actors at the first step, then
    # at the second, …, then value ascending. … All others merge into one row ["Other"], its counts
    # summed and its times pooled, sorted among the rest (last among equals)"
    ranked = sorted(arranged, key=_first_step_first)
    kept, rest = ranked[: plan.breakdown.limit], ranked[plan.breakdown.limit :]
    if not rest:
        return arranged
    other = _counted_group(plan, OTHER, [outcome for each in rest for outcome in each.counted])
    return sorted([*kept, other], key=_deepest_first)


def steps_by_cohort(plan: FunnelPlan, members: Mapping[int, Histories]) -> list[StepGroup]:
    """members: cohort id -> histories of its members. "Attribution is ignored"."""
    found = [
        _counted_group(plan, (str(cohort),), outcomes(plan, histories))
        for cohort, histories in sorted(members.items())
    ]
    found = sorted((each for each in found if each.counted), key=_deepest_first)
    return [each.group for each in found[:MOST_ROWS]]


def _deepest_first(each: CountedGroup) -> list[int]:
    return [-row.count for row in reversed(each.group.steps)]


def _first_step_first(each: CountedGroup) -> tuple[list[int], Value]:
    return [-row.count for row in each.group.steps], each.group.value or ()


def _counted_group(
    plan: FunnelPlan, value: Value | None, found: list[ActorOutcome]
) -> CountedGroup:
    rows = (_row(plan, k, found) for k in range(1, len(plan.steps) + 1))
    return CountedGroup(StepGroup(value, tuple(rows)), tuple(found))


def _row(plan: FunnelPlan, k: int, found: list[ActorOutcome]) -> StepRow:
    times = [us for outcome in found if (us := _conversion_us(plan, outcome, k)) is not None]
    # "zero seconds left out (oddity, serve); mean, and median …; none: null"
    times = [us for us in times if us > 0]
    return StepRow(
        count=scaled(plan, sum(outcome.has(k) for outcome in found)),
        average_conversion_time=mean_seconds(times),
        median_conversion_time=median_seconds(times),
        pending_count=scaled(plan, sum(pending(plan, o, k) for o in found) if k > 1 else 0),
    )


def _conversion_us(plan: FunnelPlan, outcome: ActorOutcome, k: int) -> int | None:
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
