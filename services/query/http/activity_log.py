"""Query strings of PostHog's doors to the activity log."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

import msgspec

from contracts.references import number_in
from services.common.accounts.accounts import Accounts
from services.common.http.problems import invalid, not_a_choice
from services.common.http.request import AnyRequest
from services.query.http import paging, parameters
from services.query.http.activity import HIGHEST_PAGE, scopes, words
from services.query.reads.activity import ActivityFilter
from services.query.reads.activity_log import LogPage
from services.query.reads.listing import NumberEnd

DEFAULT_SIZE = 100
_ORDERS = {"created_at": True, "-created_at": False}
_UNSUPPORTED = ("clients", "hogql_filter", "detail_filters")
_TICK = timedelta(microseconds=1)


class LogQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """number: of the page, from 1; None: the page is named by a cursor. ocsf: as OCSF events;
    values: with those before and after. follow: `next` is there at the end too.
    """

    wanted: ActivityFilter
    page: LogPage
    number: int | None
    ocsf: bool = False
    values: bool = False
    follow: bool = False


async def log_question(
    request: AnyRequest, accounts: Accounts, organization_id: UUID
) -> LogQuestion:
    """Of activity_log/. A kind of thing that there is none of has no entries."""
    item_id, user = (parameters.text(request, name) for name in ("item_id", "user"))
    wanted = ActivityFilter(
        scopes=scopes(request, None),
        item_ids=None if not item_id else (item_id,),
        users=None if not user else await _users("user", (user,), accounts, organization_id),
        quiet=parameters.flag(request, "all"),
    )
    page, number = _page(request, oldest_first=False)
    return LogQuestion(wanted=wanted, page=page, number=number)


async def advanced_log_question(
    request: AnyRequest, accounts: Accounts, organization_id: UUID
) -> LogQuestion:
    """Of advanced_activity_logs/. Raises Rejected 400 for what is not supported."""
    for name in _UNSUPPORTED:
        if parameters.text(request, name):
            raise invalid(name, "invalid_input", "Not supported.")
    form = parameters.text(request, "schema") or None
    if form not in (None, "ocsf"):
        raise not_a_choice("schema", form)
    ordering = parameters.text(request, "ordering") or "-created_at"
    if ordering not in _ORDERS:
        raise not_a_choice("ordering", ordering)
    users, system = words(request, "users"), parameters.text(request, "is_system")
    last = _time(request, "end_date", last=True)
    wanted = ActivityFilter(
        scopes=words(request, "scopes"),
        item_ids=words(request, "item_ids"),
        users=None if users is None else await _users("users", users, accounts, organization_id),
        system=None if not system else parameters.flag(request, "is_system"),
        activities=words(request, "activities"),
        since=_time(request, "start_date"),
        until=None if last is None else last + _TICK,
        search=parameters.searched(parameters.text(request, "search_text"), attr="search_text"),
        quiet=parameters.flag(request, "all"),
    )
    page, number = _page(request, oldest_first=_ORDERS[ordering])
    return LogQuestion(
        wanted=wanted,
        page=page,
        number=number,
        ocsf=form is not None,
        values=parameters.flag(request, "include_values"),
        follow=parameters.flag(request, "follow"),
    )


def _page(request: AnyRequest, *, oldest_first: bool) -> tuple[LogPage, int | None]:
    size = parameters.number(
        request, "page_size", DEFAULT_SIZE, least=1, most=parameters.HIGHEST_LIMIT
    )
    if parameters.text(request, "page") is None:
        end = paging.cursor(request, NumberEnd)
        place = None if end is None else end.number
        return LogPage(limit=size, oldest_first=oldest_first, place=place), None
    number = parameters.number(request, "page", 1, least=1, most=HIGHEST_PAGE)
    return LogPage(limit=size, offset=(number - 1) * size, oldest_first=oldest_first), number


async def _users(
    name: str, sent: Iterable[str], accounts: Accounts, organization_id: UUID
) -> tuple[int, ...]:
    """The numbers of users that are named by UUID or number. Nobody by that name did anything."""
    wanted, found = set[UUID](), set[int]()
    for word in sent:
        number = number_in(word)
        if number is not None:
            found.add(number)
            continue
        try:
            wanted.add(UUID(word))
        except ValueError as cause:
            raise invalid(name, "invalid_input", f"{word!r} is no UUID.") from cause
    if wanted:
        for member in await accounts.members(organization_id):
            user = await accounts.user(member.user_id)
            if user is not None and user.uuid in wanted:
                found.add(user.id)
    return tuple(sorted(found))


def _time(request: AnyRequest, name: str, *, last: bool = False) -> datetime | None:
    """A time; one without a zone is UTC's. A day is its first moment, or its last one."""
    sent = parameters.text(request, name)
    if not sent:
        return None
    try:
        if len(sent) == len("2026-11-30"):
            day = datetime.combine(date.fromisoformat(sent), time(), UTC)
            return day + timedelta(days=1) - _TICK if last else day
        # A space is what becomes of a plus that was not escaped.
        found = datetime.fromisoformat(
            sent.strip().upper().replace(" ", "+" if "T" in sent else "T")
        )
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError) as cause:
        said = "A time, 2026-11-30T20:41:52Z, or a day."
        raise invalid(name, "invalid_input", said) from cause
