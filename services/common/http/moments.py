"""Moments of the past, as clients name them: `v7`, `p812`, `s510`, or a time."""

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

from contracts.cursors import Cursor, MalformedCursor, parse_cursor
from services.common.http.problems import Problem, Rejected, invalid

SETTLES_AFTER = timedelta(seconds=10)
"""The clocks of writers differ by no more than this: a time that is older gains no facts."""

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


def ahead(attr: str) -> Rejected:
    return Rejected(
        400,
        Problem(
            type="invalid_request",
            code="as_of_ahead",
            detail="Nothing is recorded as late as that.",
            attr=attr,
        ),
    )


def elsewhere(attr: str) -> Rejected:
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
