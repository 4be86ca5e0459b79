"""What a workload did: each operation with its outcome, and the gaps between those that worked."""

import time
from collections import defaultdict
from collections.abc import Iterable
from itertools import pairwise
from typing import Literal

import httpx
import msgspec

Promise = Literal["changes", "own writes", "reads", "capture", "numbers", "computations", "stream"]
PROMISES: tuple[Promise, ...] = (
    "changes",
    "own writes",
    "reads",
    "capture",
    "numbers",
    "computations",
    "stream",
)
"""own writes: reads that name a position. numbers: what was captured is seen by queries."""

Outcome = Literal["acknowledged", "refused", "doubtful"]
"""refused: nothing was done, and the answer says so. doubtful: done or not, nobody knows."""


def outcome(answer: httpx.Response | None) -> Outcome:
    """Of a write. A 5xx may have been done: the log alone can tell."""
    if answer is None or answer.status_code >= 500:
        return "doubtful"
    return "acknowledged" if answer.is_success else "refused"


class Gaps:
    """When each promise was kept; the longest time in which it was not, by monotonic seconds."""

    def __init__(self) -> None:
        self._kept: dict[Promise, list[float]] = defaultdict(list)
        self._failed: dict[Promise, int] = defaultdict(int)

    def kept(self, promise: Promise) -> None:
        self._kept[promise].append(time.monotonic())

    def failed(self, promise: Promise) -> None:
        self._failed[promise] += 1

    def failures(self, promise: Promise) -> int:
        return self._failed[promise]

    def count(self, promise: Promise) -> int:
        """How often it was kept."""
        return len(self._kept[promise])

    def longest(self, promise: Promise, begin: float, end: float) -> float | None:
        """None where nobody asked. begin, end: of the time that is looked at."""
        kept = self._kept[promise]
        if not kept:
            return None
        # The last one before it: a gap may have begun by then.
        before = max((at for at in kept if at <= begin), default=begin)
        moments = [before, *(at for at in kept if before < at < end), end]
        return max(after - at for at, after in pairwise(moments))


class Edit(msgspec.Struct, kw_only=True):
    """A rename under If-Match. mark: the name, nobody else's. expected: the version it was for.

    version, status: that the answer told.
    """

    insight: int
    mark: str
    expected: int
    outcome: Outcome
    version: int | None = None
    status: int | None = None


class Creation(msgspec.Struct, kw_only=True):
    """key: its Idempotency-Key, if it has one."""

    mark: str
    key: str | None
    outcome: Outcome = "doubtful"


class View(msgspec.Struct, frozen=True):
    insight: int
    outcome: Outcome


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """A read after a write of the same client. wrote: the version that the write was answered.

    position: whether it named the position of that write. version: that was read.
    """

    insight: int
    wrote: int
    version: int
    position: bool
    stale: bool


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """A fact of the log. kind: create | rename | view | other. mark: the name it gives, if any."""

    position: int
    hash: str
    kind: str
    insight: int = 0
    version: int = 0
    mark: str = ""


def count(outcomes: Iterable[Outcome], wanted: Outcome) -> int:
    return sum(each == wanted for each in outcomes)
