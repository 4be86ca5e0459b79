"""What goes over a connection of server-sent events."""

from collections.abc import Mapping

from contracts.chain import Entry, Link
from services.query.streams import frames
from services.query.streams.follower import Batch
from services.query.streams.frames import FramedEntry, Reason

MEDIA_TYPE = "text/event-stream"


class ServerSent:
    """Each entry as a CloudEvent, whose frame all who follow share. source: of the events."""

    media_type = MEDIA_TYPE
    headers: Mapping[str, str] = {}

    def __init__(self, source: str) -> None:
        self._source = source

    def beginning(self, at: Link) -> bytes:
        return frames.beginning(at)

    def framed(self, entry: Entry) -> FramedEntry:
        return frames.framed(entry, self._source)

    async def chunk(self, batch: Batch) -> bytes:
        return batch.chunk

    def bookmark(self, at: Link, head: int) -> bytes:
        return frames.bookmark(at, head)

    def still_there(self, at: Link) -> bytes:
        return frames.still_there(at)

    def goodbye(self, at: Link, reason: Reason) -> bytes:
        return frames.goodbye(at, reason)
