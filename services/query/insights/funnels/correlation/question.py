"""The question of a correlation, and its answer from the rows of its statement (section 9)."""

import math
from collections.abc import Iterable

import msgspec
from msgspec import UNSET

from contracts.api.correlation import Correlated, CorrelationEvent, CorrelationResults
from services.query.events.conditions import ALWAYS, AllOf, AnyCondition, AnyOf, EventNamed
from services.query.insights.funnels.correlation.elements import read_chain
from services.query.insights.funnels.plan import FunnelPlan

BEST = 10
"""Most rows of each side."""
SKEWED = 10
AUTOCAPTURE = "$autocapture"
CHAIN = "elements_chain"
JOINT = "::"
"""PostHog: between an event, the key of a property, and its value."""
DIVIDER = "__~~__"
"""PostHog: between an autocaptured event's type and the chain of its elements."""


class OfEvents(msgspec.Struct, frozen=True, tag=True):
    """By the names of other events. excluded: names to leave out."""

    excluded: tuple[str, ...] = ()


class OfEventProperties(msgspec.Struct, frozen=True, tag=True):
    """By the properties of these events. excluded: property names."""

    events: tuple[str, ...]
    excluded: tuple[str, ...] = ()


class OfRecords(msgspec.Struct, frozen=True, tag=True):
    """By properties of the person or group as it is now. names: None is every one there is."""

    names: tuple[str, ...] | None
    excluded: tuple[str, ...] = ()


Question = OfEvents | OfEventProperties | OfRecords


class ElementCount(msgspec.Struct, frozen=True, array_like=True):
    """A row of statement.compile_correlation: how many of those who converted, and of the others,
    have it. parts: of the name, see there; none: the totals.
    """

    parts: tuple[str, ...]
    success: int
    failure: int


def own_names(plan: FunnelPlan) -> tuple[str, ...]:
    """Names of the funnel's own events, and of its actions' steps."""
    found = {name for step in plan.steps for name in _mentioned(step.entity)}
    return tuple(sorted(found))


def _mentioned(condition: AnyCondition) -> Iterable[str]:
    match condition:
        case EventNamed(names=names):
            yield from names
        case AllOf(conditions=parts) | AnyOf(conditions=parts) if condition != ALWAYS:
            for part in parts:
                yield from _mentioned(part)
        case _:
            return


def render(
    plan: FunnelPlan, rows: Iterable[object], *, p_values: bool = False
) -> CorrelationResults:
    """Rows in the statement's order, which is the answer's. p_values: tell them too."""
    counted = msgspec.convert(rows, list[ElementCount], strict=False)
    totals = next((row for row in counted if not row.parts), ElementCount((), 0, 0))
    if not totals.success or not totals.failure:
        return CorrelationResults(events=[], skewed=True)
    success, failure = _scaled(plan, totals.success), _scaled(plan, totals.failure)
    return CorrelationResults(
        events=[_correlated(row, totals, p_values) for row in counted if row.parts],
        skewed=success > SKEWED * failure or failure > SKEWED * success,
    )


def _scaled(plan: FunnelPlan, count: int) -> int:
    return count if plan.sample is None else round(count / plan.sample)


def _correlated(row: ElementCount, totals: ElementCount, p_values: bool) -> Correlated:
    has, lacks = row.success, totals.success - row.success
    fails, fares = row.failure, totals.failure - row.failure
    # The ones are the prior.
    above, below = (has + 1) * (fares + 1), (lacks + 1) * (fails + 1)
    return Correlated(
        event=_event(row.parts),
        success_count=has,
        failure_count=fails,
        odds_ratio=above / below,
        correlation_type="success" if above > below else "failure",
        p_value=p_value(has, lacks, fails, fares) if p_values else UNSET,
    )


def _event(parts: tuple[str, ...]) -> CorrelationEvent:
    name = JOINT.join(parts)
    if parts[:2] != (AUTOCAPTURE, CHAIN):
        # Names may hold what joins them: then they could not be taken apart again.
        ambiguous = any(JOINT in part for part in parts[:-1])
        return CorrelationEvent(event=name, parts=parts if ambiguous else UNSET)
    event_type, _, chain = parts[2].partition(DIVIDER)
    return CorrelationEvent(
        event=name, properties={"$event_type": event_type}, elements=read_chain(chain)
    )


_MOST_EXACT = 2_000


def p_value(has: int, lacks: int, fails: int, fares: int) -> float:
    """The probability of counts as uneven as these when having it and converting are unrelated.

    Two-sided: Fisher's exact test; for very many actors, its normal limit.
    """
    success, failure, with_it = has + lacks, fails + fares, has + fails
    lowest, highest = max(0, with_it - failure), min(with_it, success)
    if highest - lowest > _MOST_EXACT:
        return _normal(has, lacks, fails, fares)
    ours = _log_chance(has, success, failure, with_it)
    chances = (_log_chance(k, success, failure, with_it) for k in range(lowest, highest + 1))
    # As probable as ours, give or take what logarithms round away.
    return min(1.0, math.fsum(math.exp(log) for log in chances if log <= ours + 1e-9))


def _log_chance(has: int, success: int, failure: int, with_it: int) -> float:
    """That `has` of the successes are among `with_it` actors drawn blindly."""
    return (
        _log_choose(success, has)
        + _log_choose(failure, with_it - has)
        - _log_choose(success + failure, with_it)
    )


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def _normal(has: int, lacks: int, fails: int, fares: int) -> float:
    """Two proportions against each other."""
    success, failure = has + lacks, fails + fares
    share = (has + fails) / (success + failure)
    deviation = math.sqrt(share * (1 - share) * (1 / success + 1 / failure))
    return math.erfc(abs(has / success - fails / failure) / deviation / math.sqrt(2))
