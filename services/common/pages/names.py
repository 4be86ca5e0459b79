"""What pages call people and insights, and how they write a time."""

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from contracts.api.insights import UserBody
from contracts.read_models.insight import InsightRow

NAMELESS = "Without a name"


class Moment(msgspec.Struct, frozen=True):
    """A time in the project's zone, for people and for programs."""

    text: str
    iso: str


def moment(at: datetime, timezone: str) -> Moment:
    there = at.astimezone(ZoneInfo(timezone))
    return Moment(there.strftime("%-d %B %Y, %H:%M:%S"), there.isoformat())


def title_of(row: InsightRow) -> str:
    return row.name or row.derived_name or NAMELESS


def name_of(user: UserBody) -> str:
    return user.first_name or user.email


def doer(number: int | None, users: Mapping[int, UserBody]) -> str:
    """Who did something. None: nobody but the system."""
    if number is None:
        return "the system"
    user = users.get(number)
    return "somebody who is gone" if user is None else name_of(user)
