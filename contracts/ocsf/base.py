"""What every OCSF event has, whatever it tells."""

import re
from collections.abc import Mapping
from datetime import datetime
from enum import IntEnum
from typing import Any
from uuid import UUID

import msgspec

from contracts.api.times import written
from contracts.events.recorded import Actor, UserActor
from contracts.times import microseconds

VERSION = "1.5.0"
PRODUCT = "Recount"
VENDOR = "Recount"

INFORMATIONAL = 1
LOW = 2
"""severity_id: of what opens something to somebody, or takes something away for good."""
SUCCESS = 1
FAILURE = 2

USER = 1
"""type_id of a person with an account."""

# The pattern of OCSF's own schema; an address of another form is left out.
_EMAIL = re.compile(r"[a-zA-Z0-9!#$%&'*+\-/=?^_`{|}~.,]+@[a-zA-Z0-9-]+\.[a-zA-Z0-9.-]+")

Event = dict[str, Any]


class OcsfClass(IntEnum):
    """class_uid; its thousands are the category."""

    ACCOUNT_CHANGE = 3001
    AUTHENTICATION = 3002
    ENTITY_MANAGEMENT = 3004
    USER_ACCESS = 3005
    WEB_RESOURCES_ACTIVITY = 6001
    API_ACTIVITY = 6003


class Thing(msgspec.Struct, frozen=True):
    """What an insight, a dashboard … is called today. short_id: an insight's."""

    name: str | None = None
    short_id: str | None = None


class Person(msgspec.Struct, frozen=True):
    """A user as events name them; email: None once it is gone."""

    name: str
    email: str | None = None


class Names(msgspec.Struct, frozen=True, kw_only=True):
    """Who tells, and what is called how.

    product_version: of the server. things: by subject, `insight/1`; sharing/1, access/1 are called
    as the insight. users: by number.
    """

    installation: UUID
    product_version: str
    things: Mapping[str, Thing] = {}
    users: Mapping[int, Person] = {}


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where an event stands and when it was. uid: unique for ever. code: what it is, in our words.

    sequence: its number there. operation_id: shared by all that one command did.
    """

    uid: str
    team_id: int
    sequence: int
    code: str
    at: datetime
    operation_id: UUID | None


def event(
    kind: OcsfClass,
    activity_id: int,
    origin: Origin,
    names: Names,
    *,
    severity: int = INFORMATIONAL,
    status: int = SUCCESS,
) -> Event:
    """The members of every class."""
    at = microseconds(origin.at) // 1_000
    metadata: Event = {
        "version": VERSION,
        "product": {"name": PRODUCT, "vendor_name": VENDOR, "version": names.product_version},
        "uid": origin.uid,
        "sequence": origin.sequence,
        "event_code": origin.code,
        "log_name": f"recount/{origin.team_id}",
        "tenant_uid": str(origin.team_id),
        "original_time": written(origin.at),
        "logged_time": at,
    }
    if origin.operation_id is not None:
        metadata["correlation_uid"] = str(origin.operation_id)
    return {
        "category_uid": kind // 1_000,
        "class_uid": int(kind),
        "activity_id": activity_id,
        "type_uid": kind * 100 + activity_id,
        "time": at,
        "severity_id": severity,
        "status_id": status,
        "metadata": metadata,
    }


def actor(who: Actor, names: Names) -> Event:
    if isinstance(who, UserActor):
        return {"user": user(who.user_id, names, who.key_id)}
    return {"app_name": PRODUCT}


def user(number: int, names: Names, key_id: str | None = None) -> Event:
    """A user by number; key_id: of the key that was used."""
    told: Event = {"uid": str(number), "type_id": USER}
    if (person := names.users.get(number)) is not None:
        if person.name:
            told["name"] = person.name
        if person.email is not None and _EMAIL.fullmatch(person.email):
            told["email_addr"] = person.email
    if key_id is not None:
        told["credential_uid"] = key_id
    return told
