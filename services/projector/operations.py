"""The log as projections take it: by whole operations.

The facts of an operation are appended together, and nobody should ever see some of them without the
others: a reader who goes on from where one of them stands would miss what the others add.
"""

from collections.abc import Sequence
from itertools import groupby

from services.common.log.store import EventStore
from services.projector.projection import Entry


async def whole_operations(store: EventStore, after: int, size: int) -> Sequence[Entry]:
    """Entries beyond position `after`, so many at most, that end where an operation ends; more if
    the first operation alone has more.
    """
    while True:
        # One more, to see whether the last operation goes on.
        entries = await store.read(after, size + 1)
        if len(entries) <= size:
            # The log's end: an append is there whole, or not at all.
            return entries
        cut = entries.pop().operation_id
        while entries and entries[-1].operation_id == cut:
            entries.pop()
        if entries:
            return entries
        size *= 2


def by_operation(entries: Sequence[Entry]) -> list[list[Entry]]:
    """The entries of each, in the log's order."""
    return [list(facts) for _, facts in groupby(entries, key=lambda entry: entry.operation_id)]


def by_stream(entries: Sequence[Entry]) -> list[list[Entry]]:
    """The entries of each, in the order of their first ones."""
    streams: dict[object, list[Entry]] = {}
    for entry in entries:
        streams.setdefault(entry.stream_id, []).append(entry)
    return list(streams.values())
