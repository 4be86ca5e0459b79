"""Simultaneous events of an unordered funnel, each another step."""

from collections import defaultdict

import pytest

from services.query.insights.funnels.people.matched import SeenEvent
from services.query.insights.funnels.people.simultaneous import different


@pytest.mark.parametrize(
    ("times", "events", "took"),
    [
        ([0, 3], "a0:1 b3:1 c3:2", "a c"),  # the first step is taken already
        ([0, 0], "a0:1 b0:1 c0:2", "a c"),  # the first of two alike stays
        ([0, 0], "a0:12 b0:1", "a b"),  # gives its step away and finds another
        ([0, 3], "a0:1 b0:2 c3:1", "b c"),  # another of its instant steps in
        ([0, 0, 0], "a0:12 b0:13 c0:1", "a b c"),
        ([0, 0, 0, 3], "a0:1 b0:123 c0:2 d0:24 e3:123", "b c d e"),  # who steps in takes one step
    ],
)
def test_as_many_as_are_needed_each_of_another_step(
    times: list[int], events: str, took: str
) -> None:
    of_time: dict[int, list[SeenEvent]] = defaultdict(list)
    for text in events.split():
        name, steps = text.split(":")
        at_us = int(name[1:])
        of_time[at_us].append(SeenEvent("", at_us, name[0], "", [int(k) for k in steps], []))

    chosen = different(times, of_time)

    assert sorted(e.uuid for tie in chosen.values() for e in tie) == took.split()
