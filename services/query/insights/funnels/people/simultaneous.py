"""Chooses among simultaneous events those that took the steps of an unordered funnel: as many as
are needed, each another step.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar


class MatchingEvent(Protocol):
    """An event and the steps that it matches."""

    @property
    def uuid(self) -> str: ...
    @property
    def at_us(self) -> int: ...
    @property
    def steps(self) -> Sequence[int]: ...


E = TypeVar("E", bound=MatchingEvent)


def different(
    times: Sequence[int], of_time: Mapping[int, Sequence[E]]
) -> defaultdict[int, list[E]]:
    """Of each instant as many events as it stands among the times, all of different steps.

    The first of an instant's events come first, where that leaves a step for all others. An event
    gives its step away if it finds another; or else if another event of its instant does so.
    tried: the steps and events that one settling has come past.
    """
    took: dict[int, E] = {}

    def settle(event: E, tried: set[int | str], *, instead: bool) -> bool:
        tried.add(event.uuid)
        for step in sorted(event.steps):
            if step in tried:
                continue
            tried.add(step)
            owner = took.get(step)
            if (
                owner is None
                or settle(owner, tried, instead=instead)
                or (instead and any_of(owner.at_us, tried, instead=True))
            ):
                took[step] = event
                return True
        return False

    def any_of(at_us: int, tried: set[int | str], *, instead: bool) -> bool:
        used = {event.uuid for event in took.values()}
        # `tried` grows meanwhile: an event that is being settled is not free for itself.
        return any(
            settle(event, tried, instead=instead)
            for event in of_time[at_us]
            if event.uuid not in used and event.uuid not in tried
        )

    for at_us in times:
        used = {event.uuid for event in took.values()}
        free = [event for event in of_time[at_us] if event.uuid not in used]
        if not any(settle(event, set(), instead=False) for event in free):
            any(settle(event, set(), instead=True) for event in free)
    chosen: defaultdict[int, list[E]] = defaultdict(list)
    for event in sorted(took.values(), key=lambda event: event.uuid):
        chosen[event.at_us].append(event)
    return chosen
