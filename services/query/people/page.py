"""A page of the actors behind a number, whatever the number is of."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from contracts.api.people import AnyActor
from services.query.people.records import RecordOrder

DEFAULT_LIMIT = 100
"""Actors on a page whose request names no limit."""

MOST_SORTED = 200_000
"""Of how many actors the records can be searched or sorted by: all their ids travel."""


class ActorRow(msgspec.Struct, frozen=True):
    """shown: None without a record. In a row of merged values one id may come several times.

    events: how many of the events that a number counts are the actor's; None of a funnel.
    """

    id: str
    shown: AnyActor | None
    events: int | None = None


class ActorPage(msgspec.Struct, frozen=True):
    """rows: of all actors on it, in order."""

    rows: Sequence[ActorRow]

    @property
    def actors(self) -> list[AnyActor]:
        """The actors with a record, in order."""
        return [row.shown for row in self.rows if row.shown is not None]

    @property
    def missing(self) -> int:
        return sum(row.shown is None for row in self.rows)


class ActorList(Protocol):
    """The actors behind one number, ready to be listed."""

    async def page(
        self, *, by: RecordOrder | None, limit: int, offset: int, query_id: str | None
    ) -> ActorPage:
        """by: None for the kind's own order, which the engine pages itself.

        Raises InvalidQuery for more actors than can be sorted; EngineError's kinds.
        """
