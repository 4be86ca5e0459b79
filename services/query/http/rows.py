"""Answers made of rows without joined columns, actions and cohorts: a page of them, and one."""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import msgspec
from litestar import Response

from contracts.api.insights import UserBody
from services.common.accounts.accounts import Accounts
from services.common.http.caller import Caller
from services.common.http.paths import number_in_path
from services.common.http.problems import not_found
from services.common.http.read_notes import noted
from services.common.http.request import AnyRequest
from services.common.insights.context import user_bodies
from services.query.http import as_of, paging, parameters
from services.query.http.answers import answer
from services.query.problems import parked
from services.query.reads.all import Reads
from services.query.reads.catalog_rows import CatalogReads
from services.query.reads.listing import NumberEnd

_encoder = msgspec.json.Encoder()


class AuthoredRow(Protocol):
    """created_by: a user's number. version: of the row's stream."""

    @property
    def created_by(self) -> int | None: ...
    @property
    def version(self) -> int: ...


R = TypeVar("R", bound=AuthoredRow)
Body = Callable[[R, UserBody | None], Any]
"""Of a row and its creator."""


async def page_of(
    request: AnyRequest,
    rows: CatalogReads[R],
    body: Body[R],
    page: Callable[..., Any],
    reads: Reads,
    accounts: Accounts,
    caller: Caller,
) -> Response[bytes]:
    """page: of count, next, previous and results."""
    asked = paging.page(request, NumberEnd)
    search = parameters.searched(parameters.text(request, "search"))
    moment = await as_of.asked(request, reads, caller.project)
    fresh = await as_of.fresh(
        request,
        reads,
        lambda: rows.page(caller.team_id, search, asked, as_of.position(moment)),
        moment,
    )
    found = fresh.value
    users = await user_bodies(accounts, (row.created_by for row in found.rows))
    bodies = tuple(body(row, users.get(row.created_by or 0)) for row in found.rows)
    noted(request.scope).shows(each.id for each in bodies)
    shown = page(
        count=found.count,
        next=paging.next_page(
            request, asked, found.more, NumberEnd(bodies[-1].id) if bodies else None, moment
        ),
        previous=paging.previous_page(request, asked, moment),
        results=bodies,
    )
    return answer(request, _encoder.encode(shown), fresh, moment=moment)


async def one_of(
    request: AnyRequest,
    reference: str,
    rows: CatalogReads[R],
    body: Body[R],
    reads: Reads,
    accounts: Accounts,
    caller: Caller,
) -> Response[bytes]:
    """reference: the number in the path. Raises Rejected 404, 503."""
    number = number_in_path(reference)
    moment = await as_of.asked(request, reads, caller.project, rows.stream(caller.team_id, number))
    fresh = await as_of.fresh(
        request, reads, lambda: rows.one(caller.team_id, number, as_of.position(moment)), moment
    )
    if fresh.value.parked_at is not None:
        raise parked(fresh.value.parked_at)
    row = fresh.value.row
    if row is None:
        raise not_found()
    users = await user_bodies(accounts, (row.created_by,))
    shown = body(row, users.get(row.created_by or 0))
    return answer(request, _encoder.encode(shown), fresh, version=row.version, moment=moment)
