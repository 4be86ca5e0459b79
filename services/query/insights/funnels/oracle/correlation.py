"""Correlation: properties and events of those who completed, against the others': funnels.md
section 9.
"""

from collections.abc import Iterable, Mapping
from fractions import Fraction

import msgspec

from services.query.insights.funnels.oracle.people import ActorOutcome, Histories, outcomes
from services.query.insights.funnels.oracle.seen import window_us
from services.query.insights.funnels.plan import FunnelPlan

BEST = 10


class NamedEvent(msgspec.Struct, frozen=True):
    """Any event of an actor in the date range, no filter at all."""

    at_us: int
    name: str


class ElementResult(msgspec.Struct, frozen=True):
    """One event name, `event::key::value` or `key::value`."""

    name: str
    success_count: int
    failure_count: int
    odds_ratio: float
    correlation_type: str


class Correlation(msgspec.Struct, frozen=True):
    events: tuple[ElementResult, ...]
    skewed: bool


def successes_and_failures(
    plan: FunnelPlan, histories: Histories
) -> tuple[list[ActorOutcome], list[ActorOutcome]]:
    """Of "everyone who has step 1 in a result of section 5": those with all n steps; the rest."""
    found = outcomes(msgspec.structs.replace(plan, breakdown=None), histories)
    n = len(plan.steps)
    return [o for o in found if o.has(n)], [o for o in found if not o.has(n)]


def event_correlation(
    plan: FunnelPlan,
    histories: Histories,
    named: Mapping[str, Iterable[NamedEvent]],
    never: frozenset[str],
) -> Correlation:
    """named: actor id -> its events. never: names of the funnel's own events and excluded ones."""
    success, failure = successes_and_failures(plan, histories)
    # "lies strictly after its first step and strictly before its last step (success) or first step
    # + W (failure)"
    had: dict[str, tuple[set[str], set[str]]] = {}
    for side, found in enumerate((success, failure)):
        for outcome in found:
            since = outcome.attempt.anchor_us
            until = outcome.attempt.path[-1].at_us if side == 0 else since + window_us(plan)
            for event in named.get(outcome.actor, ()):
                if since < event.at_us < until and event.name not in never:
                    had.setdefault(event.name, (set(), set()))[side].add(outcome.actor)
    counts = {name: (len(s), len(f)) for name, (s, f) in had.items()}
    return correlation(counts, len(success), len(failure))


def correlation(counts: Mapping[str, tuple[int, int]], success: int, failure: int) -> Correlation:
    """counts: name -> (successes, failures) that have it. success, failure: S and F."""
    # "S or F zero: events [], skewed **true**."
    if not success or not failure:
        return Correlation((), skewed=True)
    least = min(Fraction(25), Fraction(2, 100) * (success + failure))
    found = [
        (name, s, f, Fraction((s + 1) * (failure - f + 1), (success - s + 1) * (f + 1)))
        for name, (s, f) in counts.items()
        if s + f >= least
    ]
    # "the 10 best successes (ratio descending), then the 10 strongest failures (ascending); ties by
    # name"
    successes = sorted((x for x in found if x[3] > 1), key=lambda x: (-x[3], x[0]))[:BEST]
    failures = sorted((x for x in found if x[3] <= 1), key=lambda x: (x[3], x[0]))[:BEST]
    return Correlation(
        tuple(
            ElementResult(name, s, f, float(ratio), "success" if ratio > 1 else "failure")
            for name, s, f, ratio in [*successes, *failures]
        ),
        # "S/F > 10 or F/S > 10"
        skewed=success > 10 * failure or failure > 10 * success,
    )
