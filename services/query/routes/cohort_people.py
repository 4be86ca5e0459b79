"""The people of a cohort."""

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from contracts.api.cohorts import CohortPeoplePage
from services.common.http.caller import Caller
from services.common.http.operations import tells
from services.common.http.paths import number_in_path, project_paths
from services.common.http.problems import not_found
from services.common.http.request import AnyRequest
from services.query.http import described, paging
from services.query.http.answers import plain
from services.query.people.cohorts import CohortPeople, PersonEnd

# PostHog: CohortViewSet.persons, which asks for both.
READ = {"scopes": ("cohort:read",), "also_scopes": ("person:read",)}


@get(
    project_paths("/cohorts/{cohort:str}/persons/"),
    opt={**READ, **tells(CohortPeoplePage, *described.PAGE)},
)
async def list_cohort_people(
    request: AnyRequest,
    cohort_people: NamedDependency[CohortPeople],
    caller: NamedDependency[Caller],
    cohort: FromPath[str],
) -> Response[bytes]:
    """The people of a cohort as they are now, the newest first."""
    asked = paging.page(request, PersonEnd)
    found = await cohort_people.page(caller.project, number_in_path(cohort), asked)
    if found is None:
        raise not_found()
    body = CohortPeoplePage(
        results=tuple(found.people),
        next=paging.next_page(request, asked, found.more, found.end),
        previous=paging.previous_page(request, asked),
    )
    return plain(request, msgspec.json.encode(body))


HANDLERS = [list_cohort_people]
