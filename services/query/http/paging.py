"""Pages: where the next one begins, and the absolute URL that asks for it."""

import base64
import binascii
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode

import msgspec
from msgspec import Raw

from contracts.api.accounts import Page as Listed
from services.common.http.as_of import AS_OF
from services.common.http.request import AnyRequest
from services.common.http.storable import has_escaped_nul
from services.query.http.as_of import LogMoment
from services.query.http.parameters import DEFAULT_LIMIT, HIGHEST_LIMIT, number, text
from services.query.reads.listing import Cursor, End, Int64, Moment, Order, OrderField, PageRequest

Item = TypeVar("Item")

HIGHEST_OFFSET = 2**53

_TYPES: dict[OrderField, Any] = {
    "name": str | None,
    "created_at": Moment,
    "created_by": Int64 | None,
    "last_modified_at": Moment,
    "updated_at": Moment,
    "short_id": str,
    "id": None,
    "order": Int64 | None,
    "saved": bool,
    "favorited": bool,
    "deleted": bool,
}


class _Wire(msgspec.Struct, frozen=True, array_like=True):
    """A cursor as it travels: opaque to clients, and worth nothing in another order."""

    field: OrderField
    descending: bool
    value: Raw
    insight_id: Int64


def insight_page(request: AnyRequest, order: Order) -> PageRequest[Cursor]:
    """limit, offset and cursor of a list in this order; a cursor that does not fit is no cursor."""
    asked = page(request, _Wire)
    after = None if asked.after is None else _cursor(asked.after, order)
    return PageRequest(asked.limit, asked.offset, after)


def page(request: AnyRequest, end: type[End]) -> PageRequest[End]:
    """limit, offset and cursor. end: what the list is ordered by, as it travels in a cursor."""
    limit = number(request, "limit", DEFAULT_LIMIT, least=1, most=HIGHEST_LIMIT)
    offset = number(request, "offset", 0, least=0, most=HIGHEST_OFFSET)
    return PageRequest(limit, offset, cursor(request, end))


def cursor(request: AnyRequest, end: type[End]) -> End | None:
    """The end of the page before; a cursor that does not fit is no cursor."""
    sent = text(request, "cursor")
    if not sent:
        return None
    try:
        decoded = base64.urlsafe_b64decode(sent + "=" * (-len(sent) % 4))
        return None if has_escaped_nul(decoded) else msgspec.json.decode(decoded, type=end)
    except (binascii.Error, msgspec.DecodeError, ValueError):
        return None


def listed(request: AnyRequest, found: Sequence[tuple[End, Item]], end: type[End]) -> Listed[Item]:
    """The requested page of `found`, for lists that are short enough to be read whole.

    found: each with what it is ordered by, ascending.
    """
    this = page(request, end)
    first = this.offset if this.after is None else bisect_right(_keys(found), this.after)
    shown = found[first : first + this.limit]
    more = first + this.limit < len(found)
    return Listed(
        count=len(found),
        next=next_page(request, this, more, shown[-1][0] if shown else None),
        previous=previous_page(request, this),
        results=tuple(item for _, item in shown),
    )


def _keys(found: Sequence[tuple[Any, Any]]) -> list[Any]:
    return [key for key, _ in found]


def next_page(
    request: AnyRequest,
    this: PageRequest[Any],
    more: bool,
    end: object,
    moment: LogMoment | None = None,
) -> str | None:
    """more: whether there is one. end: of this page; None where the order has none to travel.

    moment: of the past that all pages show.
    """
    if not more:
        return None
    cursor = None if end is None else encoded(end)
    offset = str(this.offset + this.limit)
    return link(request, limit=str(this.limit), offset=offset, cursor=cursor, **_at(moment))


def _at(moment: LogMoment | None) -> dict[str, str | None]:
    return {} if moment is None else {AS_OF: f"p{moment.position}"}


def previous_page(
    request: AnyRequest, this: PageRequest[Any], moment: LogMoment | None = None
) -> str | None:
    """None at the beginning."""
    if this.offset == 0:
        return None
    offset = this.offset - this.limit
    return link(
        request,
        limit=str(this.limit),
        offset=str(offset) if offset > 0 else None,
        cursor=None,
        **_at(moment),
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


def travelling(end: Cursor | None) -> _Wire | None:
    """A cursor of insights as it travels."""
    if end is None:
        return None
    value = Raw(msgspec.json.encode(end.value))
    return _Wire(end.order.field, end.order.descending, value, end.insight_id)


def encoded(end: object) -> str:
    """The cursor that says where a page ended."""
    return base64.urlsafe_b64encode(msgspec.json.encode(end)).decode().rstrip("=")


def _cursor(wire: _Wire, order: Order) -> Cursor | None:
    if Order(wire.field, wire.descending) != order:
        return None
    try:
        value = msgspec.json.decode(wire.value, type=_TYPES[wire.field])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return Cursor(order, value, wire.insight_id)
