"""The members of an insight's body beyond its stream, alike for PATCH's answer and a later GET."""

from collections.abc import Iterable

import msgspec
from msgspec import Raw

from contracts.api.insights import InsightContext, UserBody
from contracts.json import NULL, is_null
from contracts.queries.errors import InvalidQuery
from contracts.queries.of_insights import viz_node
from contracts.read_models.insight import InsightRow
from services.common.accounts.accounts import Accounts, User
from services.common.http.caller import Caller
from services.common.insights.access import Access
from services.common.insights.joined_columns import NOT_JOINED, JoinedColumns


async def insight_context(
    accounts: Accounts,
    caller: Caller,
    row: InsightRow,
    access: Access,
    joined: JoinedColumns = NOT_JOINED,
) -> InsightContext:
    """The context of one row for this caller. Users come from memory; the rest is handed in."""
    return InsightContext(
        users=await user_bodies(accounts, (row.created_by, row.last_modified_by)),
        timezone=caller.project.timezone,
        access_level=access.level,
        restriction_level=access.restriction,
        privilege_level=access.privilege,
        last_viewed_at=joined.viewed_at,
        result=joined.result,
        shown_query=shown_query(row),
    )


def shown_query(row: InsightRow) -> Raw:
    """The node that the row's legacy filters mean; the document `null`: a stored query is shown as
    it is.
    """
    if not is_null(row.query) or bytes(row.filters) == b"{}":
        return NULL
    try:
        node = viz_node(msgspec.json.decode(row.filters))
    except InvalidQuery:
        # A stored shape that can't be read any more is shown as filters alone.
        return NULL
    return Raw(msgspec.json.encode(node))


async def user_bodies(accounts: Accounts, numbers: Iterable[int | None]) -> dict[int, UserBody]:
    """The users of these numbers that exist, by number."""
    found = {}
    for number in {number for number in numbers if number is not None}:
        user = await accounts.user(number)
        if user is not None:
            found[number] = user_body(user)
    return found


def user_body(user: User) -> UserBody:
    return UserBody(
        id=user.id,
        uuid=user.uuid,
        distinct_id=user.distinct_id,
        first_name=user.first_name,
        last_name=user.last_name,
        email=user.email,
        is_email_verified=user.is_email_verified,
    )
