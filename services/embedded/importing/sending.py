"""Sends records through `/batch/` in their order, until the server says that they are durable."""

import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

import httpx
import msgspec

from contracts.headers import INGEST_POSITION
from contracts.ingest_position import BEGINNING, IngestPosition, ingest_position_in
from services.embedded.importing.event_records import EventRecord
from services.embedded.importing.faults import BadRecord
from services.embedded.refusal import CannotStart

BATCH = 1_000
BATCH_BYTES = 4 * 1024 * 1024
# The time during which requests to a server that does not answer, or can't, are repeated.
PATIENCE_SECONDS = 60.0

_LONGEST_PAUSE_SECONDS = 5.0
_TIMEOUT_SECONDS = 60.0
_WAIT_SECONDS = 2

OnAcknowledged = Callable[[int, int], None]
OnRefused = Callable[[BadRecord], None]


class ServerUnreachable(CannotStart):
    """The server did not take the events for PATIENCE_SECONDS; those before are stored."""


class ImportStopped(Exception):
    """The user stopped the import; what was acknowledged is stored."""


class ImportTotals(msgspec.Struct, frozen=True):
    """events: acknowledged in this run. position: of the capture stream, when they are visible."""

    events: int
    position: IngestPosition


class _PositionAnswer(msgspec.Struct):
    reached: bool


class _Problem(msgspec.Struct):
    detail: str = ""
    attr: str | None = None


class _EncodedEvent(msgspec.Struct, frozen=True):
    number: int
    where: str
    json: bytes


class Sender:
    """One project's capture door. One batch at a time: the order of events decides who is whom."""

    def __init__(self, url: str, token: str, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._client = httpx.Client(base_url=url, timeout=_TIMEOUT_SECONDS, trust_env=False)
        self._token = token
        self._patience_seconds = patience_seconds
        self._position = BEGINNING
        self._stopped = threading.Event()

    def __enter__(self) -> "Sender":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def stop(self) -> None:
        """For another thread: sending and waiting raise ImportStopped at the next request."""
        self._stopped.set()

    def send(
        self,
        records: Iterable[EventRecord],
        on_acknowledged: OnAcknowledged,
        on_refused: OnRefused | None = None,
    ) -> ImportTotals:
        """All of them. `wait` then returns when queries see them.

        on_acknowledged: told how many events, and the number of the last, after each batch.
        on_refused: takes an event that the server refuses, and the others go on; None: raised.
        Raises BadRecord (the records before it are sent) and ServerUnreachable.
        """
        sent = 0
        for batch in _batches(records):
            for part in self._send(batch, on_refused):
                sent += len(part)
                on_acknowledged(sent, part[-1].number)
        return ImportTotals(sent, self._position)

    def repeated(self) -> int | None:
        """The number of events that the server has dropped because their uuid was stored before.

        Since it started and from anybody; None where it does not tell, as services that run apart
        do not. Its growth while these events were stored is the number that they repeated.
        """
        answer = self._ask(lambda: self._client.get("/metrics"))
        found = None if answer.is_error else _REPEATED.search(answer.text)
        return None if found is None else int(float(found[1]))

    def wait(self, position: IngestPosition) -> None:
        """Returns when events up to this position are visible to queries."""
        query = {"reach": str(position), "wait": str(_WAIT_SECONDS)}
        while True:
            answer = self._ask(lambda: self._client.get("/i/position", params=query))
            if answer.is_error:
                raise ServerUnreachable(_said(answer))
            if msgspec.json.decode(answer.content, type=_PositionAnswer).reached:
                return

    def _send(
        self, batch: Sequence[_EncodedEvent], on_refused: OnRefused | None
    ) -> Iterator[Sequence[_EncodedEvent]]:
        """The parts of it that were acknowledged, in order."""
        if not batch:
            return
        events = b",".join(encoded.json for encoded in batch)
        token = msgspec.json.encode(self._token)
        body = b'{"api_key":%b,"historical_migration":true,"batch":[%b]}' % (token, events)
        answer = self._ask(lambda: self._client.post("/batch/", content=body, headers=_HEADERS))
        if not answer.is_error:
            told = ingest_position_in(answer.headers[INGEST_POSITION])
            if told is not None and told.sequence >= self._position.sequence:
                self._position = told
            yield batch
        elif answer.status_code == httpx.codes.REQUEST_ENTITY_TOO_LARGE and len(batch) > 1:
            middle = len(batch) // 2
            yield from self._send(batch[:middle], on_refused)
            yield from self._send(batch[middle:], on_refused)
        else:
            # A door takes a batch whole or not at all; the events before the fault are good.
            index, bad = _refused(answer, batch)
            yield from self._send(batch[:index], on_refused)
            if on_refused is None:
                raise bad
            on_refused(bad)
            yield from self._send(batch[index + 1 :], on_refused)

    def _ask(self, request: Callable[[], httpx.Response]) -> httpx.Response:
        """The answer that is not "later". Safe to repeat: every event has its uuid.

        Raises ServerUnreachable and ImportStopped.
        """
        deadline = time.monotonic() + self._patience_seconds
        pause = 0.1
        while not self._stopped.is_set():
            try:
                answer = request()
            except httpx.TransportError as cause:
                reason, wait = f"no answer ({cause})", pause
            else:
                if answer.status_code not in _LATER:
                    return answer
                reason, wait = _said(answer), max(pause, _retry_after(answer))
            if time.monotonic() + wait > deadline:
                raise ServerUnreachable(
                    f"{self._client.base_url} does not take events: {reason}. What was acknowledged"
                    " is stored; the same command goes on from there."
                )
            self._stopped.wait(wait)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
        raise ImportStopped


_REPEATED = re.compile(r"^recount_ingest_repeated_events_total (\S+)$", re.MULTILINE)
_HEADERS = {"Content-Type": "application/json"}
_LATER = {408, 429, 500, 502, 503, 504}


def _batches(records: Iterable[EventRecord]) -> Iterator[list[_EncodedEvent]]:
    """The records in batches. Those before a bad record are a batch, before the error is raised."""
    batch: list[_EncodedEvent] = []
    size = 0
    try:
        for record in records:
            where = record.where or f"event {record.number}"
            encoded = _EncodedEvent(record.number, where, msgspec.json.encode(record.body))
            if batch and (len(batch) == BATCH or size + len(encoded.json) > BATCH_BYTES):
                yield batch
                batch, size = [], 0
            batch.append(encoded)
            size += len(encoded.json)
    except BadRecord:
        if batch:
            yield batch
        raise
    if batch:
        yield batch


def _refused(answer: httpx.Response, batch: Sequence[_EncodedEvent]) -> tuple[int, BadRecord]:
    """The event of the batch that is at fault, by its index: `attr` is batch__<number>__<field>.

    Raises CannotStart when it is none of them.
    """
    problem = _problem(answer)
    match (problem.attr or "").split("__"):
        case ["batch", number, *_] if number.isdigit() and int(number) < len(batch):
            return int(number), BadRecord(batch[int(number)].where, problem.detail)
        case _ if answer.status_code == httpx.codes.REQUEST_ENTITY_TOO_LARGE:
            return 0, BadRecord(batch[0].where, problem.detail or "the event is too large")
        case _:
            raise CannotStart(f"The server refuses the events: {_said(answer)}")


def _said(answer: httpx.Response) -> str:
    return f"{answer.status_code} {_problem(answer).detail or answer.reason_phrase}"


def _problem(answer: httpx.Response) -> _Problem:
    try:
        return msgspec.json.decode(answer.content, type=_Problem)
    except msgspec.DecodeError:
        return _Problem()


def _retry_after(answer: httpx.Response) -> float:
    text = answer.headers.get("Retry-After", "0")
    return float(text) if text.isdigit() else 0.0
