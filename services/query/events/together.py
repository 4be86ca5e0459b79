"""Two ranges of a comparison as one, to be read in one pass."""

import msgspec

from contracts.times import MICROSECOND
from services.query.events.periods import Span


class Together(msgspec.Struct, frozen=True):
    """span: of both ranges; the earlier one's periods are its first.

    later: the index there at which the later one's periods begin; its last is the last.
    """

    span: Span
    later: int


def together(earlier: Span, later: Span) -> Together | None:
    """One span whose periods are those of both, of one interval; some may be in both.

    None where there is time between them, or where one's end cuts a period that goes on in the
    other: then no period could tell of which range an event is.
    """
    if not earlier.periods or not later.periods:
        return None
    begins, ends = later.periods[0].start, earlier.periods[-1].end
    first = sum(period.start < begins for period in earlier.periods)
    shared = earlier.periods[first:]
    fits = (
        earlier.date_from <= later.date_from == begins <= ends
        and earlier.date_to == ends - MICROSECOND
        and earlier.date_to <= later.date_to
        and shared == later.periods[: len(shared)]
    )
    if not fits:
        return None
    shown = (
        *(index for index in earlier.shown if index < first),
        *(index + first for index in later.shown),
    )
    span = msgspec.structs.replace(
        later,
        date_from=earlier.date_from,
        periods=(*earlier.periods[:first], *later.periods),
        shown=shown,
    )
    return Together(span, first)
