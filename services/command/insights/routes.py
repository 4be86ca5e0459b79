"""Creating and editing insights."""

from litestar import Response, patch, post, put
from litestar.di import NamedDependency

from contracts.api.insights import InsightBody, WriteInsight
from services.command.handle import Terms
from services.command.insights.service import Insights
from services.common.http.operations import plannable, writes
from services.common.http.paths import project_paths

WRITE = {"scopes": ("insight:write",)}


@post(
    project_paths("/insights/"),
    opt={**WRITE, **plannable(writes(InsightBody, status=201))},
    status_code=201,
)
async def create_insight(
    insights: NamedDependency[Insights],
    sent: NamedDependency[WriteInsight],
    terms: NamedDependency[Terms],
) -> Response[bytes]:
    """Create an insight. All fields may be left out."""
    written = await insights.create(sent, terms)
    return await insights.answer(written, terms.caller, status=201)


@patch(project_paths("/insights/{insight:str}/"), opt={**WRITE, **plannable(writes(InsightBody))})
async def patch_insight(
    insights: NamedDependency[Insights],
    insight_id: NamedDependency[int],
    sent: NamedDependency[WriteInsight],
    terms: NamedDependency[Terms],
) -> Response[bytes]:
    """Edit an insight; answers with it as every later read will show it."""
    written = await insights.edit(insight_id, sent, terms)
    return await insights.answer(written, terms.caller)


@put(project_paths("/insights/{insight:str}/"), opt={**WRITE, **plannable(writes(InsightBody))})
async def put_insight(
    insights: NamedDependency[Insights],
    insight_id: NamedDependency[int],
    sent: NamedDependency[WriteInsight],
    terms: NamedDependency[Terms],
) -> Response[bytes]:
    """Replace an insight: what the body does not name gets its default."""
    written = await insights.replace(insight_id, sent, terms)
    return await insights.answer(written, terms.caller)


HANDLERS = [create_insight, patch_insight, put_insight]
