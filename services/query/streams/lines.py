"""What goes over a connection of lines: each ends with a line break, an empty one says that the
connection lives.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from contracts.chain import Entry, Link
from services.query.streams.follower import Batch
from services.query.streams.frames import FramedEntry, Reason

MEDIA_TYPE = "application/x-ndjson"
_EMPTY_LINE = b"\n"


class Lines:
    """form: whole lines of these entries. Lines have no word for a place or a reason: the end is
    the end, and the reader has what came.
    """

    media_type = MEDIA_TYPE

    def __init__(
        self, form: Callable[[Sequence[Entry]], Awaitable[bytes]], headers: Mapping[str, str]
    ) -> None:
        self.headers = headers
        self._form = form

    def beginning(self, at: Link) -> bytes:
        return b""

    def framed(self, entry: Entry) -> FramedEntry:
        return FramedEntry(entry, b"", Link(entry.team_seq, entry.hash))

    async def chunk(self, batch: Batch) -> bytes:
        return await self._form([each.entry for each in batch.passed])

    def bookmark(self, at: Link, head: int) -> bytes:
        return _EMPTY_LINE

    def still_there(self, at: Link) -> bytes:
        return _EMPTY_LINE

    def goodbye(self, at: Link, reason: Reason) -> bytes:
        return b""
