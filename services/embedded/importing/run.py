"""One import from its first row to its last: what is sent, what is left out, what stops it."""

from collections.abc import Callable, Iterator
from pathlib import Path

from contracts.ingest_position import BEGINNING
from services.embedded.importing.ending import Summary, iso
from services.embedded.importing.event_records import EventRecord
from services.embedded.importing.faults import BadRecord, NotEvents
from services.embedded.importing.files import EventFile
from services.embedded.importing.import_options import ImportOptions
from services.embedded.importing.resuming import ResumeFile, ResumePoint
from services.embedded.importing.sending import ImportTotals, Sender
from services.embedded.importing.tally import Tally
from services.embedded.refusal import CannotStart

OnProgress = Callable[[int], None]


class ImportInterrupted(Exception):
    """The user pressed Ctrl-C. The message says what is stored and how to go on."""


class Import:
    """Of one file. now: microseconds since 1970, UTC. skip_bad: rows that are no events are left
    out and counted; otherwise the first one stops the import.
    """

    def __init__(self, file: EventFile, now: int, *, skip_bad: bool) -> None:
        self.file = file
        self.tally = Tally(now)
        self._skip_bad = skip_bad
        self._resuming: ResumeFile | None = None
        self._start = ResumePoint()
        self._events = 0
        self._imported = ImportTotals(0, BEGINNING)
        self._already_stored: int | None = None

    @property
    def before(self) -> int:
        """Events that earlier runs sent, before they were interrupted."""
        return self._start.events

    def resume(self, folder: Path | None, token: str, reading: ImportOptions) -> None:
        """From the place that this file has in the data folder, if it is ours."""
        if folder is not None:
            self._resuming = ResumeFile(folder, self.file.source.path, token, reading)
            self._start = self._resuming.point()

    def send(self, sender: Sender, on_progress: OnProgress, on_waiting: Callable[[], None]) -> None:
        """Everything that no earlier run sent; returns when all of it can be queried.

        Raises CannotStart and ImportInterrupted, with what is stored.
        """
        try:
            repeated = sender.repeated()
            self._send(sender, on_progress)
            on_waiting()
            sender.wait(self._imported.position)
            self._already_stored = _more(repeated, sender.repeated())
        except KeyboardInterrupt as stopped:
            raise ImportInterrupted(self._interrupted_words()) from stopped
        if self._resuming is not None:
            self._resuming.finished()

    def _send(self, sender: Sender, on_progress: OnProgress) -> None:

        def acknowledged(events: int, number: int) -> None:
            self._events = events
            if self._resuming is not None:
                self._resuming.reached(ResumePoint(number, self.before + events))
            on_progress(events)

        records = (each for each in self._records() if each.number > self._start.number)
        refused = self.tally.add if self._skip_bad else None
        try:
            self._imported = sender.send(records, acknowledged, refused)
        except BadRecord as bad:
            raise CannotStart(self._stopped_by(bad)) from bad
        self._refuse_nothing()

    def read_all(self) -> None:
        """Nothing is sent. Raises CannotStart."""
        try:
            for _ in self._records():
                self._events += 1
        except BadRecord as bad:
            raise CannotStart(f"{self.file.source.path}, {bad}.{self._hint(bad)}") from bad
        self._refuse_nothing()

    def _interrupted_words(self) -> str:
        stored = self.before + self._events
        if not stored:
            return "Interrupted; nothing was imported. The same command starts again."
        goes_on = (
            "goes on from there"
            if self._resuming is not None
            else "starts from the first row and stores none of them twice"
        )
        return f"Interrupted. {stored:,} events are stored; the same command {goes_on}."

    def summary(self) -> Summary:
        return Summary(
            events=self._events,
            already_stored=self._already_stored,
            persons=self.tally.persons,
            first=iso(self.tally.first),
            last=iso(self.tally.last),
            rows_without_person=self.tally.no_person.count,
            bad_rows=self.tally.bad.count,
            position=self._imported.position.told,
        )

    def _records(self) -> Iterator[EventRecord]:
        """Raises BadRecord for the first row that is no event, or that ends the reading."""
        for outcome in self.file.outcomes():
            if isinstance(outcome, BadRecord) and (outcome.is_last or not self._skip_bad):
                raise outcome
            self.tally.add(outcome)
            if isinstance(outcome, EventRecord):
                yield outcome

    def _stopped_by(self, bad: BadRecord) -> str:
        match self.before + self._events:
            case 0:
                stored_text = "Nothing was imported"
            case 1:
                stored_text = "The event before it is stored"
            case stored:
                stored_text = f"The {stored:,} events before it are stored"
        return f"{self.file.source.path}, {bad}. {stored_text}.{self._hint(bad)}"

    def _hint(self, bad: BadRecord) -> str:
        if bad.is_last or self._skip_bad:
            return ""
        return " Mend it and import the file again, or leave such rows out with --skip-bad."

    def _refuse_nothing(self) -> None:
        if self.tally.events:
            return
        oddities = " ".join(self.tally.oddities())
        raise NotEvents(f"{self.file.source.path} gave no events. {oddities}".rstrip())


def _more(before: int | None, after: int | None) -> int | None:
    """None when the server does not count, or has begun again from zero."""
    return None if before is None or after is None or after < before else after - before
