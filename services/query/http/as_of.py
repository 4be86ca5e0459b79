"""The `as_of` of a request: which moment's state it asks for, as a position of the log."""

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

from contracts.cursors import Cursor, MalformedCursor, parse_cursor
from contracts.events.recorded import DomainEvent
from contracts.events.streams import Stream
from contracts.headers import INSIGHTS_AS_OF, INSIGHTS_AS_OF_SETTLED
from services.common.accounts.accounts import Project
from services.common.http.as_of import AS_OF
from services.common.http.problems import Problem, Rejected, invalid, not_found
from services.common.http.request import AnyRequest
from services.query.http import parameters
from services.query.reads.all import Reads
from services.query.reads.moments import LogPlace

SETTLES_AFTER = timedelta(seconds=10)
"""The clocks of writers differ by no more than this: a time that is older gains no facts."""

LARGEST = 2**63 - 1

_NUMBERED = re.compile(r"(?P<kind>[vp])(?P<number>[0-9]{1,18})")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(
    rf"{_DAY.pattern}[Tt ]([0-9]{{2}}:){{2}}[0-9]{{2}}(\.[0-9]+)?([Zz]|[+-][0-9]{{2}}:[0-9]{{2}})"
)


class Version(msgspec.Struct, frozen=True, tag=True):
    number: int


class Position(msgspec.Struct, frozen=True, tag=True):
    number: int


class Time(msgspec.Struct, frozen=True, tag=True):
    at: datetime


Point = Version | Position | Cursor | Time


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
    return await resolved(reads, AS_OF, point, project, now, stream)


def position(moment: LogMoment | None) -> int | None:
    """None: the present."""
    return None if moment is None else moment.position


def at_least(request: AnyRequest, moment: LogMoment | None) -> int | None:
    """The position that the answer must not lack, in all."""
    seen = parameters.at_least(request)
    return seen if moment is None else max(seen or 0, moment.position)


def parse(attr: str, sent: str, timezone: str, now: datetime) -> Point:
    """Exactly one of the four forms. Raises Rejected 400 for anything else."""
    if numbered := _NUMBERED.fullmatch(sent):
        number = int(numbered["number"])
        return Version(number) if numbered["kind"] == "v" else Position(number)
    try:
        if sent.startswith("s"):
            return parse_cursor(sent[1:])
        if _DAY.fullmatch(sent):
            return Time(_end_of(date.fromisoformat(sent), timezone, now))
        if _TIME.fullmatch(sent):
            return Time(datetime.fromisoformat(sent.upper()).astimezone(UTC))
    except (MalformedCursor, ValueError, OverflowError) as cause:
        raise malformed(attr) from cause
    raise malformed(attr)


def malformed(attr: str) -> Rejected:
    return invalid(
        attr,
        "invalid_input",
        f"{attr} takes a version (v7), a position (p812), a sequence (s510), or a time with its"
        " zone (2026-11-30T20:41:52Z; a date alone is the end of that day).",
    )


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
                raise _elsewhere(attr)
            return LogMoment(_there(attr, sequence, place))
        case Time(at=at):
            if at > now + SETTLES_AFTER:
                raise _ahead(attr)
            place = await moments.time(project.id, at)
            return LogMoment(place.position if place else 0, settled=now - at >= SETTLES_AFTER)


def _there(attr: str, number: int, place: LogPlace | None) -> int:
    """0 is before every entry; of any other number there must be one."""
    if place is not None:
        return place.position
    if number:
        raise _ahead(attr)
    return 0


def _ahead(attr: str) -> Rejected:
    return Rejected(
        400,
        Problem(
            type="invalid_request",
            code="as_of_ahead",
            detail="Nothing is recorded as late as that.",
            attr=attr,
        ),
    )


def _elsewhere(attr: str) -> Rejected:
    return Rejected(
        409,
        Problem(
            type="invalid_request",
            code="cursor_elsewhere",
            detail="There is another entry at this place: the history has been forked.",
            attr=attr,
        ),
    )


def _end_of(day: date, timezone: str, now: datetime) -> datetime:
    """The last microsecond of the day, there; a day that is not over yet ends now."""
    zone = ZoneInfo(timezone)
    begins = datetime.combine(day, time(), zone).astimezone(UTC)
    ends = datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)
    return now if begins <= now < ends else ends - timedelta(microseconds=1)
