"""The choices of an insight's numbers: a client picks one, then asks for the people behind it."""

import msgspec


class Choice(msgspec.Struct, frozen=True):
    """label: for readers. value: as an InsightActorsQuery names it."""

    label: str
    value: str | int


class KeyChoices(msgspec.Struct, frozen=True):
    """Of one of several breakdowns."""

    values: list[Choice]


class ActorsOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Null where there is nothing to choose. breakdown: of a single one, else breakdowns."""

    day: list[Choice] | None = None
    status: list[Choice] | None = None
    interval: list[Choice] | None = None
    series: list[Choice] | None = None
    breakdown: list[Choice] | None = None
    breakdowns: list[KeyChoices] | None = None
    compare: list[Choice] | None = None


SIDES = [Choice("Current", "current"), Choice("Previous", "previous")]
