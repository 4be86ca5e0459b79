"""Why a point of trends, stickiness or a lifecycle is the number that it is."""

from typing import Any

import msgspec
from litestar import MediaType, Response, post
from litestar.di import NamedDependency
from msgspec import UNSET

from contracts.api.explain_point import ExplainPoint, PointExplanation
from contracts.queries import reading
from contracts.queries.insight_actors import InsightActorsQuery, StickinessActorsQuery
from contracts.queries.members import check_members
from services.common.http.body import read
from services.common.http.caller import Caller
from services.common.http.operations import does
from services.common.http.paths import project_paths
from services.common.http.request import AnyRequest
from services.query.http.parameters import seen
from services.query.insights.computed import Tools
from services.query.insights.explained import Page, explained
from services.query.insights.kinds import explanation_of
from services.query.results.ingest_wait import IngestWait
from services.query.routes.people import READ, page_of
from services.query.routes.queries import decoded

_POINTING = ("day", "series", "breakdown", "compare", "status", "operator")


@post(
    project_paths("/insights/trend/explain/"),
    opt={**READ, **does(ExplainPoint, PointExplanation, required=True)},
    status_code=200,
)
async def explain_point(
    request: AnyRequest,
    ingested: NamedDependency[IngestWait],
    tools: NamedDependency[Tools],
    caller: NamedDependency[Caller],
) -> Response[bytes]:
    """Which events a point of trends, stickiness or a lifecycle counts, and why others not."""
    sent = await read(request, ExplainPoint)
    await ingested.reach(seen(request).events)
    prepared = await explanation_of(tools, caller.project, _pointing(sent))
    limit, offset = page_of({"limit": sent.limit, "offset": sent.offset}, "limit", "offset")
    page = Page(sent.only or None, limit, offset)
    found = await explained(await tools.shards.of(caller.project.id), tools.lookups, prepared, page)
    return Response(msgspec.json.encode(found), media_type=MediaType.JSON)


def _pointing(sent: ExplainPoint) -> InsightActorsQuery | StickinessActorsQuery:
    """Raises InvalidQuery."""
    members = {name: getattr(sent, name) for name in _POINTING}
    document: dict[str, Any] = {
        name: value for name, value in members.items() if value is not UNSET and value is not None
    }
    document["source"] = reading.source(decoded(sent.source, "source"), "source")
    document["kind"] = "StickinessActorsQuery" if "operator" in document else "InsightActorsQuery"
    check_members(document, None)
    if "operator" in document:
        return reading.node(document, StickinessActorsQuery, None)
    return reading.node(document, InsightActorsQuery, None)


HANDLERS = [explain_point]
