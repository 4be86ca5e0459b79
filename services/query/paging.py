"""Pages: where the next one begins, and the absolute URL that asks for it."""

import base64
import binascii
from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode

import msgspec
from msgspec import Raw

from contracts.api.accounts import Page as Listed
from services.query.parameters import (
    DEFAULT_LIMIT,
    HIGHEST_LIMIT,
    AnyRequest,
    number,
    text,
)
from services.query.reads.filters import DEFAULT_ORDER, Cursor, Order, OrderField, Page

Item = TypeVar("Item")

HIGHEST_OFFSET = 2**53

_TYPES: dict[OrderField, Any] = {
    "name": str | None,
    "created_at": datetime,
    "created_by": int | None,
    "last_modified_at": datetime,
    "updated_at": datetime,
    "short_id": str,
    "id": None,
    "order": int | None,
    "saved": bool,
    "favorited": bool,
    "deleted": bool,
}


class _Wire(msgspec.Struct, frozen=True, array_like=True):
    """A cursor as it travels: opaque to clients, and worth nothing in another order."""

    field: OrderField
    descending: bool
    value: Raw
    insight_id: int


_wire = msgspec.json.Decoder(_Wire)


def page(request: AnyRequest, order: Order) -> Page:
    """limit, offset and cursor of a list in this order; a cursor that does not fit is no cursor."""
    limit = number(request, "limit", DEFAULT_LIMIT, least=1, most=HIGHEST_LIMIT)
    offset = number(request, "offset", 0, least=0, most=HIGHEST_OFFSET)
    return Page(limit, offset, _cursor(text(request, "cursor"), order))


def listed(request: AnyRequest, found: Sequence[Item]) -> Listed[Item]:
    """The page of `found` that is asked for; of lists that are short enough to be read whole."""
    this = page(request, DEFAULT_ORDER)
    results = tuple(found[this.offset : this.offset + this.limit])
    return Listed(
        count=len(found),
        next=next_page(request, this, len(results), len(found), None),
        previous=previous_page(request, this),
        results=results,
    )


def next_page(
    request: AnyRequest, this: Page, shown: int, count: int, end: Cursor | None
) -> str | None:
    """shown: how many this page has; count: all pages. None at the end."""
    if not shown or this.offset + this.limit >= count:
        return None
    return following_page(request, this, None if end is None else _encoded(end))


def following_page(request: AnyRequest, this: Page, cursor: str | None = None) -> str:
    """The one after this, which is there. cursor: where it begins, whatever the offset."""
    return link(request, limit=str(this.limit), offset=str(this.offset + this.limit), cursor=cursor)


def previous_page(request: AnyRequest, this: Page) -> str | None:
    """None at the beginning."""
    if this.offset == 0:
        return None
    offset = this.offset - this.limit
    return link(
        request,
        limit=str(this.limit),
        offset=str(offset) if offset > 0 else None,
        cursor=None,
    )


def link(request: AnyRequest, **changed: str | None) -> str:
    """This request's own URL with these parameters changed, or left out where None."""
    query = request.scope["query_string"].decode("latin-1")
    kept = [pair for pair in parse_qsl(query, keep_blank_values=True) if pair[0] not in changed]
    added = [(name, value) for name, value in changed.items() if value is not None]
    # As it was asked: `path` has lost its final slash on the way here.
    path = request.scope["raw_path"].decode("latin-1")
    url = request.url
    return f"{url.scheme}://{url.netloc}{path}?{urlencode(kept + added)}".removesuffix("?")


def _encoded(cursor: Cursor) -> str:
    wire = _Wire(
        cursor.order.field,
        cursor.order.descending,
        Raw(msgspec.json.encode(cursor.value)),
        cursor.insight_id,
    )
    return base64.urlsafe_b64encode(msgspec.json.encode(wire)).decode().rstrip("=")


def _cursor(sent: str | None, order: Order) -> Cursor | None:
    if not sent:
        return None
    try:
        wire = _wire.decode(base64.urlsafe_b64decode(sent + "=" * (-len(sent) % 4)))
        if Order(wire.field, wire.descending) != order:
            return None
        value = msgspec.json.decode(wire.value, type=_TYPES[wire.field])
        return (
            None
            if isinstance(value, str) and "\0" in value
            else Cursor(order, value, wire.insight_id)
        )
    except (binascii.Error, msgspec.DecodeError, ValueError):
        return None
