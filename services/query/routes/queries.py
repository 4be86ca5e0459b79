"""Query nodes: run one, poll its job, cancel it."""

from typing import Any

import msgspec
from litestar import MediaType, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import UNSET, Raw

from contracts.api.insights import ResultFields
from contracts.api.nodes import NodeAnswer
from contracts.api.queries import QueryStatusBody, RunQuery
from contracts.api.times import written
from contracts.json import NULL, is_null
from contracts.queries.ignored import of_members
from contracts.queries.kinds import KINDS
from contracts.queries.members import check_members, check_overrides
from contracts.queries.overrides import over_query
from contracts.queries.overrides import read as read_overrides
from contracts.queries.reading import read as read_node
from contracts.queries.reading import source
from services.common.http.body import decode, read
from services.common.http.caller import Caller
from services.common.http.operations import does, shows
from services.common.http.paths import name_in_path, project_paths
from services.common.http.problems import invalid, not_found, not_json
from services.common.http.request import AnyRequest
from services.common.insights.results.freshness import Refresh, parse_refresh
from services.common.insights.results.job import job_body
from services.query.http import described
from services.query.http.included import included
from services.query.http.parameters import seen
from services.query.http.shown import note_result
from services.query.insights.additions import WARNINGS, computed
from services.query.insights.beside_results import beside_result
from services.query.insights.kinds import computation_of, kind_of
from services.query.results.jobs import Jobs
from services.query.results.service import ResultAnswer, ResultRequest, Results, result_fields

READ = {"scopes": ("query:read",)}


@post(
    project_paths("/query/"),
    opt={**READ, **does(RunQuery, NodeAnswer, required=True, pending=NodeAnswer)},
    status_code=200,
)
async def post_query(
    request: AnyRequest, results: NamedDependency[Results], caller: NamedDependency[Caller]
) -> Response[bytes]:
    """Run a query node. A FunnelsQuery's results are its steps, trends or bins.

    202 while a job that it started, or joined, computes newer results; query_status names it.
    """
    return await _run(request, await read(request, RunQuery), results, caller)


@get(
    project_paths("/query/"), opt={**READ, **shows(NodeAnswer, *described.NODE, pending=NodeAnswer)}
)
async def get_query(
    request: AnyRequest, results: NamedDependency[Results], caller: NamedDependency[Caller]
) -> Response[bytes]:
    """The same; the query string carries the node as JSON text."""
    sent = dict(request.query_params.items())
    members = {
        name: Raw(value.encode()) if name in ("query", "filters_override") else value
        for name, value in sent.items()
    }
    return await _run(request, decode(_members(members), RunQuery), results, caller)


@get(project_paths("/query/{job:str}/"), opt={**READ, **shows(QueryStatusBody)})
async def poll_query(
    job: FromPath[str],
    jobs: NamedDependency[Jobs],
    results: NamedDependency[Results],
    caller: NamedDependency[Caller],
) -> Response[bytes]:
    """The progress of a job, by its id or by its client_query_id; once complete, its results."""
    found = await jobs.get(caller.team_id, name_in_path(job))
    if found is None:
        raise not_found("Query not found.")
    shown = NULL
    if found.end_time is not None and found.error is None:
        shown = await results.kept(caller.project, found.key)
    body = QueryStatusBody(job_body(found, shown))
    return Response(msgspec.json.encode(body), media_type=MediaType.JSON)


@delete(
    project_paths("/query/{job:str}/"),
    opt={**READ, **does(None, None, status=204)},
    status_code=204,
)
async def cancel_job(
    job: FromPath[str], jobs: NamedDependency[Jobs], caller: NamedDependency[Caller]
) -> None:
    """End a job, by its id or by its client_query_id; nothing happens when it has ended."""
    await jobs.cancel(caller.team_id, name_in_path(job))


async def _run(
    request: AnyRequest, sent: RunQuery, results: Results, caller: Caller
) -> Response[bytes]:
    document = decoded(sent.query, "query")
    passed_over = check_members(source(document))
    if sent.filters_override is not UNSET:
        laid_over = decoded(sent.filters_override, "filters_override")
        passed_over += check_overrides(laid_over)
        document = over_query(document, read_overrides(laid_over))
    node = read_node(document)
    include = included(sent.include, kind_of(node).include | {WARNINGS})
    computation = computation_of(node, include=computed(include))
    refresh = _refresh(sent)
    answered = await results.answer(
        ResultRequest(
            checked=WARNINGS in include,
            project=caller.project,
            computation=computation,
            refresh=refresh,
            seen=seen(request),
            client_query_id=sent.client_query_id,
        )
    )
    note_result(request, refresh, answered)
    body = node_answer(answered, caller)
    ignored = KINDS[source(document)["kind"]].ignored(node)
    body |= beside_result(answered, include, [*of_members(passed_over), *ignored])
    # PostHog: QueryViewSet.create; its pollers go by this, and by query_status.
    pending = answered.job is not None and answered.job.end_time is None
    return Response(
        msgspec.json.encode(body), media_type=MediaType.JSON, status_code=202 if pending else 200
    )


def node_answer(answered: ResultAnswer, caller: Caller) -> dict[str, object]:
    """The query endpoint's envelope: `results` and what is known about them."""
    fields = result_fields(answered)
    extra = answered.cached.result.extra if answered.cached else {}
    return {
        "results": fields.result,
        "is_cached": fields.is_cached,
        "last_refresh": written(fields.last_refresh),
        "cache_target_age": written(fields.cache_target_age),
        "next_allowed_client_refresh": written(fields.next_allowed_client_refresh),
        "timezone": caller.project.timezone,
        "hogql": fields.hogql,
        "timings": answered.timings,
        "modifiers": {},
        "resolved_date_range": fields.resolved_date_range,
        "query_status": None if answered.job is None else job_body(answered.job),
        **_table(fields),
        **_more(fields),
        **extra,
    }


def _table(fields: ResultFields) -> dict[str, object]:
    """Members that only tables have."""
    if is_null(fields.columns):
        return {}
    return {"columns": fields.columns, "types": fields.types}


def _more(fields: ResultFields) -> dict[str, object]:
    """Whether there is more, of kinds that tell it."""
    return {} if fields.hasMore is None else {"hasMore": fields.hasMore}


def _refresh(sent: RunQuery) -> Refresh:
    """PostHog: without a mode the answer carries results."""
    if sent.async_ is True:
        return Refresh.ASYNC
    return Refresh.BLOCKING if sent.refresh in (None, "", False) else parse_refresh(sent.refresh)


def decoded(document: Raw, attr: str) -> Any:
    """Raises Rejected 400 for what is beyond reach: a number of a thousand digits."""
    try:
        return msgspec.json.decode(document)
    except msgspec.DecodeError as cause:
        raise invalid(attr, "invalid_input", f"{cause}.") from cause


def _members(members: dict[str, Any]) -> bytes:
    try:
        encoded = msgspec.json.encode(members)
        msgspec.json.decode(encoded)
    except msgspec.DecodeError as cause:
        raise not_json("query", cause) from cause
    return encoded


HANDLERS = [post_query, get_query, poll_query, cancel_job]
