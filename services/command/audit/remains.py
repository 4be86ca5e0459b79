"""What an erasure's receipt says; what it can't reach, in words."""

from datetime import datetime

import msgspec

from contracts.api.erasures import State
from contracts.read_models.erasure import ErasedPayload, ErasureRow, ReachedState
from services.common.postgres.erasures import Kind

_DISK = (
    "Its bytes may still be in unused parts of PostgreSQL's files and its write-ahead log:"
    " `recount erase --physical` removes them where it is ours."
)
_BACKUPS = "Backups, archived write-ahead logs and exports from before {since} may hold it."
_SUBSCRIBERS = (
    "Subscribers and receivers of webhooks may have stored it; they are told of the erasure."
)
_NOT_HERE = (
    "Product events, and the names of users, organizations, keys and webhooks' addresses, were not"
    " looked through."
)
_EARLIER = "Entries before the erasure that name the user do so by number alone."
_COME_BACK = "Events of the same person that come later are stored as anybody's."


def remains(kind: Kind, state: State, row: ErasureRow | None) -> tuple[str, ...]:
    """row: None before there is one."""
    logical = None if row is None else next((each for each in row.states), None)
    since = "the erasure" if logical is None else f"{logical.at:%Y-%m-%d %H:%M:%S}Z"
    found = [_BACKUPS.format(since=since)]
    if state != "physical":
        found.insert(0, _DISK)
    if kind in ("entries", "text"):
        found.append(_SUBSCRIBERS)
    if kind == "text":
        found.append(_NOT_HERE)
    if kind == "user":
        found.append(_EARLIER)
    if kind == "person":
        found.append(_COME_BACK)
    return tuple(found)


class _Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """requested_by: the number of a user; null for the system. reads: spans of numbers."""

    state: State
    reason: str
    requested_by: int | None
    requested_at: datetime
    entries: tuple[ErasedPayload, ...]
    reads: tuple[tuple[int, int], ...]
    states: tuple[ReachedState, ...]
    remains: tuple[str, ...]


def receipt_told(kind: Kind, row: ErasureRow) -> bytes:
    """One line of JSON, of one that is logical at least."""
    state = row.states[-1].state
    return msgspec.json.encode(
        _Receipt(
            state=state,
            reason=row.reason,
            requested_by=row.requested_by,
            requested_at=row.requested_at,
            entries=row.entries,
            reads=row.reads,
            states=row.states,
            remains=remains(kind, state, row),
        )
    )
