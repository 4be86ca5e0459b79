"""Reading views: the insights that are looked at most, and who has looked at one."""

from datetime import UTC, datetime, timedelta

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import Raw

from contracts.api.access import joined
from contracts.api.times import written
from contracts.api.views import TrendingInsight, TrendingViews, ViewerBody
from services.common.accounts.accounts import Accounts
from services.common.http.caller import Caller
from services.common.http.operations import reads
from services.common.http.paths import project_paths
from services.common.http.request import AnyRequest
from services.common.insights.context import user_bodies
from services.query.http import described, parameters, shown
from services.query.http.answers import answer
from services.query.http.insights_then import visible_insight
from services.query.reads.all import Reads

READ = {"scopes": ("insight:read",)}
DEFAULT_DAYS, MOST_DAYS = 7, 3650
DEFAULT_LIMIT, HIGHEST_LIMIT = 10, 100

_encoder = msgspec.json.Encoder()


@get(
    project_paths("/insights/trending/"),
    opt={**READ, **reads(list[TrendingInsight], *described.TRENDING)},
)
async def trending_insights(
    request: AnyRequest,
    reads: NamedDependency[Reads],
    accounts: NamedDependency[Accounts],
    caller: NamedDependency[Caller],
) -> Response[bytes]:
    """The insights that were looked at most in the last days, the most viewed first."""
    days = parameters.number(request, "days", DEFAULT_DAYS, least=1, most=MOST_DAYS)
    limit = parameters.number(request, "limit", DEFAULT_LIMIT, least=1, most=HIGHEST_LIMIT)
    since = datetime.now(UTC) - timedelta(days=days)
    place = await reads.moments.time(caller.team_id, since)
    after = place.position if place else 0
    fresh = await reads.freshness.of(
        lambda: reads.views.trending(caller, after, limit), parameters.at_least(request)
    )
    found = fresh.value
    users = await user_bodies(accounts, (number for each in found for number in each.viewers))
    bodies = await shown.insights([each.listed for each in found], caller, accounts, basic=True)
    results = []
    for each, body in zip(found, bodies, strict=True):
        viewers = tuple(users[number] for number in each.viewers if number in users)
        views = TrendingViews(view_count=each.views, viewers=viewers)
        results.append(Raw(joined(bytes(body), _encoder.encode(views))))
    return answer(request, _encoder.encode(results), fresh)


@get(
    project_paths("/insights/{insight:str}/viewers/"),
    opt={**READ, **reads(list[ViewerBody])},
)
async def insight_viewers(
    request: AnyRequest,
    reads: NamedDependency[Reads],
    accounts: NamedDependency[Accounts],
    caller: NamedDependency[Caller],
    insight: FromPath[str],
) -> Response[bytes]:
    """Everybody who has looked at the insight, the latest first."""
    number = await visible_insight(reads, caller, insight)
    fresh = await reads.freshness.of(
        lambda: reads.views.viewers(caller, number), parameters.at_least(request)
    )
    users = await user_bodies(accounts, (each.user_id for each in fresh.value))
    bodies = [
        ViewerBody(
            user=users.get(each.user_id),
            view_count=each.views,
            last_viewed_at=written(each.viewed_at),
        )
        for each in fresh.value
    ]
    return answer(request, _encoder.encode(bodies), fresh)


HANDLERS = [trending_insights, insight_viewers]
