"""The pages of a project. They show what the API tells, under the same rights."""

from urllib.parse import urlencode

from litestar import Response, get
from litestar.di import NamedDependency

from services.common.accounts.accounts import Accounts
from services.common.http.caller import Caller
from services.common.http.operations import LEFT_OUT
from services.common.http.request import AnyRequest
from services.common.insights.context import user_bodies
from services.common.pages.answers import PROBLEMS, page_answer
from services.query.http import parameters
from services.query.pages.cards import card
from services.query.pages.rendering import rendered
from services.query.reads.all import Reads
from services.query.reads.listing import Cursor, InsightFilter, Order, PageRequest

READ = {"scopes": ("insight:read",), **LEFT_OUT}
PER_PAGE = 60
MOST_PAGES = 10_000
_NEWEST = Order("last_modified_at", descending=True)


@get("/projects/{project:str}/", opt=READ, exception_handlers=PROBLEMS)
async def insights_page(
    request: AnyRequest,
    reads: NamedDependency[Reads],
    accounts: NamedDependency[Accounts],
    page_caller: NamedDependency[Caller],
) -> Response[bytes]:
    """The project's insights, the last changed first, each with a small picture of its result."""
    caller = page_caller
    searched = (parameters.text(request, "q") or "").strip()
    number = parameters.number(request, "page", 1, least=1, most=MOST_PAGES)
    wanted = InsightFilter(search=searched.casefold() or None, order=None if searched else _NEWEST)
    asked = PageRequest[Cursor](PER_PAGE, (number - 1) * PER_PAGE)
    fresh = await reads.freshness.of(lambda: reads.insight_list.page(caller, wanted, asked), None)
    found = fresh.value
    rows = [listed.row for listed in found.rows]
    users = await user_bodies(accounts, (row.last_modified_by for row in rows))
    project = caller.project

    def to_page(number: int) -> str:
        return f"?{urlencode({'q': searched, 'page': number})}"

    page = rendered(
        "insights.html",
        project=project,
        here="insights",
        searched=searched,
        total=found.count,
        cards=[
            card(listed.row, listed.joined.result.result, users, project.timezone)
            for listed in found.rows
        ],
        earlier=to_page(number - 1) if number > 1 else None,
        later=to_page(number + 1) if found.more else None,
    )
    return page_answer(page)


HANDLERS = [insights_page]
