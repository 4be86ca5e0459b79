"""Exact counts that are kept for as long as nothing they count can have changed."""

from collections import OrderedDict

import msgspec

MOST = 2_000


class State(msgspec.Struct, frozen=True):
    """One state of a project's insights: its last fact, and how often the rows were rebuilt."""

    position: int
    rebuilds: int


class Counts:
    """By what was counted: (project, condition, its values). The least recently used goes first.

    A statement gets the state that a count is known for, and counts only in another one. So a
    count is always that of the page beside it, and a list costs one round trip either way.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[object, tuple[State, int]] = OrderedDict()

    def get(self, what: object) -> tuple[State, int] | None:
        found = self._known.get(what)
        if found is not None:
            self._known.move_to_end(what)
        return found

    def put(self, what: object, state: State, count: int) -> None:
        self._known[what] = (state, count)
        self._known.move_to_end(what)
        if len(self._known) > MOST:
            self._known.popitem(last=False)
