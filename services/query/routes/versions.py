"""Reading versions: what every operation did to an insight, a dashboard, an action, a cohort or the
project's settings, and what each of them was then.
"""

from datetime import UTC, datetime

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from contracts.api.actions import ActionBody
from contracts.api.cohorts import CohortBody
from contracts.api.insights import InsightBody
from contracts.api.versions import (
    ActionThen,
    CohortThen,
    DashboardThen,
    DiffBody,
    DiffEnd,
    InsightThen,
    ProjectThen,
    VersionBody,
    VersionPage,
    field_differences,
)
from contracts.events.insight import InsightEvent
from contracts.events.recorded import DomainEvent
from contracts.events.streams import (
    Stream,
    action_stream,
    cohort_stream,
    dashboard_stream,
    insight_stream,
    project_stream,
)
from contracts.read_models.action import ActionRow
from contracts.read_models.cohort import CohortRow
from services.common.accounts.accounts import Accounts
from services.common.http.caller import Caller
from services.common.http.moments import parse
from services.common.http.operations import reads
from services.common.http.organizations import project_body
from services.common.http.paths import number_in_path, project_paths
from services.common.http.problems import not_found
from services.common.http.request import AnyRequest
from services.common.insights.context import insight_context, user_bodies
from services.query.http import as_of, described, parameters
from services.query.http.answers import answer
from services.query.http.insights_then import in_sight_then, visible_insight
from services.query.http.versions import one_version, version_answer, version_page
from services.query.problems import parked
from services.query.reads.all import Reads
from services.query.reads.versions import FoundVersion, between
from services.query.routes.dashboards import dashboard_body

INSIGHT = {"scopes": ("insight:read",)}
DASHBOARD = {"scopes": ("dashboard:read",)}
ACTION = {"scopes": ("action:read",)}
COHORT = {"scopes": ("cohort:read",)}
PROJECT = {"scopes": ("project:read",)}
_ONE = described.PATCH

_encoder = msgspec.json.Encoder()


@get(
    project_paths("/insights/{insight:str}/versions/"),
    opt={**INSIGHT, **reads(VersionPage, *described.VERSIONS)},
)
async def insight_versions(
    request: AnyRequest,
    reads: NamedDependency[Reads],
    accounts: NamedDependency[Accounts],
    caller: NamedDependency[Caller],
    insight: FromPath[str],
) -> Response[bytes]:
    """What every operation did to the insight, newest first; a deleted one answers too."""
    stream = await _in_sight(reads, caller, insight)
    return await version_page(request, reads, accounts, caller, stream)


@get(
    project_paths("/insights/{insight:str}/versions/{version:str}/"),
    opt={**INSIGHT, **reads((VersionBody, InsightThen), _ONE)},
)
async def insight_version(
    request: AnyRequest,
    reads: NamedDependency[Reads],
    accounts: NamedDependency[Accounts],
    caller: NamedDependency[Caller],
    insight: FromPath[str],
    version: FromPath[str],
) -> Response[bytes]:
    """One version of the insight, and the insight as it was then."""
    stream = await _in_sight(reads, caller, insight)
    found = await one_version(request, reads, stream, version)
    position = found[0].entry.position
    then = (await reads.insights.one_then(caller, stream.number, position)).value
    row = in_sight_then(then)
    context = await insight_context(accounts, caller, row, then.access, then.joined)
    body = InsightThen(InsightBody.of(row, context))
    return await version_answer(request, reads, accounts, caller, found, body)


@get(
    project_paths("/insights/{insight:str}/diff/"),
    opt={**INSIGHT, **reads(DiffBody, *described.DIFF)},
)
async def insight_diff(
    request: AnyRequest,
    reads: NamedDependency[Reads],
    accounts: NamedDependency[Accounts],
    caller: NamedDependency[Caller],
    insight: FromPath[str],
) -> Response[bytes]:
    """What differs between two moments of the insight, in either direction."""
    stream = await _in_sight(reads, caller, insight)
    now = datetime.now(UTC)
    to = await _end(request, reads, caller, stream, "to", now)
    if to is None:
        raise not_found()
    before = await _end(request, reads, caller, stream, "from", now, to)
    names = await reads.versions.names(caller)
    found = between(None if before is None else before.row, to.row, names)
    ends = sorted((0 if before is None else before.entry.position, to.entry.position))
    fresh = await reads.freshness.of(
        lambda: reads.versions.between(stream, *ends), parameters.at_least(request)
    )
    if fresh.value.parked_at is not None:
        raise parked(fresh.value.parked_at)
    body = DiffBody(
        from_=None if before is None else DiffEnd.of(before.entry),
        to=DiffEnd.of(to.entry),
        results_can_change=found.results_can_change,
        sentences=found.sentences,
        changes=field_differences(found, patch=True),
        versions=tuple(each.entry.version for each in reversed(fresh.value.versions)),
    )
    return answer(request, _encoder.encode(body), fresh)


@get(
    project_paths("/dashboards/{dashboard:str}/versions/"),
    opt={**DASHBOARD, **reads(VersionPage, *described.VERSIONS)},
)
async def dashboard_versions(
    request: AnyRequest,
    reads: NamedDependency[Reads],
    accounts: NamedDependency[Accounts],
    caller: NamedDependency[Caller],
    dashboard: FromPath[str],
) -> Response[bytes]:
    """What every operation did to the dashboard, newest first."""
    stream = dashboard_stream(caller.team_id, number_in_path(dashboard))
    return await version_page(request, reads, accounts, caller, stream)


@get(
    project_paths("/dashboards/{dashboard:str}/versions/{version:str}/"),
    opt={**DASHBOARD, **reads((VersionBody, DashboardThen), _ONE)},
)
async def dashboard_version(
    request: AnyRequest,
    reads: NamedDependency[Reads],
    accounts: NamedDependency[Accounts],
    caller: NamedDependency[Caller],
    dashboard: FromPath[str],
    version: FromPath[str],
) -> Response[bytes]:
    """One version of the dashboard, and the dashboard with its tiles as they were then."""
    stream = dashboard_stream(caller.team_id, number_in_path(dashboard))
    found = await one_version(request, reads, stream, version)
    position = found[0].entry.position
    then = (await reads.dashboards.one(caller, stream.number, position)).value.found
    if then is None:
        raise not_found()
    body = DashboardThen(await dashboard_body(then, accounts, caller))
    return await version_answer(request, reads, accounts, caller, found, body)


@get(
    project_paths("/actions/{action:str}/versions/"),
    opt={**ACTION, **reads(VersionPage, *described.VERSIONS)},
)
async def action_versions(
    request: AnyRequest,
    reads: NamedDependency[Reads],
    accounts: NamedDependency[Accounts],
    caller: NamedDependency[Caller],
    action: FromPath[str],
) -> Response[bytes]:
    """What every operation did to the action, newest first."""
    stream = action_stream(caller.team_id, number_in_path(action))
    return await version_page(request, reads, accounts, caller, stream)


@get(
    project_paths("/actions/{action:str}/versions/{version:str}/"),
    opt={**ACTION, **reads((VersionBody, ActionThen), _ONE)},
)
async def action_version(
    request: AnyRequest,
    reads: NamedDependency[Reads],
    accounts: NamedDependency[Accounts],
    caller: NamedDependency[Caller],
    action: FromPath[str],
    version: FromPath[str],
) -> Response[bytes]:
    """One version of the action, and the action as it was then."""
    stream = action_stream(caller.team_id, number_in_path(action))
    found = await one_version(request, reads, stream, version)
    row = found[0].row
    if not isinstance(row, ActionRow):
        raise not_found()
    users = await user_bodies(accounts, (row.created_by,))
    body = ActionThen(ActionBody.of(row, users.get(row.created_by or 0)))
    return await version_answer(request, reads, accounts, caller, found, body)


@get(
    project_paths("/cohorts/{cohort:str}/versions/"),
    opt={**COHORT, **reads(VersionPage, *described.VERSIONS)},
)
async def cohort_versions(
    request: AnyRequest,
    reads: NamedDependency[Reads],
    accounts: NamedDependency[Accounts],
    caller: NamedDependency[Caller],
    cohort: FromPath[str],
) -> Response[bytes]:
    """What every operation did to the cohort, newest first."""
    stream = cohort_stream(caller.team_id, number_in_path(cohort))
    return await version_page(request, reads, accounts, caller, stream)


@get(
    project_paths("/cohorts/{cohort:str}/versions/{version:str}/"),
    opt={**COHORT, **reads((VersionBody, CohortThen), _ONE)},
)
async def cohort_version(
    request: AnyRequest,
    reads: NamedDependency[Reads],
    accounts: NamedDependency[Accounts],
    caller: NamedDependency[Caller],
    cohort: FromPath[str],
    version: FromPath[str],
) -> Response[bytes]:
    """One version of the cohort, and the cohort as it was then; never its people."""
    stream = cohort_stream(caller.team_id, number_in_path(cohort))
    found = await one_version(request, reads, stream, version)
    row = found[0].row
    if not isinstance(row, CohortRow):
        raise not_found()
    users = await user_bodies(accounts, (row.created_by,))
    body = CohortThen(CohortBody.of(row, users.get(row.created_by or 0)))
    return await version_answer(request, reads, accounts, caller, found, body)


@get(project_paths("/versions/"), opt={**PROJECT, **reads(VersionPage, *described.VERSIONS)})
async def settings_versions(
    request: AnyRequest,
    reads: NamedDependency[Reads],
    accounts: NamedDependency[Accounts],
    caller: NamedDependency[Caller],
) -> Response[bytes]:
    """What every operation did to the project's settings, newest first."""
    stream = project_stream(caller.team_id)
    return await version_page(request, reads, accounts, caller, stream)


@get(
    project_paths("/versions/{version:str}/"),
    opt={**PROJECT, **reads((VersionBody, ProjectThen), _ONE)},
)
async def settings_version(
    request: AnyRequest,
    reads: NamedDependency[Reads],
    accounts: NamedDependency[Accounts],
    caller: NamedDependency[Caller],
    version: FromPath[str],
) -> Response[bytes]:
    """One version of the project's settings, and the project with them."""
    found = await one_version(request, reads, project_stream(caller.team_id), version)
    then = (await reads.projects.one(caller.team_id, found[0].entry.position)).value
    body = ProjectThen(project_body(then.project))
    return await version_answer(request, reads, accounts, caller, found, body)


async def _in_sight(reads: Reads, caller: Caller, insight: str) -> Stream[InsightEvent]:
    """The stream of an insight that the caller may see today. Raises Rejected 403, 404, 503."""
    return insight_stream(caller.team_id, await visible_insight(reads, caller, insight))


async def _end(
    request: AnyRequest,
    reads: Reads,
    caller: Caller,
    stream: Stream[DomainEvent],
    name: str,
    now: datetime,
    to: FoundVersion | None = None,
) -> FoundVersion | None:
    """The version at one side of a difference. to: of the other side, whose predecessor is the
    default; None for that of the first. Raises Rejected 400, 404.
    """
    sent = parameters.text(request, name)
    at_least = parameters.at_least(request)
    if sent is None and to is not None:
        if to.before is None:
            return None
        position = to.entry.position - 1
    elif sent is None or sent == "now":
        position = await reads.moments.head()
    else:
        point = parse(name, sent, caller.project.timezone, now)
        moment = await as_of.resolved(reads, name, point, caller.project, now, stream)
        position = moment.position
        at_least = as_of.at_least(request, moment)
    fresh = await reads.freshness.of(lambda: reads.versions.at(stream, position), at_least)
    if fresh.value.parked_at is not None:
        raise parked(fresh.value.parked_at)
    if not fresh.value.versions:
        raise not_found()
    return fresh.value.versions[0]


HANDLERS = [
    insight_versions,
    insight_version,
    insight_diff,
    dashboard_versions,
    dashboard_version,
    action_versions,
    action_version,
    cohort_versions,
    cohort_version,
    settings_versions,
    settings_version,
]
