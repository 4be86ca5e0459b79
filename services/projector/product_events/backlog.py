"""What of a bucket's stream is not stored yet, and how soon it is."""

import time
from collections.abc import Sequence

from prometheus_client import Gauge

from services.projector.product_events.captured import StreamMessage

MESSAGES = Gauge(
    "recount_ingest_behind_messages", "Captured messages that are not stored yet.", ["bucket"]
)
SECONDS = Gauge(
    "recount_ingest_behind_seconds", "Age of the oldest message that is not stored yet.", ["bucket"]
)

# After a rest events are stored soon, a few together; while they keep coming, once a second.
SOON_SECONDS = 0.05
BUSY_SECONDS = 1.0


class Backlog:
    """How far behind a bucket is, as metrics tell it."""

    def __init__(self, bucket: int) -> None:
        self._messages = MESSAGES.labels(str(bucket))
        self._seconds = SECONDS.labels(str(bucket))
        self._oldest: float | None = None

    def grows(self, waiting: Sequence[StreamMessage], behind: int) -> None:
        """waiting: read and not stored. behind: so many more come after them."""
        self._messages.set(len(waiting) + behind)
        self._oldest = waiting[0].taken_at if waiting else None
        self.tell()

    def nothing(self) -> None:
        """It is another process's."""
        self.grows((), 0)

    def tell(self) -> None:
        self._seconds.set(0 if self._oldest is None else max(time.time() - self._oldest, 0))


class Pace:
    """The pauses that gather messages of a trickle into one batch: an insert makes a part of the
    table, and many buckets would make many. gathers: whether there are many.
    """

    def __init__(self, *, gathers: bool) -> None:
        self._gathers = gathers
        self._stored_at = float("-inf")

    def pause(self) -> float:
        """Seconds to wait for more, before what has come is stored."""
        if not self._gathers:
            return 0
        left = BUSY_SECONDS - (time.monotonic() - self._stored_at)
        return max(left, SOON_SECONDS)

    def stored(self) -> None:
        """A batch was stored."""
        self._stored_at = time.monotonic()
