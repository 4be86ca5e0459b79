"""Reading cohorts: a list, and one."""

from typing import Any

import msgspec
from litestar import Request, Response, get
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import FromPath

from contracts.api.cohorts import CohortBody, CohortPage
from services.common.accounts import Accounts
from services.common.caller import Caller
from services.common.context import user_bodies
from services.common.operations import reads
from services.common.paths import number_in_path, project_paths
from services.common.problems import not_found
from services.query import described, paging, parameters
from services.query.answers import answer
from services.query.problems import parked
from services.query.reads.all import Reads
from services.query.reads.filters import DEFAULT_ORDER

READ = {"scopes": ("cohort:read",)}
AnyRequest = Request[Any, Any, State]

_encoder = msgspec.json.Encoder()


@get(project_paths("/cohorts/"), opt={**READ, **reads(CohortPage, *described.PAGE)})
async def list_cohorts(
    request: AnyRequest,
    reads: NamedDependency[Reads],
    accounts: NamedDependency[Accounts],
    caller: NamedDependency[Caller],
) -> Response[bytes]:
    """Cohorts of the project by name, deleted ones never."""
    page = paging.page(request, DEFAULT_ORDER)
    fresh = await reads.freshness.of(
        lambda: reads.cohorts.page(caller.team_id, limit=page.limit, offset=page.offset),
        parameters.at_least(request),
    )
    found = fresh.value
    users = await user_bodies(accounts, (row.created_by for row in found.rows))
    body = CohortPage(
        count=found.count,
        next=paging.next_page(request, page, len(found.rows), found.count, None),
        previous=paging.previous_page(request, page),
        results=tuple(CohortBody.of(row, users.get(row.created_by or 0)) for row in found.rows),
    )
    return answer(request, _encoder.encode(body), fresh)


@get(project_paths("/cohorts/{cohort:str}/"), opt={**READ, **reads(CohortBody)})
async def get_cohort(
    request: AnyRequest,
    reads: NamedDependency[Reads],
    accounts: NamedDependency[Accounts],
    caller: NamedDependency[Caller],
    cohort: FromPath[str],
) -> Response[bytes]:
    """One cohort."""
    number = number_in_path(cohort)
    fresh = await reads.freshness.of(
        lambda: reads.cohorts.one(caller.team_id, number), parameters.at_least(request)
    )
    if fresh.value.parked_at is not None:
        raise parked(fresh.value.parked_at)
    row = fresh.value.row
    if row is None:
        raise not_found()
    users = await user_bodies(accounts, (row.created_by,))
    body = CohortBody.of(row, users.get(row.created_by or 0))
    return answer(request, _encoder.encode(body), fresh, version=row.version)


HANDLERS = [list_cohorts, get_cohort]
