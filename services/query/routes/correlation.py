"""Correlation by legacy filters, and the people behind its numbers."""

import msgspec
from litestar import MediaType, Response, get, post
from litestar.di import NamedDependency

from contracts.api.correlation import Correlated, CorrelationEnvelope, CorrelationResults
from contracts.api.correlation_filters import CorrelationPeople, RunCorrelation
from contracts.api.people import PeoplePage
from contracts.api.times import written
from contracts.json import is_null
from contracts.queries.errors import InvalidQuery
from contracts.queries.legacy import spelled
from contracts.queries.legacy_actors import convert_correlation, convert_correlation_people
from services.common.http.caller import Caller
from services.common.http.csv_answers import CSV, wants_csv
from services.common.http.csv_tables import to_csv
from services.common.http.operations import does, shows
from services.common.http.paths import project_paths
from services.common.http.request import AnyRequest
from services.common.insights.results.job import job_body
from services.query.events.lookups import Lookups
from services.query.http import described
from services.query.http.included import included
from services.query.http.parameters import seen
from services.query.http.shown import note_result
from services.query.insights.funnels.correlation.links import CorrelationLinks
from services.query.insights.funnels.correlation.pointing import correlation_selection
from services.query.insights.funnels.correlation.work import INCLUDED
from services.query.insights.funnels.links import CORRELATION_PEOPLE_FILTERS, kept
from services.query.insights.funnels.people.page import ActorPages
from services.query.insights.funnels.planner import plan_query
from services.query.results.computation import Computation
from services.query.results.ingest_wait import IngestWait
from services.query.results.service import ResultRequest, Results, result_fields
from services.query.routes.funnels import READ, asked_refresh, filters_of, text_or_none
from services.query.routes.people import READ as READ_PEOPLE
from services.query.routes.people import answer, page_of, people_page, people_paths

LIMIT, OFFSET = "funnel_correlation_person_limit", "funnel_correlation_person_offset"


@get(
    project_paths("/insights/funnel/correlation/"),
    opt={**READ, **shows(CorrelationEnvelope, *described.CORRELATION)},
)
async def get_correlation(
    request: AnyRequest, results: NamedDependency[Results], caller: NamedDependency[Caller]
) -> Response[bytes]:
    """Tell what goes along with converting; lists and objects are JSON text."""
    return await _correlation(request, results, caller)


@post(
    project_paths("/insights/funnel/correlation/"),
    opt={**READ, **does(RunCorrelation, CorrelationEnvelope, *described.REFRESH)},
    status_code=200,
)
async def post_correlation(
    request: AnyRequest, results: NamedDependency[Results], caller: NamedDependency[Caller]
) -> Response[bytes]:
    """Tell what goes along with converting, and what with dropping out."""
    return await _correlation(request, results, caller)


@get(
    people_paths("/funnel/correlation/"),
    opt={**READ_PEOPLE, **shows(PeoplePage, *described.CORRELATION_PEOPLE)},
)
async def get_correlation_people(
    request: AnyRequest,
    ingested: NamedDependency[IngestWait],
    lookups: NamedDependency[Lookups],
    actors: NamedDependency[ActorPages],
    caller: NamedDependency[Caller],
) -> Response[bytes]:
    """The people behind a number of a correlation; lists and objects are JSON text."""
    await ingested.reach(seen(request).events)
    return await _people(request, lookups, actors, caller)


@post(
    people_paths("/funnel/correlation/"),
    opt={**READ_PEOPLE, **does(CorrelationPeople, PeoplePage)},
    status_code=200,
)
async def post_correlation_people(
    request: AnyRequest,
    ingested: NamedDependency[IngestWait],
    lookups: NamedDependency[Lookups],
    actors: NamedDependency[ActorPages],
    caller: NamedDependency[Caller],
) -> Response[bytes]:
    """The people behind a number of a correlation, with the filter in the body."""
    await ingested.reach(seen(request).events)
    return await _people(request, lookups, actors, caller)


async def _correlation(request: AnyRequest, results: Results, caller: Caller) -> Response[bytes]:
    filters = await filters_of(request)
    query = convert_correlation(filters)
    asked = ResultRequest(
        project=caller.project,
        computation=Computation(
            query=query,
            legacy=True,
            include=included(filters.get("include"), INCLUDED),
        ),
        refresh=asked_refresh(filters.get("refresh")),
        seen=seen(request),
        limited=False,
        client_query_id=text_or_none(filters.get("client_query_id")),
    )
    try:
        answered = await results.answer(asked)
    except InvalidQuery as refused:
        raise spelled(refused) from refused
    note_result(request, asked.refresh, answered)
    fields = result_fields(answered)
    links = CorrelationLinks(
        request,
        caller.team_id,
        filters,
        query.funnelCorrelationType,
        of_group=query.source.source.aggregation_group_type_index,
    )
    result = None
    if not is_null(fields.result):
        result = links.added(msgspec.json.decode(fields.result, type=CorrelationResults))
    if result is not None and wants_csv(request.scope):
        # A row per name; the envelope has no list that it could be made of.
        return Response(
            to_csv(msgspec.json.encode(result.events), list[Correlated]), media_type=CSV
        )
    body = CorrelationEnvelope(
        result=result,
        timezone=caller.project.timezone,
        is_cached=fields.is_cached,
        last_refresh=written(fields.last_refresh),
        timings=answered.timings,
        hogql=fields.hogql,
        resolved_date_range=fields.resolved_date_range,
        cache_target_age=written(fields.cache_target_age),
        next_allowed_client_refresh=written(fields.next_allowed_client_refresh),
        query_status=None if answered.job is None else job_body(answered.job),
    )
    return Response(msgspec.json.encode(body), media_type=MediaType.JSON)


async def _people(
    request: AnyRequest, lookups: Lookups, actors: ActorPages, caller: Caller
) -> Response[bytes]:
    filters = await filters_of(request)
    limit, offset = page_of(filters, LIMIT, OFFSET)
    try:
        query = convert_correlation_people(filters)
        planned = await plan_query(lookups, caller.project, query.source.source.source, legacy=True)
        pointed = correlation_selection(query, planned.facts)
        found = await actors.page(planned, pointed, limit=limit, offset=offset)
    except InvalidQuery as refused:
        raise spelled(refused) from refused
    shown = kept(filters, CORRELATION_PEOPLE_FILTERS)
    return answer(request, people_page(request, found, shown, limit, offset, (LIMIT, OFFSET)))


HANDLERS = [get_correlation, post_correlation, get_correlation_people, post_correlation_people]
