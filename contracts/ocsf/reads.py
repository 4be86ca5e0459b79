"""An answered request of the read trail as an OCSF event."""

from ipaddress import ip_address

from contracts.ocsf.base import (
    FAILURE,
    SUCCESS,
    Event,
    Names,
    OcsfClass,
    Origin,
    event,
    user,
)
from contracts.reads import Read, StoredRead, UserReader, VisitorReader

READ, EXPORT = 2, 7
"""activity_id of API Activity and of Web Resources Activity; Export is of the second alone."""
_DOCUMENT = "insight_document"
_OTHER_TYPE = 99


def of_read(stored: StoredRead, names: Names) -> Event:
    """API Activity of a key, Web Resources Activity of a visitor, whose class knows no actor."""
    read = stored.read
    visited = isinstance(read.actor, VisitorReader) or (
        not isinstance(read.actor, UserReader) and read.surface in ("share", "embed")
    )
    kind = OcsfClass.WEB_RESOURCES_ACTIVITY if visited else OcsfClass.API_ACTIVITY
    told = event(
        kind,
        EXPORT if visited and read.what == _DOCUMENT else READ,
        _origin(stored, names),
        names,
        status=SUCCESS if read.status < 400 else FAILURE,
    )
    told["src_endpoint"] = _endpoint(read.ip)
    told["http_request"] = {} if read.client is None else {"user_agent": read.client}
    if read.correlation_id is not None:
        told["http_request"]["uid"] = str(read.correlation_id)
    things = _things(read, names)
    if visited:
        told["web_resources"] = things or [{"type": read.what, "name": read.what}]
        told["http_response"] = {"code": read.status, "body_length": read.bytes}
    else:
        told["actor"] = {"user": _user(read, names)}
        told["api"] = {"operation": read.what, "response": {"code": read.status}}
        told["resources"] = things
    told["unmapped"] = {
        "surface": read.surface,
        "what": read.what,
        "as_of": read.as_of,
        "refresh": read.refresh,
        "from_cache": read.from_cache,
        "bytes": read.bytes,
        "sealed_by": stored.sealed_by,
        "commitment": stored.commitment.hex(),
    }
    if isinstance(read.actor, VisitorReader):
        told["unmapped"]["token_id"] = read.actor.token_id
        told["unmapped"]["unlocked"] = read.actor.unlocked
    return told


def _origin(stored: StoredRead, names: Names) -> Origin:
    # A read that waits for its seal has no number yet.
    place = stored.commitment.hex() if stored.number is None else str(stored.number)
    return Origin(
        uid=f"{names.installation}/{stored.team_id}/reads/{place}",
        team_id=stored.team_id,
        sequence=stored.number or 0,
        code="read",
        at=stored.read.at,
        operation_id=stored.read.correlation_id,
    )


def _user(read: Read, names: Names) -> Event:
    if isinstance(read.actor, UserReader):
        return user(read.actor.user_id, names, read.actor.key_id)
    return {"name": "erased", "type_id": _OTHER_TYPE, "type": "Erased"}


def _endpoint(ip: str | None) -> Event:
    try:
        return {"name": "not recorded"} if ip is None else {"ip": str(ip_address(ip))}
    except ValueError:
        return {"name": ip}


def _things(read: Read, names: Names) -> list[Event]:
    """Those that were shown, and the insights inside of them."""
    shown = [(read.kind, number) for number in read.items]
    shown += [("insight", number) for number in read.insights]
    return [_thing(kind, number, names) for kind, number in shown]


def _thing(kind: str, number: int, names: Names) -> Event:
    told: Event = {"uid": str(number), "type": kind}
    thing = names.things.get(f"{kind}/{number}")
    if thing is not None and thing.name is not None:
        told["name"] = thing.name
    return told
