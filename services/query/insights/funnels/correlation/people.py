"""The people behind a correlation's numbers, ready to be listed."""

from contracts.queries.nodes import FunnelCorrelationActorsQuery
from services.common.accounts.accounts import Project
from services.query.insights.computed import PreparedPeople, Tools
from services.query.insights.funnels.correlation.pointing import correlation_selection
from services.query.insights.funnels.people.prepare import prepared_people
from services.query.insights.funnels.planner import draft


async def people(
    tools: Tools, project: Project, query: FunnelCorrelationActorsQuery
) -> PreparedPeople:
    """Raises InvalidQuery when nothing is pointed at."""
    drafted = await draft(tools.lookups, project, query.source.source.source)
    return prepared_people(tools, drafted, correlation_selection(query, drafted.facts))
