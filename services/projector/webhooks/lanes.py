"""The lanes of one webhook: strictly in sequence within each, side by side between them.

In memory, of what the table webhook_pending holds; the process that has the webhook's lock is the
only one that moves either.
"""

import heapq
from bisect import insort
from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec
from msgspec.structs import replace

from contracts.events.webhook import Release


class Pending(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """An event that is to be sent, in the order of its lane: replays come after what is due.

    replay: 0 for what comes from the log by itself. attempts: how many there were.
    not_before: None for at once.
    """

    replay: int = 0
    sequence: int
    lane: str
    attempts: int = 0
    not_before: datetime | None = None

    @property
    def key(self) -> tuple[int, int]:
        return self.replay, self.sequence


class Parking(msgspec.Struct, frozen=True):
    """The event that a lane gave up at."""

    replay: int
    sequence: int


class _Lane:
    """due: in order. busy: its first one is being sent. parking: None while it goes on."""

    def __init__(self) -> None:
        self.due: list[Pending] = []
        self.busy = False
        self.parking: Parking | None = None

    @property
    def first(self) -> Pending | None:
        """What may be sent next, at its time."""
        if self.busy or self.parking is not None or not self.due:
            return None
        return self.due[0]


class Lanes:
    """busy: how many events are being sent."""

    def __init__(
        self, pending: Iterable[Pending] = (), parked: Mapping[str, Parking] | None = None
    ) -> None:
        self._lanes: dict[str, _Lane] = {}
        self._count = 0
        self.busy = 0
        self._free: list[tuple[int, int, str]] = []
        self._waiting: list[tuple[datetime, int, int, str]] = []
        for lane, parking in (parked or {}).items():
            self._lane(lane).parking = parking
        for each in pending:
            self.add(each)

    def __len__(self) -> int:
        """How many events are pending, parked ones too."""
        return self._count

    @property
    def parked(self) -> int:
        """How many lanes gave up."""
        return sum(lane.parking is not None for lane in self._lanes.values())

    def add(self, pending: Pending) -> None:
        insort(self._lane(pending.lane).due, pending)
        self._count += 1
        self._offer(pending.lane)

    def take(self, now: datetime, room: int) -> list[Pending]:
        """At most so many events whose time has come, of lanes that are not busy, which they make
        busy: what is due before replays, the lowest sequences first.
        """
        while self._waiting and self._waiting[0][0] <= now:
            _, *key, lane = heapq.heappop(self._waiting)
            heapq.heappush(self._free, (key[0], key[1], lane))
        taken: list[Pending] = []
        while self._free and len(taken) < room:
            replay, sequence, lane = heapq.heappop(self._free)
            known = self._lanes.get(lane)
            first = None if known is None else known.first
            # Offered before it was retried, parked or overtaken: it is offered anew since.
            if first is None or first.key != (replay, sequence) or not _is_due(first, now):
                continue
            taken.append(self._start(first))
        return taken

    def take_probe(self, now: datetime) -> list[Pending]:
        """The oldest lane's event, once its time has come and nothing else is being sent."""
        oldest = self._oldest()
        if self.busy or oldest is None or not _is_due(oldest, now):
            return []
        return [self._start(oldest)]

    def next_at(self, *, probing: bool) -> datetime | None:
        """When the next event's time comes, of those that wait; None: none does."""
        if probing:
            oldest = self._oldest()
            return None if oldest is None else oldest.not_before
        return self._waiting[0][0] if self._waiting else None

    def done(self, sent: Pending) -> None:
        """It need not be sent any more."""
        lane = self._ended(sent)
        self._remove(lane, sent.key)
        self._offer(sent.lane)

    def later(self, sent: Pending, changed: Pending) -> None:
        """It is sent again: `changed` is what it is now."""
        _replace(self._ended(sent), changed)
        self._offer(sent.lane)

    def park(self, sent: Pending, changed: Pending) -> None:
        """Its lane waits for somebody to release it; `changed` is what it is now."""
        lane = self._ended(sent)
        _replace(lane, changed)
        lane.parking = Parking(sent.replay, sent.sequence)

    def release(self, name: str, how: Release) -> None:
        """The lane goes on: with what it gave up at, anew, or behind that."""
        lane = self._lanes[name]
        parking = lane.parking
        lane.parking = None
        if parking is None:
            return
        key = (parking.replay, parking.sequence)
        if how == "skip":
            self._remove(lane, key)
        else:
            anew = next((each for each in lane.due if each.key == key), None)
            if anew is not None:
                _replace(lane, replace(anew, attempts=0, not_before=None))
        self._offer(name)

    def _lane(self, name: str) -> _Lane:
        return self._lanes.setdefault(name, _Lane())

    def _start(self, pending: Pending) -> Pending:
        self._lanes[pending.lane].busy = True
        self.busy += 1
        return pending

    def _ended(self, sent: Pending) -> _Lane:
        lane = self._lanes[sent.lane]
        lane.busy = False
        self.busy -= 1
        return lane

    def _remove(self, lane: _Lane, key: tuple[int, int]) -> None:
        index = next((at for at, each in enumerate(lane.due) if each.key == key), None)
        if index is not None:
            del lane.due[index]
            self._count -= 1

    def _offer(self, name: str) -> None:
        lane = self._lanes[name]
        first = lane.first
        if first is None:
            if not lane.due and not lane.busy and lane.parking is None:
                del self._lanes[name]
        elif first.not_before is None:
            heapq.heappush(self._free, (first.replay, first.sequence, name))
        else:
            heapq.heappush(self._waiting, (first.not_before, first.replay, first.sequence, name))

    def _oldest(self) -> Pending | None:
        return min((first for lane in self._lanes.values() if (first := lane.first)), default=None)


def _replace(lane: _Lane, changed: Pending) -> None:
    index = next(at for at, each in enumerate(lane.due) if each.key == changed.key)
    lane.due[index] = changed


def _is_due(pending: Pending, now: datetime) -> bool:
    return pending.not_before is None or pending.not_before <= now
