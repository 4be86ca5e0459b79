"""The page of what happens in a project, and the stream that keeps it live."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.response.base import ASGIResponse

from contracts.chain import BEGINNING
from contracts.fact_filters import STORED_NAMES
from contracts.headers import LAST_EVENT_ID
from services.common.accounts.accounts import Accounts
from services.common.http.caller import Caller, require_administrator
from services.common.http.csv_answers import NEVER_CSV
from services.common.http.heads import is_head
from services.common.http.operations import LEFT_OUT
from services.common.http.page_callers import SignedOut, page_person
from services.common.http.page_session import PageSessions
from services.common.http.problems import Rejected
from services.common.http.request import AnyRequest
from services.common.insights.context import user_bodies
from services.common.log.cursors import check_cursor, project_head, project_link
from services.common.log.entries import project_entries
from services.common.pages.answers import PROBLEMS, page_answer
from services.common.pages.names import doer, name_of, title_of
from services.common.proofs import checkpoints
from services.query.http import parameters
from services.query.pages.happenings import KINDS, OF_READS, broken, happening, signed, user_of
from services.query.pages.rendering import LIVE_HEADERS, rendered
from services.query.reads.all import Reads
from services.query.routes.facts import fact_filter
from services.query.streams import connection, server_sent
from services.query.streams.streams import Streams

READ = {"scopes": ("activity_log:read",), NEVER_CSV: True, **LEFT_OUT}
LOOKED_AT = 500
MOST_SHOWN = 100
_WEEK = timedelta(days=7)
_MOST_VIEWED = 10
_FILTERS = ("types", "user", "insight")


@get("/projects/{project:str}/activity/", opt=READ, exception_handlers=PROBLEMS)
async def activity_page(
    request: AnyRequest,
    reads: NamedDependency[Reads],
    streams: NamedDependency[Streams],
    accounts: NamedDependency[Accounts],
    page_caller: NamedDependency[Caller],
) -> Response[bytes]:
    """What happened last, who looked at what, and the state of the proof. As facts/ is, for
    administrators: it tells of every insight.
    """
    caller = page_caller
    require_administrator(caller)
    wanted = await fact_filter(request, reads, caller)
    user = parameters.number(request, "user", 0, least=0, most=2**63 - 1) or None
    head = await project_head(streams.pool, caller.team_id)
    last = parameters.number(request, "before", head.team_seq + 1, least=1, most=2**63 - 1) - 1
    last = min(last, head.team_seq)
    first = max(last - LOOKED_AT, 0)
    link = BEGINNING if not first else await project_link(streams.pool, caller.team_id, first)
    sent = {name: parameters.text(request, name) or "" for name in _FILTERS}
    entries = await project_entries(streams.pool, caller.team_id, first, last - first)
    found = [
        entry
        for entry in reversed(entries)
        if wanted.matches(entry)
        and user in (None, user_of(entry))
        and (sent["types"] or entry.name not in OF_READS)
    ][:MOST_SHOWN]
    oldest = found[-1].team_seq if len(found) == MOST_SHOWN else first + 1
    members = await accounts.members(caller.project.organization_id)
    users = await user_bodies(
        accounts, {*(member.user_id for member in members), *map(user_of, found)}
    )
    filters = {name: value for name, value in sent.items() if value}
    followed = {name: value for name, value in filters.items() if name != "user"}
    page = rendered(
        "activity.html",
        project=caller.project,
        here="activity",
        kinds=KINDS,
        types=sent["types"],
        user=user,
        insight=sent["insight"],
        people=[(number, name_of(users[number])) for number in sorted(users)],
        stream=f"stream/?{urlencode(followed | {'after': str(head.team_seq)})}",
        all_types=" ".join(sorted({*STORED_NAMES} - OF_READS)),
        facts=[happening(entry, users, caller.project.timezone) for entry in found],
        first=first + 1,
        last=last,
        older=f"?{urlencode(filters | {'before': oldest})}" if oldest > 1 else None,
        looked=await _looked(reads, accounts, caller),
        broken="a fact is missing" if link is None else broken(link, entries),
        signed=signed(
            await checkpoints.newest(streams.pool, caller.team_id), caller.project.timezone
        ),
        head_sequence=head.team_seq,
        head_hash=head.hash.hex(),
    )
    return page_answer(page, headers=LIVE_HEADERS)


@get("/projects/{project:str}/activity/stream/", opt=READ)
async def activity_stream(
    request: AnyRequest,
    reads: NamedDependency[Reads],
    streams: NamedDependency[Streams],
    accounts: NamedDependency[Accounts],
    page_sessions: NamedDependency[PageSessions],
    page_caller: NamedDependency[Caller],
) -> ASGIResponse:
    """The facts as they come, as facts/stream/ has them, for whoever has signed in."""
    caller = page_caller
    require_administrator(caller)
    wanted = await fact_filter(request, reads, caller)
    last = request.headers.get(LAST_EVENT_ID) or parameters.text(request, "after") or "now"
    after = await check_cursor(streams.pool, caller.team_id, last)
    if is_head(request):
        return ASGIResponse(media_type=server_sent.MEDIA_TYPE, headers=connection.HEADERS)
    may = _still_may(request, accounts, page_sessions, caller)
    return streams.follow(caller.team_id, wanted, after, may)


async def _looked(reads: Reads, accounts: Accounts, caller: Caller) -> list[dict[str, object]]:
    place = await reads.moments.time(caller.team_id, datetime.now(UTC) - _WEEK)
    after = place.position if place else 0
    fresh = await reads.freshness.of(
        lambda: reads.views.trending(caller, after, _MOST_VIEWED), None
    )
    users = await user_bodies(accounts, (number for each in fresh.value for number in each.viewers))
    return [
        {
            "number": each.listed.row.insight_id,
            "name": title_of(each.listed.row),
            "views": each.views,
            "viewers": ", ".join(doer(number, users) for number in each.viewers),
        }
        for each in fresh.value
    ]


def _still_may(
    request: AnyRequest, accounts: Accounts, page_sessions: PageSessions, caller: Caller
) -> Callable[[], Awaitable[bool]]:
    """Whether the reader still may: the session, its key and its scope live, the rank is there."""

    async def may() -> bool:
        try:
            _, person = await page_person(request, accounts, page_sessions)
        except (SignedOut, Rejected):
            return False
        project = caller.project
        return person.may_enter(project) and person.user.is_administrator(project.organization_id)

    return may


HANDLERS = [activity_page, activity_stream]
