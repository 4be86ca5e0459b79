"""Funnels asked for by legacy filters: in a body, or spelled out in the query string."""

from collections.abc import Mapping
from typing import Any

import msgspec
from litestar import MediaType, Response, get, post
from litestar.di import NamedDependency

from contracts.api.funnel_filters import RunFunnel
from contracts.api.queries import CancelQuery, FunnelEnvelope
from contracts.api.times import written
from contracts.json import is_null
from contracts.queries.errors import InvalidQuery
from contracts.queries.ignored import of_filters, of_query
from contracts.queries.legacy import convert, spelled
from services.common.http.body import as_json
from services.common.http.caller import Caller
from services.common.http.operations import does, shows
from services.common.http.paths import project_paths
from services.common.http.problems import blank, invalid, not_json
from services.common.http.request import AnyRequest
from services.common.insights.results.freshness import Refresh, parse_refresh
from services.common.insights.results.job import job_body
from services.query.http import described
from services.query.http.included import included
from services.query.http.parameters import seen
from services.query.http.shown import note_result
from services.query.insights.additions import WARNINGS, computed
from services.query.insights.funnels.links import StepLinks
from services.query.insights.funnels.work import INCLUDED
from services.query.results.computation import Computation
from services.query.results.jobs import Jobs
from services.query.results.service import ResultAnswer, ResultRequest, Results, result_fields

READ = {"scopes": ("insight:read",)}
CANCEL = {"scopes": ("insight:read", "insight:write")}
Filters = Mapping[str, Any]
STEPS = (None, "steps", "flow")
"""Kinds of display whose rows have people behind them by URL."""


@get(project_paths("/insights/funnel/"), opt={**READ, **shows(FunnelEnvelope, *described.FUNNEL)})
async def get_funnel(
    request: AnyRequest, results: NamedDependency[Results], caller: NamedDependency[Caller]
) -> Response[bytes]:
    """Compute a funnel; lists and objects are JSON text in the query string."""
    return await _funnel(request, results, caller)


@post(
    project_paths("/insights/funnel/"),
    opt={**READ, **does(RunFunnel, FunnelEnvelope, *described.REFRESH)},
    status_code=200,
)
async def post_funnel(
    request: AnyRequest, results: NamedDependency[Results], caller: NamedDependency[Caller]
) -> Response[bytes]:
    """Compute a funnel; what the query string says goes for what the body leaves out."""
    return await _funnel(request, results, caller)


@post(
    project_paths("/insights/cancel/"),
    opt={**CANCEL, **does(None, None, status=201, required=True)},
    status_code=201,
)
async def cancel_query(
    jobs: NamedDependency[Jobs],
    caller: NamedDependency[Caller],
    sent: NamedDependency[CancelQuery],
) -> Response[bytes]:
    """End what runs under this name; nothing happens when nothing does."""
    name = sent.client_query_id
    if not name:
        raise blank("client_query_id")
    await jobs.cancel(caller.team_id, name)
    return Response(b"", status_code=201)


async def _funnel(request: AnyRequest, results: Results, caller: Caller) -> Response[bytes]:
    filters = await filters_of(request)
    include = included(filters.get("include"), INCLUDED | {WARNINGS})
    computation = Computation(query=convert(filters), legacy=True, include=computed(include))
    asked = ResultRequest(
        project=caller.project,
        computation=computation,
        refresh=asked_refresh(filters.get("refresh")),
        seen=seen(request),
        # A refresh on this endpoint is meant: there is no insight whose result could be spared.
        limited=False,
        client_query_id=text_or_none(filters.get("client_query_id")),
    )
    try:
        answered = await results.answer(asked)
    except InvalidQuery as refused:
        raise spelled(refused) from refused
    note_result(request, asked.refresh, answered)
    body = envelope(answered, caller)
    if computation.query.funnel.funnelVizType in STEPS and not is_null(body.result):
        links = StepLinks(
            request, caller.team_id, filters, baseline="baseline" in computation.include
        )
        body = msgspec.structs.replace(body, result=links.added(body.result))
    if WARNINGS in include:
        ignored = [*of_filters(filters), *of_query(computation.query)]
        body = msgspec.structs.replace(body, warnings=ignored)
    return Response(msgspec.json.encode(body), media_type=MediaType.JSON)


def envelope(answered: ResultAnswer, caller: Caller) -> FunnelEnvelope:
    fields = result_fields(answered)
    return FunnelEnvelope(
        result=fields.result,
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


async def filters_of(request: AnyRequest) -> dict[str, Any]:
    """The members of the query string, and over them those of the body.

    Raises Rejected 400 for a body that is anything but an object.
    """
    in_query = dict(request.query_params.items())
    if request.method != "POST":
        return in_query
    try:
        return in_query | msgspec.json.decode(await as_json(request), type=dict[str, Any])
    except msgspec.ValidationError as cause:
        raise invalid(None, "invalid_input", "Filters are an object.") from cause
    except msgspec.DecodeError as cause:
        raise not_json(None, cause) from cause


def asked_refresh(sent: object) -> Refresh:
    """These endpoints have always answered with a result: what is not said means blocking."""
    if sent is True:
        return Refresh.FORCE_BLOCKING
    if isinstance(sent, str) and sent.strip() and sent.strip().lower() not in ("false", "0"):
        return parse_refresh(sent)
    return Refresh.BLOCKING


def text_or_none(sent: object) -> str | None:
    return sent if isinstance(sent, str) and sent else None


HANDLERS = [get_funnel, post_funnel, cancel_query]
