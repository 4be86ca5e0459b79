"""Results of stored insights."""

import msgspec
from msgspec import Raw

from contracts.api.insights import NO_RESULT, ResultFields
from contracts.queries.errors import InvalidQuery
from contracts.queries.kinds import KINDS
from contracts.queries.of_insights import query_of
from contracts.read_models.insight import InsightRow
from services.common.accounts.accounts import Project
from services.common.http.problems import Rejected
from services.common.insights.results.freshness import Refresh
from services.query.insights.additions import WARNINGS, computed
from services.query.insights.beside_results import beside_result
from services.query.insights.charts import Chart
from services.query.insights.kinds import computation_of, kind_of
from services.query.results.cache import NOTHING_SEEN, Positions
from services.query.results.service import ResultRequest, Results, result_fields


class InsightResults:
    def __init__(self, results: Results) -> None:
        self._results = results

    async def fields(
        self,
        row: InsightRow,
        project: Project,
        refresh: Refresh,
        *,
        seen: Positions = NOTHING_SEEN,
        client_query_id: str | None = None,
        dashboard_id: int | None = None,
        include: tuple[str, ...] = (),
    ) -> ResultFields:
        """include: of the words that the query's kind knows.

        Raises InvalidQuery, unless only the cache was to be read; Rejected as the job did."""
        try:
            query = query_of(row)
            if query is None:
                return NO_RESULT
            answered = await self._results.answer(
                ResultRequest(
                    checked=WARNINGS in include,
                    project=project,
                    computation=computation_of(query, include=computed(include)),
                    refresh=refresh,
                    seen=seen,
                    client_query_id=client_query_id,
                    insight_id=row.insight_id,
                    dashboard_id=dashboard_id,
                )
            )
        except InvalidQuery:
            if refresh is Refresh.FORCE_CACHE:
                # Nothing was to run: an insight that can't be computed is shown without a result.
                return NO_RESULT
            raise
        ignored = KINDS[str(query.__struct_config__.tag)].ignored(query)
        beside = beside_result(answered, include, ignored)
        return msgspec.structs.replace(result_fields(answered), **beside)

    async def shown(
        self, row: InsightRow, project: Project, refresh: Refresh, seen: Positions = NOTHING_SEEN
    ) -> ResultFields:
        """For visitors: what can't be computed has no result, whatever the reason.

        Raises Rejected 503 when what the caller has seen is not visible in time.
        """
        if seen.events.sequence and refresh is not Refresh.FORCE_CACHE:
            await self._results.reach(seen)
        try:
            return await self.fields(row, project, refresh, seen=seen)
        except (InvalidQuery, Rejected):
            return NO_RESULT


def chart_of(row: InsightRow, result: Raw) -> Chart | None:
    """The chart of an insight's result; None where there is nothing to draw."""
    try:
        query = query_of(row)
    except InvalidQuery:
        return None
    return None if query is None else kind_of(query).chart(result)


def known_words(row: InsightRow) -> frozenset[str]:
    """The words of `include` that the kind of the insight's query knows."""
    try:
        query = query_of(row)
        own = frozenset[str]() if query is None else kind_of(query).include
    except InvalidQuery:
        own = frozenset()
    return own | {WARNINGS}
