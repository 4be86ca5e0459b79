"""Query strings of the activity log: filters, and where a page is."""

from collections.abc import Collection, Sequence
from typing import get_args
from uuid import UUID

import msgspec

from contracts.cursors import NOW, MalformedCursor
from contracts.read_models.activity import ACTIVITIES, Scope
from services.common.http.problems import invalid, not_a_choice
from services.common.http.request import AnyRequest
from services.common.log.cursors import check_cursor
from services.common.postgres.database import Pool
from services.query.http import audits, chains, paging, parameters
from services.query.reads.activity import ActivityFilter, ActivityPlace
from services.query.reads.listing import NumberEnd, PageRequest

DEFAULT_LIMIT = 10
HIGHEST_PAGE = 2**31
SCOPES: tuple[Scope, ...] = get_args(Scope)


class ActivityQuestion(msgspec.Struct, frozen=True):
    """number: of the page, from 1; None: the page is named by a cursor. wait: seconds, for the
    first entry that comes after a cursor.
    """

    wanted: ActivityFilter
    place: ActivityPlace
    number: int | None
    wait: float = 0.0


async def activity_question(request: AnyRequest, pool: Pool, team_id: int) -> ActivityQuestion:
    """Raises Rejected 400 naming the parameter, CursorAhead and CursorElsewhere."""
    wanted = _filter(request)
    limit = parameters.number(
        request, "limit", DEFAULT_LIMIT, least=1, most=parameters.HIGHEST_LIMIT
    )
    after, before = (parameters.text(request, name) for name in ("after", "before"))
    if after is None and before is None:
        number = parameters.number(request, "page", 1, least=1, most=HIGHEST_PAGE)
        end = paging.cursor(request, NumberEnd)
        page = PageRequest(limit, (number - 1) * limit, end)
        place = ActivityPlace(limit=limit, offset=page.skipped, below=page.before)
        return ActivityQuestion(wanted, place, number)
    if after is not None and before is not None:
        raise invalid("before", "invalid_input", "Not beside `after`.")
    for name in ("page", "cursor"):
        if parameters.text(request, name) is not None:
            raise invalid(name, "invalid_input", "Not beside `after` or `before`.")
    if after is not None:
        link = await check_cursor(pool, team_id, after)
        place = ActivityPlace(limit=limit, after=link)
        return ActivityQuestion(wanted, place, None, chains.wait(request))
    return ActivityQuestion(wanted, await _before(pool, team_id, before or "", limit), None)


async def _before(pool: Pool, team_id: int, sent: str, limit: int) -> ActivityPlace:
    if sent == NOW:
        return ActivityPlace(limit=limit, newest=True)
    try:
        link = await check_cursor(pool, team_id, sent)
    except MalformedCursor as cause:
        raise invalid("before", "invalid_input", str(cause)) from cause
    return ActivityPlace(limit=limit, newest=True, before=link.team_seq)


def _filter(request: AnyRequest) -> ActivityFilter:
    """Insights alone, unless other things are asked for."""
    item_id, activity = (parameters.text(request, name) for name in ("item_id", "activity"))
    user, asked = audits.user_number(request), scopes(request, SCOPES)
    return ActivityFilter(
        scopes=("Insight",) if asked is None else asked,
        item_ids=None if not item_id else (item_id,),
        users=None if user is None else (user,),
        key_id=parameters.text(request, "key_id") or None,
        activities=None if not activity else (_choice("activity", activity, ACTIVITIES),),
        field=parameters.text(request, "field") or None,
        operation_id=_uuid(request, "operation_id"),
        since=audits.time(request, "from"),
        until=audits.time(request, "to"),
        quiet=parameters.flag(request, "all"),
    )


def scopes(request: AnyRequest, known: Collection[str] | None) -> tuple[str, ...] | None:
    """Those that `scope` and `scopes` both name; None: neither names one.

    known: all that there are; None: others name nothing, and are no mistake.
    """
    found: tuple[str, ...] | None = None
    for name in ("scope", "scopes"):
        sent = words(request, name)
        if sent is None:
            continue
        if known is not None:
            sent = tuple(_choice(name, word, known) for word in sent)
        found = sent if found is None else tuple(word for word in sent if word in found)
    return found


def words(request: AnyRequest, name: str) -> tuple[str, ...] | None:
    """A list, as commas and repeated parameters spell it; None: it is absent or empty."""
    sent: Sequence[str] = request.query_params.getall(name, [])
    found = tuple(word.strip() for text in sent for word in str(text).split(",") if word.strip())
    return found or None


def _choice(name: str, sent: str, known: Collection[str]) -> str:
    if sent not in known:
        raise not_a_choice(name, sent)
    return sent


def _uuid(request: AnyRequest, name: str) -> UUID | None:
    sent = parameters.text(request, name)
    if not sent:
        return None
    try:
        return UUID(sent)
    except ValueError as cause:
        raise invalid(name, "invalid_input", "A UUID.") from cause
