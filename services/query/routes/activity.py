"""Reading the activity log, of one insight and of all."""

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from contracts.api.activity import ActivityEntry, ActivityPage
from contracts.references import insight_reference
from services.common.accounts.accounts import Accounts
from services.common.http.as_of import AS_OF
from services.common.http.caller import Caller
from services.common.http.operations import reads
from services.common.http.paths import project_paths
from services.common.http.problems import not_found
from services.common.http.request import AnyRequest
from services.common.insights.context import user_bodies
from services.query.http import as_of, described, paging, parameters
from services.query.http.answers import answer
from services.query.http.as_of import LogMoment
from services.query.problems import parked
from services.query.reads.activity import ActivityFilter, ActivityPlace, ActivityRows
from services.query.reads.all import Reads
from services.query.reads.listing import NumberEnd, PageRequest

READ = {"scopes": ("activity_log:read",)}

DEFAULT_LIMIT = 10
HIGHEST_PAGE = 2**31

_encoder = msgspec.json.Encoder()


class _ActivityRequest(msgspec.Struct, frozen=True):
    """number: of the page, from 1. quiet: with the entries that PostHog does not make
    (`?all=true`).
    """

    page: PageRequest[NumberEnd]
    number: int
    quiet: bool

    def filter(self, as_of: int | None) -> ActivityFilter:
        return ActivityFilter(scopes=("Insight",), quiet=self.quiet, as_of=as_of)

    @property
    def place(self) -> ActivityPlace:
        page = self.page
        return ActivityPlace(limit=page.limit, offset=page.skipped, below=page.before)


@get(
    project_paths("/insights/{insight:str}/activity/"),
    opt={**READ, **reads(ActivityPage, *described.ACTIVITY, as_of=True)},
)
async def insight_activity(
    request: AnyRequest,
    reads: NamedDependency[Reads],
    accounts: NamedDependency[Accounts],
    caller: NamedDependency[Caller],
    insight: FromPath[str],
) -> Response[bytes]:
    """The activity of one insight, newest first; a deleted one answers too."""
    of, wanted = insight_reference(insight), _wanted(request)
    if of is None:
        raise not_found()
    moment = await as_of.asked(request, reads, caller.project)
    fresh = await as_of.fresh(
        request,
        reads,
        lambda: reads.activity.of_insight(
            caller, of, wanted.filter(as_of.position(moment)), wanted.place
        ),
        moment,
    )
    found = fresh.value
    if found is None:
        raise not_found()
    if found.parked_at is not None:
        raise parked(found.parked_at)
    found.access.require("viewer")
    body = await _body(request, accounts, found, wanted, moment)
    return answer(request, _encoder.encode(body), fresh, moment=moment)


@get(
    project_paths("/insights/activity/"),
    opt={**READ, **reads(ActivityPage, *described.ACTIVITY, as_of=True)},
)
async def all_activity(
    request: AnyRequest,
    reads: NamedDependency[Reads],
    accounts: NamedDependency[Accounts],
    caller: NamedDependency[Caller],
) -> Response[bytes]:
    """The activity of the project's insights, newest first."""
    wanted = _wanted(request)
    moment = await as_of.asked(request, reads, caller.project)
    fresh = await as_of.fresh(
        request,
        reads,
        lambda: reads.activity.of_team(caller, wanted.filter(as_of.position(moment)), wanted.place),
        moment,
    )
    body = await _body(request, accounts, fresh.value, wanted, moment)
    return answer(request, _encoder.encode(body), fresh, moment=moment)


def _wanted(request: AnyRequest) -> _ActivityRequest:
    limit = parameters.number(
        request, "limit", DEFAULT_LIMIT, least=1, most=parameters.HIGHEST_LIMIT
    )
    number = parameters.number(request, "page", 1, least=1, most=HIGHEST_PAGE)
    after = paging.cursor(request, NumberEnd)
    page = PageRequest(limit, (number - 1) * limit, after)
    return _ActivityRequest(page, number, parameters.flag(request, "all"))


async def _body(
    request: AnyRequest,
    accounts: Accounts,
    found: ActivityRows,
    wanted: _ActivityRequest,
    moment: LogMoment | None,
) -> ActivityPage:
    then = {} if moment is None else {AS_OF: f"p{moment.position}"}
    users = await user_bodies(accounts, (each.row.user_id for each in found.entries))
    following = None
    if found.more:
        end = paging.encoded(NumberEnd(found.entries[-1].row.position))
        following = paging.link(request, page=str(wanted.number + 1), cursor=end, **then)
    previous = None
    if wanted.number > 1:
        previous = paging.link(request, page=str(wanted.number - 1), cursor=None, **then)
    return ActivityPage(
        results=tuple(
            ActivityEntry.of(each.row, each.trigger, users, quiet=wanted.quiet)
            for each in found.entries
        ),
        next=following,
        previous=previous,
        total_count=found.total or 0,
    )


HANDLERS = [insight_activity, all_activity]
