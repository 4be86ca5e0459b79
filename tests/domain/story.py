"""past(…).when(command).then(facts): how a rule is told with values alone."""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import pytest

from contracts.events.insight import InsightEvent
from domain.errors import Refused
from domain.insight.commands import InsightCommand
from domain.insight.decide import decide
from domain.insight.view import view
from tests.examples import recorded

C = TypeVar("C")
E = TypeVar("E")


class Asked(Generic[E]):
    def __init__(self, outcome: Callable[[], Sequence[E]]) -> None:
        self._outcome = outcome

    def then(self, *facts: E) -> None:
        """Exactly these facts, in this order."""
        assert list(self._outcome()) == list(facts)

    def then_nothing(self) -> None:
        assert list(self._outcome()) == []

    def then_refused(self, kind: type[Refused]) -> None:
        with pytest.raises(kind):
            self._outcome()


class Past(Generic[C, E]):
    def __init__(self, decided: Callable[[C], Sequence[E]]) -> None:
        self._decided = decided

    def when(self, command: C) -> Asked[E]:
        return Asked(lambda: self._decided(command))


def past(*events: InsightEvent) -> Past[InsightCommand, InsightEvent]:
    return Past(lambda command: decide(command, view(recorded(events))))
