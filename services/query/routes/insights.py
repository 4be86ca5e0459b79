"""Reading insights: one, a list, and what the caller looked at last."""

from collections.abc import Sequence

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec.structs import replace

from contracts.api.insight_pages import InsightPage
from contracts.api.insights import BasicInsight, InsightBody
from contracts.read_models.insight import InsightRow
from contracts.references import InsightReference, insight_reference
from services.common.accounts.accounts import Accounts
from services.common.http.as_of import refuse_as_of
from services.common.http.caller import Caller
from services.common.http.operations import reads
from services.common.http.paths import project_paths
from services.common.http.problems import not_found
from services.common.http.read_notes import ShownItems, noted
from services.common.http.request import AnyRequest
from services.common.insights.context import insight_context
from services.common.insights.joined_columns import JoinedColumns
from services.query.http import as_of, described, paging, parameters, shown
from services.query.http.answers import AnswerParts, answer, remembered
from services.query.http.insight_results import KEPT, on_dashboard, with_result, with_results
from services.query.http.insight_results import wanted as results_wanted
from services.query.http.insights_then import in_sight_then, insight_then
from services.query.http.visitors import Reader, Visitor, shared_insight, shared_list
from services.query.insights.stored_insights import InsightResults
from services.query.problems import parked
from services.query.reads.all import Reads
from services.query.reads.insight_list import InsightListRow
from services.query.reads.insights import FoundInsight
from services.query.reads.listing import DEFAULT_ORDER
from services.query.reads.read_position import FreshValue

READ = {"scopes": ("insight:read",)}

_encoder = msgspec.json.Encoder()


@get(
    project_paths("/insights/"), opt={**READ, **reads(InsightPage, *described.INSIGHTS, as_of=True)}
)
async def list_insights(
    request: AnyRequest,
    reads: NamedDependency[Reads],
    accounts: NamedDependency[Accounts],
    reader: Reader,
    insight_results: NamedDependency[InsightResults],
) -> Response[bytes]:
    """Insights of the project, filtered, searched and ordered; deleted ones never."""
    basic = parameters.flag(request, "basic")
    if isinstance(reader, Visitor):
        refuse_as_of(request)
        return await shared_list(request, reader, insight_results, basic=basic)
    caller = reader
    moment = await as_of.asked(request, reads, caller.project)
    position = as_of.position(moment)

    async def make() -> AnswerParts:
        wanted = parameters.insight_filter(request, caller.project)
        page = paging.insight_page(request, wanted.order or DEFAULT_ORDER)
        fresh = await as_of.fresh(
            request, reads, lambda: reads.insight_list.page(caller, wanted, page, position), moment
        )
        found = fresh.value
        rows: Sequence[InsightListRow] = found.rows
        asked = KEPT if basic else results_wanted(request)
        rows = await with_results(rows, asked, caller, insight_results)
        body = InsightPage(
            count=found.count,
            next=paging.next_page(request, page, found.more, paging.travelling(found.end), moment),
            previous=paging.previous_page(request, page, moment),
            results=await shown.insights(rows, caller, accounts, basic=basic),
        )
        again = asked.is_kept_alone and not wanted.hangs_on_now
        kind = list[BasicInsight] if basic else None
        read = ShownItems(
            tuple(each.row.insight_id for each in rows),
            refresh=asked.refresh.value,
            from_cache=shown.from_cache(each.joined.result for each in rows),
        )
        return AnswerParts(_encoder.encode(body), fresh, again=again, kind=kind, shown=read)

    return await remembered(request, caller, accounts, reads.remembered, make, moment)


@get(
    project_paths("/insights/{insight:str}/"),
    opt={**READ, **reads(InsightBody, *described.INSIGHT, as_of=True)},
)
async def get_insight(
    request: AnyRequest,
    reads: NamedDependency[Reads],
    accounts: NamedDependency[Accounts],
    reader: Reader,
    insight_results: NamedDependency[InsightResults],
    insight: FromPath[str],
) -> Response[bytes]:
    """One insight, no older than the position the caller says it has seen."""
    wanted = insight_reference(insight)
    if wanted is None:
        raise not_found()
    if isinstance(reader, Visitor):
        refuse_as_of(request)
        return await shared_insight(request, reader, wanted, insight_results)
    caller = reader
    number, moment = await insight_then(request, reads, caller, wanted)

    async def make() -> AnswerParts:
        if moment is None:
            fresh = await _one(reads, caller, wanted, parameters.at_least(request))
            stored = _in_sight(fresh.value)
        else:
            at = moment.position
            fresh = await as_of.fresh(
                request, reads, lambda: reads.insights.one_then(caller, number, at), moment
            )
            stored = in_sight_then(fresh.value)
        asked = await on_dashboard(
            results_wanted(request), request, stored, reads.dashboards, as_of.position(moment)
        )
        row, joined = await with_result(stored, fresh.value.joined, asked, caller, insight_results)
        context = await insight_context(accounts, caller, row, fresh.value.access, joined)
        context = replace(context, tile=asked.tile)
        body = _encoder.encode(InsightBody.of(row, context))
        again = asked.is_kept_alone and asked.tile is None
        read = ShownItems(
            (row.insight_id,),
            refresh=asked.refresh.value,
            from_cache=shown.from_cache([joined.result]),
        )
        return AnswerParts(body, fresh, row.version, again, shown=read)

    return await remembered(request, caller, accounts, reads.remembered, make, moment)


@get(project_paths("/insights/my_last_viewed/"), opt={**READ, **reads(list[BasicInsight])})
async def my_last_viewed(
    request: AnyRequest,
    reads: NamedDependency[Reads],
    accounts: NamedDependency[Accounts],
    caller: NamedDependency[Caller],
) -> Response[bytes]:
    """The caller's last five insights, the newest view first, in the basic shape."""
    fresh = await reads.freshness.of(
        lambda: reads.last_viewed.newest(caller),
        parameters.at_least(request),
    )
    listed = [
        InsightListRow(each.row, JoinedColumns(each.viewed_at), each.access, None)
        for each in fresh.value
    ]
    bodies = await shown.insights(listed, caller, accounts, basic=True)
    noted(request.scope).shows(each.row.insight_id for each in listed)
    return answer(request, _encoder.encode(bodies), fresh)


async def _one(
    reads: Reads, caller: Caller, wanted: InsightReference, at_least: int | None
) -> FreshValue[FoundInsight]:
    async def read(wanted: InsightReference) -> FreshValue[FoundInsight]:
        return await reads.freshness.of(lambda: reads.insights.one(caller, wanted), at_least)

    fresh = await read(wanted)
    if fresh.value.row is None and wanted.short_id is not None:
        # Perhaps its stream is parked since its creation: only the number leads there.
        number = await reads.insights.number(caller.team_id, wanted.short_id)
        if number is not None:
            return await read(InsightReference(number=number))
    return fresh


def _in_sight(found: FoundInsight) -> InsightRow:
    """Raises Rejected: 503 when its history can't be followed, 404 when there is none, 403 when
    the caller may not see it.
    """
    if found.parked_at is not None:
        raise parked(found.parked_at)
    if found.row is None or found.row.deleted:
        raise not_found()
    found.access.require("viewer")
    return found.row


HANDLERS = [list_insights, get_insight, my_last_viewed]
