"""Rows of the trail of reads, as they are sealed in the log."""

from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from contracts.reads import ErasedReader, Read, Reader, StoredRead, UserReader, VisitorReader

COLUMNS: LiteralString = """
    r.team_id, r.number, r.at, r.actor, r.user_id, r.key_id, r.token_id, r.unlocked, r.surface,
    r.what, r.items, r.insights, r.as_of, r.refresh, r.status, r.from_cache, r.bytes, r.ip,
    r.client, r.correlation_id, r.salt, r.commitment"""


def stored(
    team_id: int,
    number: int | None,
    at: datetime,
    actor: str,
    user_id: int | None,
    key_id: str | None,
    token_id: int | None,
    unlocked: bool | None,
    surface: Any,
    what: str,
    items: list[int],
    insights: list[int],
    as_of: str | None,
    refresh: str | None,
    status: int,
    from_cache: bool | None,
    size: int,
    ip: str | None,
    client: str | None,
    correlation_id: UUID | None,
    salt: bytes,
    commitment: bytes,
    sealed_by: int | None,
) -> StoredRead:
    """A row of COLUMNS of `reads` as r, and the sequence of its seal's fact behind them."""
    read = Read(
        at=at,
        actor=_reader(actor, user_id, key_id, token_id, unlocked),
        surface=surface,
        what=what,
        items=tuple(items),
        insights=tuple(insights),
        as_of=as_of,
        refresh=refresh,
        status=status,
        from_cache=from_cache,
        bytes=size,
        ip=ip,
        client=client,
        correlation_id=correlation_id,
    )
    sealed = sealed_by is not None
    return StoredRead(
        team_id=team_id,
        number=number if sealed else None,
        read=read,
        salt=salt,
        commitment=commitment,
        sealed_by=sealed_by,
    )


def _reader(
    actor: str,
    user_id: int | None,
    key_id: str | None,
    token_id: int | None,
    unlocked: bool | None,
) -> Reader:
    if actor == "user" and user_id is not None and key_id is not None:
        return UserReader(user_id=user_id, key_id=key_id)
    if actor == "visitor":
        return VisitorReader(token_id=token_id, unlocked=bool(unlocked))
    return ErasedReader()
