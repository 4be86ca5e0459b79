"""Counts what a file held: events, persons, from when to when, and what was left out."""

from datetime import UTC, datetime
from typing import Final

import msgspec

from contracts.times import EPOCH, MICROSECOND, microseconds
from services.command.capture.events import MAX_DISTINCT_ID, as_text
from services.embedded.importing.event_records import EventRecord, NoPerson, Outcome
from services.embedded.importing.faults import BadRecord

_YEAR_1990: Final = microseconds(datetime(1990, 1, 1, tzinfo=UTC))
_NAMES: Final = 1_000


class Oddity(msgspec.Struct):
    """An oddity of the file: its number of rows, and the first of them."""

    count: int = 0
    first: str = ""

    def meet(self, first: str) -> None:
        if not self.count:
            self.first = first
        self.count += 1


class NameCount(msgspec.Struct):
    """One event name: how often, and the sum of its times since the file's first event."""

    count: int = 0
    late: int = 0


class Tally:
    """Of outcomes in the file's order. now: microseconds since 1970, UTC."""

    def __init__(self, now: int) -> None:
        self._now = now
        self.events = 0
        self.first: int | None = None
        self.last: int | None = None
        self.names: dict[str, NameCount] = {}
        self.old = Oddity()
        self.future = Oddity()
        self.no_person = Oddity()
        self.bad = Oddity()
        # Eight bytes for a person rather than their ids: two of a billion may share one.
        self._persons: set[int] = set()

    @property
    def persons(self) -> int:
        return len(self._persons)

    def add(self, outcome: Outcome) -> None:
        match outcome:
            case EventRecord():
                self._event(outcome)
            case NoPerson(where):
                self.no_person.meet(where)
            case BadRecord():
                self.bad.meet(str(outcome))

    def _event(self, record: EventRecord) -> None:
        self.events += 1
        at, body = record.at, record.body
        if self.first is None or self.last is None:
            self.first = self.last = at
        elif at < self.first:
            self.first = at
        elif at > self.last:
            self.last = at
        if at < _YEAR_1990:
            self.old.meet(f"{record.where}: {moment(at)}")
        elif at > self._now:
            self.future.meet(f"{record.where}: {moment(at)}")
        person = body["distinct_id"]
        text = person if type(person) is str else as_text(person)
        assert text is not None
        self._persons.add(hash(text[:MAX_DISTINCT_ID]))
        name = body["event"]
        named = self.names.get(name)
        if named is None:
            if len(self.names) == _NAMES:
                return
            named = self.names[name] = NameCount()
        named.count += 1
        named.late += at

    def span(self) -> str:
        """Nothing without events."""
        if self.first is None or self.last is None:
            return ""
        return f"{moment(self.first)} to {moment(self.last)}"

    def oddities(self) -> list[str]:
        """A sentence for each kind."""
        found = []
        if self.old.count:
            found.append(
                f"{times_of(self.old.count)} before 1990 (first {self.old.first})."
                " If that is wrong, say how they are written with --time-format."
            )
        if self.future.count:
            found.append(
                f"{times_of(self.future.count)} in the future (first {self.future.first}). What is"
                " more than 23 hours ahead is stored as of now."
            )
        if self.no_person.count:
            found.append(
                f"{rows_of(self.no_person.count)} left out, because nothing says whose they are"
                f" (first {self.no_person.first})."
            )
        if self.bad.count:
            found.append(
                f"{rows_of(self.bad.count)} left out, because they are no events"
                f" (first {self.bad.first})."
            )
        return found


def moment(at: int) -> str:
    """UTC, without parts that are zero."""
    found = EPOCH + at * MICROSECOND
    text = found.strftime("%Y-%m-%d %H:%M:%S") if found.year > 999 else found.isoformat(" ")[:19]
    return text + (f".{found.microsecond:06}" if found.microsecond else "")


def times_of(count: int) -> str:
    return f"{count:,} time is" if count == 1 else f"{count:,} times are"


def rows_of(count: int) -> str:
    return f"{count:,} row is" if count == 1 else f"{count:,} rows are"
