"""Reading cohorts: a list, and one."""

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from contracts.api.cohorts import CohortBody, CohortPage
from services.common.accounts.accounts import Accounts
from services.common.http.caller import Caller
from services.common.http.operations import reads
from services.common.http.paths import project_paths
from services.common.http.request import AnyRequest
from services.query.http import described
from services.query.http.rows import one_of, page_of
from services.query.reads.all import Reads

READ = {"scopes": ("cohort:read",)}


@get(
    project_paths("/cohorts/"), opt={**READ, **reads(CohortPage, *described.NAMED_PAGE, as_of=True)}
)
async def list_cohorts(
    request: AnyRequest,
    reads: NamedDependency[Reads],
    accounts: NamedDependency[Accounts],
    caller: NamedDependency[Caller],
) -> Response[bytes]:
    """Cohorts of the project, the newest first, deleted ones never."""
    rows = reads.cohorts
    return await page_of(request, rows, CohortBody.of, CohortPage, reads, accounts, caller)


@get(project_paths("/cohorts/{cohort:str}/"), opt={**READ, **reads(CohortBody, as_of=True)})
async def get_cohort(
    request: AnyRequest,
    reads: NamedDependency[Reads],
    accounts: NamedDependency[Accounts],
    caller: NamedDependency[Caller],
    cohort: FromPath[str],
) -> Response[bytes]:
    """One cohort."""
    rows = reads.cohorts
    return await one_of(request, cohort, rows, CohortBody.of, reads, accounts, caller)


HANDLERS = [list_cohorts, get_cohort]
