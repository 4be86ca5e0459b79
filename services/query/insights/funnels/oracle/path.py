"""An attempt at the funnel: what an actor is counted by, however the funnel is ordered."""

from uuid import UUID

import msgspec


class TakenStep(msgspec.Struct, frozen=True):
    """A step (from 1) and the event that took it."""

    step: int
    at_us: int
    uuid: UUID


class Attempt(msgspec.Struct, frozen=True):
    """The steps taken from one first step on.

    path: never empty, by rising step.
    """

    path: tuple[TakenStep, ...]
    spoilt: bool = False

    @property
    def anchor_us(self) -> int:
        """The time of the attempt's first step."""
        return self.path[0].at_us

    @property
    def depth(self) -> int:
        """The step it stands at."""
        return self.path[-1].step

    def at_us(self, step: int) -> int | None:
        """When it took this step; None if it did not."""
        return next((taken.at_us for taken in self.path if taken.step == step), None)
