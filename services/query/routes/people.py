"""The people behind the numbers of a funnel, asked for by legacy filters."""

from datetime import UTC, datetime
from typing import Any

import msgspec
from litestar import MediaType, Response, get, post
from litestar.di import NamedDependency

from contracts.api.explain import ExplainPerson, Explanation
from contracts.api.funnel_filters import FunnelPeople
from contracts.api.people import AnyActor, People, PeoplePage
from contracts.api.times import written
from contracts.queries.errors import InvalidQuery
from contracts.queries.legacy import convert, spelled
from contracts.queries.legacy_actors import convert_people
from contracts.queries.loose import number, text
from services.common.http.caller import Caller
from services.common.http.csv_answers import CSV, wants_csv
from services.common.http.csv_tables import to_csv
from services.common.http.operations import does, shows
from services.common.http.paths import project_paths
from services.common.http.request import AnyRequest
from services.query.events.lookups import Lookups
from services.query.http import described
from services.query.http.parameters import DEFAULT_LIMIT, HIGHEST_LIMIT, seen
from services.query.insights.funnels.explain.explaining import Explainer
from services.query.insights.funnels.links import PEOPLE_FILTERS, Filters, absolute, kept
from services.query.insights.funnels.people.page import ActorPages
from services.query.insights.funnels.people.pointing import selection
from services.query.insights.funnels.planner import plan_query
from services.query.people.page import ActorPage
from services.query.people.records import RecordOrder
from services.query.results.ingest_wait import IngestWait
from services.query.routes.funnels import filters_of

READ = {"scopes": ("person:read",)}
HIGHEST_OFFSET = 2**53


def people_paths(path: str) -> list[str]:
    """`persons` and `person`, in a project or, as old clients ask, in the caller's current one."""
    return [
        *project_paths(f"/persons{path}"),
        *project_paths(f"/person{path}"),
        f"/api/person{path}",
        f"/api/persons{path}",
    ]


@get(people_paths("/funnel/"), opt={**READ, **shows(PeoplePage, *described.PEOPLE)})
async def get_people(
    request: AnyRequest,
    ingested: NamedDependency[IngestWait],
    lookups: NamedDependency[Lookups],
    actors: NamedDependency[ActorPages],
    caller: NamedDependency[Caller],
) -> Response[bytes]:
    """The people behind a step, a period or a bin; lists and objects are JSON text."""
    await ingested.reach(seen(request).events)
    return await _people(request, lookups, actors, caller)


@post(people_paths("/funnel/"), opt={**READ, **does(FunnelPeople, PeoplePage)}, status_code=200)
async def post_people(
    request: AnyRequest,
    ingested: NamedDependency[IngestWait],
    lookups: NamedDependency[Lookups],
    actors: NamedDependency[ActorPages],
    caller: NamedDependency[Caller],
) -> Response[bytes]:
    """The same, with the filter in the body."""
    await ingested.reach(seen(request).events)
    return await _people(request, lookups, actors, caller)


@get(people_paths("/funnel/explain/"), opt={**READ, **shows(Explanation, *described.EXPLAIN)})
async def get_explanation(
    request: AnyRequest,
    ingested: NamedDependency[IngestWait],
    lookups: NamedDependency[Lookups],
    explainer: NamedDependency[Explainer],
    caller: NamedDependency[Caller],
) -> Response[bytes]:
    """Why a person is, or is not, in a step; lists and objects are JSON text."""
    await ingested.reach(seen(request).events)
    return await _explain(request, lookups, explainer, caller)


@post(
    people_paths("/funnel/explain/"),
    opt={**READ, **does(ExplainPerson, Explanation)},
    status_code=200,
)
async def post_explanation(
    request: AnyRequest,
    ingested: NamedDependency[IngestWait],
    lookups: NamedDependency[Lookups],
    explainer: NamedDependency[Explainer],
    caller: NamedDependency[Caller],
) -> Response[bytes]:
    """Why a person is, or is not, in a step, with the filter in the body."""
    await ingested.reach(seen(request).events)
    return await _explain(request, lookups, explainer, caller)


async def _explain(
    request: AnyRequest, lookups: Lookups, explainer: Explainer, caller: Caller
) -> Response[bytes]:
    filters = await filters_of(request)
    try:
        planned = await plan_query(lookups, caller.project, convert(filters), legacy=True)
        body = await explainer.explain(planned, text(filters, "person"))
    except InvalidQuery as refused:
        raise spelled(refused) from refused
    return Response(msgspec.json.encode(body), media_type=MediaType.JSON)


async def _people(
    request: AnyRequest, lookups: Lookups, actors: ActorPages, caller: Caller
) -> Response[bytes]:
    filters = await filters_of(request)
    limit, offset = page_of(filters, "limit", "offset")
    try:
        query = convert_people(filters)
        planned = await plan_query(lookups, caller.project, query.source, legacy=True)
        pointed = selection(planned.plan, query)
        if search := text(filters, "search"):
            found = await actors.sorted_page(
                planned, pointed, RecordOrder(search=search), limit=limit, offset=offset
            )
        else:
            found = await actors.page(planned, pointed, limit=limit, offset=offset)
    except InvalidQuery as refused:
        raise spelled(refused) from refused
    return answer(
        request, people_page(request, found, kept(filters, PEOPLE_FILTERS), limit, offset)
    )


def answer(request: AnyRequest, page: PeoplePage) -> Response[bytes]:
    """As CSV, a row per person and not one for all of them."""
    if wants_csv(request.scope):
        rows = [person for people in page.results for person in people.people]
        return Response(to_csv(msgspec.json.encode(rows), list[AnyActor]), media_type=CSV)
    return Response(msgspec.json.encode(page), media_type=MediaType.JSON)


def people_page(
    request: AnyRequest,
    found: ActorPage,
    filters: Filters,
    limit: int,
    offset: int,
    names: tuple[str, str] = ("limit", "offset"),
) -> PeoplePage:
    """names: of limit and offset, for the URLs of the other pages."""
    path = request.scope["raw_path"].decode("latin-1")
    limit_name, offset_name = names

    def url(start: int) -> str:
        return absolute(request, path, {**filters, limit_name: limit, offset_name: start})

    return PeoplePage(
        results=[People(found.actors, len(found.actors))],
        next=url(offset + limit) if len(found.rows) >= limit else None,
        initial=url(0),
        missing_persons=found.missing,
        is_cached=False,
        last_refresh=written(datetime.now(UTC)),
    )


def page_of(filters: Filters, limit: str, offset: str) -> tuple[int, int]:
    """As lists read them: what is no number, or too small, is the default."""
    return (
        _whole(filters.get(limit), DEFAULT_LIMIT, least=1, most=HIGHEST_LIMIT),
        _whole(filters.get(offset), 0, least=0, most=HIGHEST_OFFSET),
    )


def _whole(sent: Any, default: int, *, least: int, most: int) -> int:
    read = number(sent)
    if read is None or not read.is_integer() or read < least:
        return default
    return min(int(read), most)


HANDLERS = [get_people, post_people, get_explanation, post_explanation]
