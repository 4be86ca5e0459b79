"""Reading the activity log, of one insight and of all, and of other things where it is asked."""

from collections.abc import Awaitable, Callable

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from contracts.api.activity import ActivityEntry, ActivityPage
from contracts.cursors import link_text
from contracts.headers import FACTS_THROUGH
from contracts.references import insight_reference
from services.common.accounts.accounts import Accounts
from services.common.http.as_of import AS_OF
from services.common.http.caller import Caller
from services.common.http.hang_ups import while_there
from services.common.http.operations import reads
from services.common.http.paths import project_paths
from services.common.http.problems import not_found
from services.common.http.read_notes import noted
from services.common.http.request import AnyRequest
from services.common.insights.context import user_bodies
from services.query.http import as_of, described, paging
from services.query.http.activity import ActivityQuestion, activity_question
from services.query.http.answers import answer
from services.query.http.as_of import LogMoment
from services.query.problems import parked
from services.query.reads.activity import ActivityRows, insights_of
from services.query.reads.all import Reads
from services.query.reads.listing import NumberEnd
from services.query.reads.read_position import Snapshot

READ = {"scopes": ("activity_log:read",)}

_encoder = msgspec.json.Encoder()

Read = Callable[[], Awaitable[Snapshot[ActivityRows | None]]]


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
    """The activity of one insight, newest first, or oldest first after a cursor; a deleted one
    answers too.
    """
    of = insight_reference(insight)
    if of is None:
        raise not_found()
    asked = await activity_question(request, reads.pool, caller.team_id)
    moment = await as_of.asked(request, reads, caller.project)
    wanted = msgspec.structs.replace(asked.wanted, as_of=as_of.position(moment))

    async def read() -> Snapshot[ActivityRows | None]:
        return await reads.activity.of_insight(caller, of, wanted, asked.place)

    return await _answered(request, reads, accounts, asked, read, moment)


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
    """The activity of the project's insights, newest first, or oldest first after a cursor; with
    `scope`, of other things.
    """
    asked = await activity_question(request, reads.pool, caller.team_id)
    moment = await as_of.asked(request, reads, caller.project)
    wanted = msgspec.structs.replace(asked.wanted, as_of=as_of.position(moment))

    async def read() -> Snapshot[ActivityRows | None]:
        found = await reads.activity.of_team(caller, wanted, asked.place)
        return Snapshot(found.value, found.standing)

    return await _answered(request, reads, accounts, asked, read, moment)


async def _answered(
    request: AnyRequest,
    reads: Reads,
    accounts: Accounts,
    asked: ActivityQuestion,
    read: Read,
    moment: LogMoment | None,
) -> Response[bytes]:
    fresh = await as_of.fresh(request, reads, read, moment)
    found = _shown(fresh.value)
    if asked.wait and not found.entries:
        waiting = reads.freshness.until(read, _has_come, asked.wait)
        fresh = await while_there(request, waiting)
        found = _shown(fresh.value)
    if "insight" not in request.path_params:
        noted(request.scope).shows(insights=insights_of(found.entries))
    body = await _body(request, accounts, found, asked, moment)
    answered = answer(request, _encoder.encode(body), fresh, moment=moment)
    answered.headers[FACTS_THROUGH] = body.through
    return answered


def _shown(found: ActivityRows | None) -> ActivityRows:
    """Raises Rejected: it is not there, can't be followed, or is not for this caller."""
    if found is None:
        raise not_found()
    if found.parked_at is not None:
        raise parked(found.parked_at)
    found.access.require("viewer")
    return found


def _has_come(found: ActivityRows | None) -> bool:
    return found is None or bool(found.entries)


async def _body(
    request: AnyRequest,
    accounts: Accounts,
    found: ActivityRows,
    asked: ActivityQuestion,
    moment: LogMoment | None,
) -> ActivityPage:
    users = await user_bodies(accounts, (each.row.user_id for each in found.entries))
    following, previous = _links(request, found, asked, moment)
    return ActivityPage(
        results=tuple(
            ActivityEntry.of(each.row, each.trigger, users, quiet=asked.wanted.quiet)
            for each in found.entries
        ),
        next=following,
        previous=previous,
        total_count=msgspec.UNSET if found.total is None else found.total,
        through=link_text(found.through),
    )


def _links(
    request: AnyRequest, found: ActivityRows, asked: ActivityQuestion, moment: LogMoment | None
) -> tuple[str | None, str | None]:
    """To the next page, and to the one before."""
    then = {} if moment is None else {AS_OF: f"p{moment.position}"}
    if asked.place.after is not None:
        return paging.link(request, after=link_text(found.through), **then), None
    if asked.number is None:
        if not found.more:
            return None, None
        return paging.link(request, before=link_text(found.entries[-1].link), **then), None
    following = previous = None
    if found.more:
        end = paging.encoded(NumberEnd(found.entries[-1].row.position))
        following = paging.link(request, page=str(asked.number + 1), cursor=end, **then)
    if asked.number > 1:
        previous = paging.link(request, page=str(asked.number - 1), cursor=None, **then)
    return following, previous


HANDLERS = [insight_activity, all_activity]
