"""Times of each part of a computation, for answers (`timings`)."""

import time

import msgspec
from msgspec import Raw


class Timings:
    def __init__(self) -> None:
        self._laps: list[dict[str, object]] = []
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        """The part that has just ended took the time since the one before."""
        now = time.perf_counter()
        self._laps.append({"k": name, "t": round(now - self._last, 6)})
        self._last = now

    @property
    def shown(self) -> Raw:
        """A JSON list of {k: name, t: seconds}, in the order of the laps."""
        return Raw(msgspec.json.encode(self._laps))
