"""Results of stored insights: which computation an insight asks for, and what is shown of it."""

import msgspec

from contracts.api.insights import NO_RESULT, ResultFields
from contracts.json import is_null
from contracts.queries import legacy
from contracts.queries.errors import InvalidQuery
from contracts.queries.kinds import read_funnel
from contracts.queries.nodes import FunnelsQuery
from contracts.queries.overrides import Overrides, over_filters, over_query
from contracts.read_models.insight import InsightRow
from services.common.accounts import Project
from services.common.problems import Rejected
from services.common.results.freshness import Refresh
from services.query.results.computation import FunnelComputation
from services.query.results.service import Asked, Results, result_fields


def funnel_of(row: InsightRow, overrides: Overrides | None = None) -> FunnelsQuery | None:
    """The funnel an insight asks for; None when it describes nothing.

    Raises InvalidQuery for what is stored and not computed here, or can't be read.
    """
    if not is_null(row.query):
        document = msgspec.json.decode(row.query)
        return read_funnel(over_query(document, overrides) if overrides else document)
    filters = msgspec.json.decode(row.filters)
    if not filters:
        return None
    if not legacy.is_funnel(filters):
        raise InvalidQuery(
            "filters",
            "invalid_input",
            f"A {legacy.insight_kind(filters)} insight cannot be computed here.",
        )
    return legacy.convert(over_filters(filters, overrides) if overrides else filters)


class InsightResults:
    def __init__(self, results: Results) -> None:
        self._results = results

    async def fields(
        self,
        row: InsightRow,
        project: Project,
        refresh: Refresh,
        *,
        overrides: Overrides | None = None,
        client_query_id: str | None = None,
        dashboard_id: int | None = None,
    ) -> ResultFields:
        """Raises InvalidQuery, unless only the cache was asked; Rejected as the job did."""
        try:
            query = funnel_of(row, overrides)
            if query is None:
                return NO_RESULT
            answered = await self._results.answer(
                Asked(
                    project=project,
                    computation=FunnelComputation(query=query),
                    refresh=refresh,
                    client_query_id=client_query_id,
                    insight_id=row.insight_id,
                    dashboard_id=dashboard_id,
                )
            )
        except InvalidQuery:
            if refresh is Refresh.FORCE_CACHE:
                # Nothing was asked to run: what can't be computed is shown without a result.
                return NO_RESULT
            raise
        return result_fields(answered)

    async def shown(self, row: InsightRow, project: Project, refresh: Refresh) -> ResultFields:
        """For visitors: what can't be computed has no result, whatever the reason."""
        try:
            return await self.fields(row, project, refresh)
        except (InvalidQuery, Rejected):
            return NO_RESULT
