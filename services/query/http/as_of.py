"""The `as_of` of a request: which moment's state it asks for, as a position of the log."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar

import msgspec
from prometheus_client import Counter

from contracts.cursors import Cursor
from contracts.events.recorded import DomainEvent
from contracts.events.streams import Stream
from contracts.headers import INSIGHTS_AS_OF, INSIGHTS_AS_OF_SETTLED
from services.common.accounts.accounts import Project
from services.common.http.as_of import AS_OF
from services.common.http.moments import (
    SETTLES_AFTER,
    Point,
    Position,
    Time,
    Version,
    ahead,
    elsewhere,
    parse,
)
from services.common.http.problems import invalid, not_found
from services.common.http.request import AnyRequest
from services.query.http import parameters
from services.query.reads.all import Reads
from services.query.reads.moments import LogPlace
from services.query.reads.read_position import FreshValue, Snapshot

T = TypeVar("T")

LARGEST = 2**63 - 1

READS = Counter("recount_as_of_reads", "Reads of the past, whatever came of them afterwards.")


class LogMoment(msgspec.Struct, frozen=True):
    """position: the end of an operation. settled: whether a time is so old that it gains no facts;
    None: it is no time.
    """

    position: int
    settled: bool | None = None

    @property
    def headers(self) -> dict[str, str]:
        told = {INSIGHTS_AS_OF: f"p{self.position}"}
        if self.settled is False:
            told[INSIGHTS_AS_OF_SETTLED] = "false"
        return told


async def asked(
    request: AnyRequest, reads: Reads, project: Project, stream: Stream[DomainEvent] | None = None
) -> LogMoment | None:
    """The moment that the request names; None: it asks for the present.

    stream: the one thing in the path, whose versions it may name. Raises Rejected 400, 404, 409.
    """
    sent = parameters.text(request, AS_OF)
    if sent is None:
        return None
    now = datetime.now(UTC)
    point = parse(AS_OF, sent, project.timezone, now)
    moment = await resolved(reads, AS_OF, point, project, now, stream)
    READS.inc()
    return moment


def position(moment: LogMoment | None) -> int | None:
    """None: the present."""
    return None if moment is None else moment.position


def at_least(request: AnyRequest, moment: LogMoment | None) -> int | None:
    """The position that the answer must not lack, in all."""
    seen = parameters.at_least(request)
    return seen if moment is None else max(seen or 0, moment.position)


async def fresh(
    request: AnyRequest,
    reads: Reads,
    read: Callable[[], Awaitable[Snapshot[T]]],
    moment: LogMoment | None,
) -> FreshValue[T]:
    """What `read` gives, no older than the caller has seen and the moment asks.

    Beside the past stands what is of today, the caller's level above all: it is as young as in a
    read of the present. Raises Rejected 503.
    """
    seen = parameters.at_least(request)
    found = await reads.freshness.of(read, seen)
    if moment is None or found.position >= moment.position:
        return found
    return await reads.freshness.of(read, max(seen or 0, moment.position))


async def resolved(
    reads: Reads,
    attr: str,
    point: Point,
    project: Project,
    now: datetime,
    stream: Stream[DomainEvent] | None,
) -> LogMoment:
    """The position that the point means. Raises Rejected 400, 404, 409."""
    moments = reads.moments
    match point:
        case Version(number=number):
            if stream is None:
                raise invalid(
                    attr,
                    "invalid_input",
                    "Versions are of one thing: name a p, an s, or a time.",
                )
            place = await moments.version(stream, number)
            if place is None:
                raise not_found()
            return LogMoment(place.position)
        case Position(number=number):
            return LogMoment(_there(attr, number, await moments.position(number)))
        case Cursor(sequence=sequence, hash_prefix=prefix):
            place = await moments.sequence(project.id, min(sequence, LARGEST))
            if place is not None and prefix and not place.hash.hex().startswith(prefix):
                raise elsewhere(attr)
            return LogMoment(_there(attr, sequence, place))
        case Time(at=at):
            if at > now + SETTLES_AFTER:
                raise ahead(attr)
            place = await moments.time(project.id, at)
            return LogMoment(place.position if place else 0, settled=now - at >= SETTLES_AFTER)


def _there(attr: str, number: int, place: LogPlace | None) -> int:
    """0 is before every entry; of any other number there must be one."""
    if place is not None:
        return place.position
    if number:
        raise ahead(attr)
    return 0
