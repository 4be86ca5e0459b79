"""The people behind a point of trends, stickiness or a lifecycle, asked for by legacy filters."""

from collections.abc import Callable

from litestar import Response, get, post
from litestar.di import NamedDependency

from contracts.api.people import PeoplePage
from contracts.api.period_filters import LifecyclePeople, StickinessPeople, TrendPeople
from contracts.queries.errors import InvalidQuery
from contracts.queries.insight_actors import InsightActorsQuery
from contracts.queries.legacy import spelled
from contracts.queries.legacy_points import convert_lifecycle, convert_stickiness, convert_trends
from contracts.queries.loose import Filters, text
from services.common.http.caller import Caller
from services.common.http.operations import does, shows
from services.common.http.request import AnyRequest
from services.query.http import described
from services.query.http.parameters import seen
from services.query.insights.computed import Tools
from services.query.insights.funnels.links import kept
from services.query.insights.kinds import people_behind
from services.query.insights.trends.links import TREND_FILTERS
from services.query.people.records import RecordOrder
from services.query.results.ingest_wait import IngestWait
from services.query.routes.funnels import filters_of
from services.query.routes.people import READ, answer, page_of, people_page, people_paths

PEOPLE_FILTERS = (
    *TREND_FILTERS, "shown_as", "breakdown_value", "aggregation_group_type_index", "entity_id",
    "entity_type", "entity_math", "entity_order", "day", "compare_label", "stickiness_days",
    "lifecycle_type", "target_date", "include_recordings", "search",
)  # fmt: skip
"""Which of a request's fields enter the URLs of other pages."""


@get(people_paths("/trends/"), opt={**READ, **shows(PeoplePage, *described.TREND_PEOPLE)})
async def get_trend_people(
    request: AnyRequest,
    ingested: NamedDependency[IngestWait],
    tools: NamedDependency[Tools],
    caller: NamedDependency[Caller],
) -> Response[bytes]:
    """The people behind a point of a trend; lists and objects are JSON text."""
    return await _people(request, ingested, tools, caller, convert_trends)


@post(people_paths("/trends/"), opt={**READ, **does(TrendPeople, PeoplePage)}, status_code=200)
async def post_trend_people(
    request: AnyRequest,
    ingested: NamedDependency[IngestWait],
    tools: NamedDependency[Tools],
    caller: NamedDependency[Caller],
) -> Response[bytes]:
    """The same, with the filter in the body."""
    return await _people(request, ingested, tools, caller, convert_trends)


@get(people_paths("/stickiness/"), opt={**READ, **shows(PeoplePage, *described.STICKINESS_PEOPLE)})
async def get_stickiness_people(
    request: AnyRequest,
    ingested: NamedDependency[IngestWait],
    tools: NamedDependency[Tools],
    caller: NamedDependency[Caller],
) -> Response[bytes]:
    """The people who were active in so many intervals; lists and objects are JSON text."""
    return await _people(request, ingested, tools, caller, convert_stickiness)


@post(
    people_paths("/stickiness/"),
    opt={**READ, **does(StickinessPeople, PeoplePage)},
    status_code=200,
)
async def post_stickiness_people(
    request: AnyRequest,
    ingested: NamedDependency[IngestWait],
    tools: NamedDependency[Tools],
    caller: NamedDependency[Caller],
) -> Response[bytes]:
    """The same, with the filter in the body."""
    return await _people(request, ingested, tools, caller, convert_stickiness)


@get(people_paths("/lifecycle/"), opt={**READ, **shows(PeoplePage, *described.LIFECYCLE_PEOPLE)})
async def get_lifecycle_people(
    request: AnyRequest,
    ingested: NamedDependency[IngestWait],
    tools: NamedDependency[Tools],
    caller: NamedDependency[Caller],
) -> Response[bytes]:
    """The people in one of the four rows in a period; lists and objects are JSON text."""
    return await _people(request, ingested, tools, caller, convert_lifecycle)


@post(
    people_paths("/lifecycle/"),
    opt={**READ, **does(LifecyclePeople, PeoplePage)},
    status_code=200,
)
async def post_lifecycle_people(
    request: AnyRequest,
    ingested: NamedDependency[IngestWait],
    tools: NamedDependency[Tools],
    caller: NamedDependency[Caller],
) -> Response[bytes]:
    """The same, with the filter in the body."""
    return await _people(request, ingested, tools, caller, convert_lifecycle)


async def _people(
    request: AnyRequest,
    ingested: IngestWait,
    tools: Tools,
    caller: Caller,
    convert: Callable[[Filters], InsightActorsQuery],
) -> Response[bytes]:
    await ingested.reach(seen(request).events)
    filters = await filters_of(request)
    limit, offset = page_of(filters, "limit", "offset")
    search = text(filters, "search")
    by = RecordOrder("event_count", descending=True, search=search) if search else None
    try:
        prepared = await people_behind(tools, caller.project, convert(filters))
        found = await prepared.people.page(by=by, limit=limit, offset=offset, query_id=None)
    except InvalidQuery as refused:
        raise spelled(refused) from refused
    return answer(
        request, people_page(request, found, kept(filters, PEOPLE_FILTERS), limit, offset)
    )


HANDLERS = [
    get_trend_people,
    post_trend_people,
    get_stickiness_people,
    post_stickiness_people,
    get_lifecycle_people,
    post_lifecycle_people,
]
