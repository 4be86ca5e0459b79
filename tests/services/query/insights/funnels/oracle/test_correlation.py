"""Correlation: funnels.md section 9."""

from services.query.insights.funnels.oracle.correlation import (
    ElementResult,
    NamedEvent,
    correlation,
    event_correlation,
)
from tests.funnels.stories import crowd


def test_the_odds_ratio_has_a_prior_of_one() -> None:
    found = correlation({"watched": (8, 1)}, success=10, failure=10)
    assert found.events == (ElementResult("watched", 8, 1, 15.0, "success"),)
    assert not found.skewed


def test_rare_names_are_dropped() -> None:
    counts = {"rare": (1, 0), "common": (2, 0)}
    assert [e.name for e in correlation(counts, 50, 50).events] == ["common"]
    counts = {"rare": (24, 0), "common": (25, 0)}
    assert [e.name for e in correlation(counts, 5000, 5000).events] == ["common"]


def test_the_ten_best_of_each_side_ties_by_name() -> None:
    counts = {f"s{i:02}": (5, 0) for i in range(12)} | {f"f{i:02}": (0, 5) for i in range(12)}
    names = [e.name for e in correlation(counts, 10, 10).events]
    assert names == [f"s{i:02}" for i in range(10)] + [f"f{i:02}" for i in range(10)]


def test_one_side_empty_or_ten_times_the_other_is_skewed() -> None:
    assert correlation({"watched": (1, 0)}, 5, 0) == correlation({}, 0, 5)
    assert correlation({}, 5, 0).skewed
    assert correlation({}, 11, 1).skewed
    assert not correlation({}, 10, 1).skewed


def test_an_actor_has_what_lies_strictly_inside_its_attempt() -> None:
    plan, histories = crowd("A B", "A0 B4", "A0")
    zero = histories["1"][0].at_us
    named = {
        "1": [
            NamedEvent(zero, "at first"),
            NamedEvent(zero + 1, "in"),
            NamedEvent(zero + 4_000_000, "at last"),
        ],
        "2": [
            NamedEvent(zero + 9_999_999, "in window"),
            NamedEvent(zero + 10_000_000, "at its end"),
        ],
    }
    found = event_correlation(plan, histories, named, never=frozenset({"A", "B"}))
    assert {(e.name, e.success_count, e.failure_count) for e in found.events} == {
        ("in", 1, 0),
        ("in window", 0, 1),
    }
